package api

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"github.com/sidehook/sidehook/caddymodule/engine"
	"github.com/sidehook/sidehook/caddymodule/kept"
	"github.com/sidehook/sidehook/caddymodule/problem"
	"github.com/sidehook/sidehook/caddymodule/subscription"
	"github.com/sidehook/sidehook/caddymodule/words"
	"github.com/sidehook/sidehook/deliver"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

var errInsecure = errors.New(subscription.Insecure + ": here the certificate of each receiver is verified: leave it out, or have the operator allow it")

// givenOnce is what may be given with a new subscription beside its settings.
type givenOnce struct {
	Secret string `json:"secret,omitempty" jsonschema:"Secret to sign with: whsec_ and base64 of 24 to 64 bytes, or another text of at least 24 bytes. Default: one is made."`
	Owner  string `json:"owner,omitempty" jsonschema:"Whose it is. Default: nobody's."`
	Tenant string `json:"tenant,omitempty" jsonschema:"The tenant whose events it gets; * is all. Default: events that are of no tenant."`
}

// operatorOnce are those of givenOnce that only the admin endpoint takes.
var operatorOnce = []string{"owner", "tenant"}

// apiDocument is the body of a subscription, by its fields.
type apiDocument map[string]json.RawMessage

// readDocument reads the body of a call.
func (c *Call) readDocument() (apiDocument, error) {
	if len(bytes.TrimSpace(c.body)) == 0 {
		return apiDocument{}, nil
	}
	var doc apiDocument
	err := json.Unmarshal(c.body, &doc)
	if err == nil && doc == nil {
		err = errors.New("it is null")
	}
	if err != nil {
		return nil, problem.New(http.StatusBadRequest, "the body is no JSON object: %s", plainJSON(err))
	}
	return doc, nil
}

// take removes a text from doc; "" if it is not there.
func (d apiDocument) take(name string) (text string, err error) {
	raw, ok := d[name]
	if !ok {
		return "", nil
	}
	delete(d, name)
	if err := json.Unmarshal(raw, &text); err != nil {
		return "", problem.WrongField("/"+name, "%s: write a text", name)
	}
	return text, nil
}

// settings reads doc, all that is wrong with it being told at once.
func (c *Call) settings(doc apiDocument) (*subscription.Subscription, error) {
	known := subscription.CallerFields
	switch {
	case c.Operator:
		known = slices.Concat(subscription.CallerFields, subscription.OperatorFields)
	case c.AllowInsecure:
		known = append(slices.Clone(subscription.CallerFields), subscription.Insecure)
	case string(doc[subscription.Insecure]) == "false": // as it is in any case
		delete(doc, subscription.Insecure)
	}
	var wrong []problem.Field
	note := func(name string, err error) {
		wrong = append(wrong, problem.Field{Pointer: "/" + name, Detail: err.Error()})
	}
	for _, name := range slices.Sorted(maps.Keys(doc)) {
		if name == subscription.Insecure && !slices.Contains(known, name) {
			note(name, errInsecure)
		} else if !slices.Contains(known, name) {
			note(name, unknownField(name, known))
		} else if err := probeField(name, doc[name], c.e.Current().Payloads); err != nil {
			probe := func(raw json.RawMessage) error { return probeField(name, raw, c.e.Current().Payloads) }
			noteWithin(note, append([]string{name}, wrongWithin(doc[name], probe, err, deepestField)...), err)
		}
	}
	for _, name := range []string{"scopes", "url"} {
		if doc[name] == nil {
			note(name, fmt.Errorf("%s is missing: %s", name, missingField[name]))
		}
	}
	if len(wrong) > 0 {
		return nil, problem.WrongFields(wrong...)
	}
	return decodeSettings(doc)
}

// deepestField is how deep fields of a subscription lie in others.
const deepestField = 4

// noteWithin notes what is wrong with the field that names lead to, outermost
// first.
func noteWithin(note func(string, error), names []string, err error) {
	if text, is := strings.CutPrefix(err.Error(), names[0]+":"); is {
		err = fmt.Errorf("%s:%s", strings.Join(names, "."), text)
	}
	note(strings.Join(names, "/"), err)
}

// wrongWithin returns the names that lead from raw to the innermost member that
// is wrong by itself: for which probe, which says what is wrong with raw, says
// err. It looks at no more than depth levels.
func wrongWithin(raw json.RawMessage, probe func(json.RawMessage) error, err error, depth int) []string {
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil || len(members) > 100 || depth == 0 {
		return nil
	}
	if none := probe(json.RawMessage("{}")); none != nil && none.Error() == err.Error() {
		return nil // no object can be there
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		alone := func(member json.RawMessage) error {
			text, _ := json.Marshal(map[string]json.RawMessage{name: member}) // it was read as such
			return probe(text)
		}
		if again := alone(members[name]); again != nil && again.Error() == err.Error() {
			return append([]string{name}, wrongWithin(members[name], alone, err, depth-1)...)
		}
	}
	return nil
}

var missingField = map[string]string{
	"scopes": `write which events it gets, like ["project.**"]`,
	"url":    "write where its webhooks go, like https://crm.example.com/hooks",
}

func unknownField(name string, known []string) error {
	if near := words.Nearest(name, known); near != "" {
		return fmt.Errorf("there is no field %s: did you mean %s?", name, near)
	}
	return fmt.Errorf("there is no field %s, or it cannot be set here: there are %s", name, strings.Join(known, ", "))
}

// probeField says what is wrong with one field, in a subscription in which all
// else is right.
func probeField(name string, raw json.RawMessage, payloads map[string]rules.Payload) error {
	doc := apiDocument{
		"url": json.RawMessage(`"https://example.com/"`), "scopes": json.RawMessage(`["**"]`),
		"sign": json.RawMessage(`{"scheme":"none"}`),
	}
	doc[name] = raw
	s, err := decodeSettings(doc)
	if err != nil {
		return fmt.Errorf("%s: %s", name, plainJSON(err))
	}
	if s.Credential != nil && s.Credential.Value == subscription.Masked {
		return errors.New("credential: write its value, or leave credential out to keep it")
	}
	for _, h := range s.Headers {
		if h.Value == subscription.Masked {
			return fmt.Errorf("headers: write the value of %s, or leave headers out to keep it", h.Name)
		}
	}
	if len(s.Filter) > 2000 || len(s.Scopes) > mostScopes || len(s.Headers) > 20 || len(s.Fields)+len(s.OnChange)+len(s.SkipKeys) > 200 {
		return fmt.Errorf("%s is too much: write less", name)
	}
	if s.Filter != "" {
		if err := rules.CheckFilter(s.Filter); err != nil {
			return fmt.Errorf("filter: %w", err)
		}
	}
	if err := s.CheckWaits(); err != nil {
		return err
	}
	k := kept.Subscription{Content: kept.Content{Settings: s, Secrets: []kept.Secret{{Text: kept.SomeSecret(s.Signing().Scheme)}}}}
	if err := k.Check(payloads, time.Now()); err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "subscription : "))
	}
	return nil
}

// decodeSettings reads doc, and refuses fields that are not known, at any depth.
func decodeSettings(doc apiDocument) (*subscription.Subscription, error) {
	text, err := json.Marshal(doc)
	if err != nil {
		return nil, err
	}
	var s subscription.Subscription
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	return &s, dec.Decode(&s)
}

// plainJSON returns an error of encoding/json in words for who sent the JSON.
func plainJSON(err error) string {
	var kind *json.UnmarshalTypeError
	if !errors.As(err, &kind) {
		return strings.TrimPrefix(err.Error(), "json: ")
	}
	want := map[reflect.Kind]string{
		reflect.String: "a text", reflect.Slice: "a list", reflect.Bool: "true or false", reflect.Struct: "an object", reflect.Map: "an object",
	}[kind.Type.Kind()]
	article := "a"
	if kind.Value == "array" || kind.Value == "object" {
		article = "an"
	}
	return fmt.Sprintf("this is %s %s: write %s", article, kind.Value, cmp.Or(want, "a number"))
}

// checkReceiver says what is wrong with where s wants its webhooks, for a caller
// who may not reach everything.
func checkReceiver(ctx context.Context, s *subscription.Subscription, e *webhook.Egress) error {
	u, err := url.Parse(s.URL)
	if err != nil {
		return problem.WrongField("/url", "url cannot be read: write one like https://crm.example.com/hooks")
	}
	if s.AllowPrivate {
		return nil
	}
	if u.Scheme != "https" {
		return problem.WrongField("/url", "url: begin it with https://")
	}
	return checkHost(ctx, u.Hostname(), deliver.Resolver(e))
}

// lookUpTime bounds how long a host's addresses are looked up for.
const lookUpTime = 3 * time.Second

// checkHost refuses a host of which an address is not public. One that cannot be
// found is not refused: what counts is the address that will be dialled.
func checkHost(ctx context.Context, host string, resolver *net.Resolver) error {
	private := problem.WrongField("/url", "url: its host is at a private or special address, or at none: write one on the public Internet")
	host, err := asciiHost(strings.TrimSuffix(host, "."))
	if err != nil {
		return private
	}
	if a, err := netip.ParseAddr(host); err == nil {
		if deliver.CheckAddress(a) != nil {
			return private
		}
		return nil
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	if last == host || last == "localhost" || last == "" || last[0] >= '0' && last[0] <= '9' {
		return private // a name within a network, or a number in disguise
	}
	ctx, cancel := context.WithTimeout(ctx, lookUpTime)
	defer cancel()
	found, _ := resolver.LookupNetIP(ctx, "ip", host)
	for _, a := range found {
		if deliver.CheckAddress(a) != nil {
			return private
		}
	}
	return nil
}

// asciiHost returns host as it is looked up: letters that stand for others, as
// circled digits and wide dots do, are those others there (UTS 46).
func asciiHost(host string) (string, error) {
	for i := range len(host) {
		if host[i] >= utf8.RuneSelf {
			return idna.Lookup.ToASCII(host)
		}
	}
	return host, nil
}

// checkScopes refuses a pattern that no rule earns.
func (c *Call) checkScopes(s *subscription.Subscription) error {
	for i, p := range s.Scopes {
		if err := engine.WhyUnearned(c.e.Programs(), webhook.Pattern(p)); err != nil {
			return problem.WrongField(fmt.Sprintf("/scopes/%d", i), "%s", err)
		}
	}
	return nil
}

// mergePatch applies a JSON merge patch (RFC 7396).
func mergePatch(to, patch any) any {
	with, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	out, ok := to.(map[string]any)
	if !ok {
		out = map[string]any{}
	}
	for name, v := range with {
		if v == nil {
			delete(out, name)
		} else {
			out[name] = mergePatch(out[name], v)
		}
	}
	return out
}

// exactly reads raw, each number as it is written: options hold ids beyond what a
// float64 does.
func exactly(raw json.RawMessage, to *any) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	return dec.Decode(to)
}

// patched returns s as JSON with a merge patch applied, field by field.
func patched(s *subscription.Subscription, patch apiDocument) (apiDocument, error) {
	text, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	var doc apiDocument
	if err := json.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	delete(doc, "name")
	for name, raw := range patch {
		var was, with any
		if doc[name] != nil {
			if err := exactly(doc[name], &was); err != nil {
				return nil, err
			}
		}
		if err := exactly(raw, &with); err != nil {
			return nil, err
		}
		if with == nil {
			delete(doc, name)
			continue
		}
		merged, err := json.Marshal(mergePatch(was, with))
		if err != nil {
			return nil, err
		}
		doc[name] = merged
	}
	return doc, nil
}

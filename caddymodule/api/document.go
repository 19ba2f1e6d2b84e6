package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/caddymodule/problem"
	"github.com/sidehook/sidehook/caddymodule/subscription"
	"github.com/sidehook/sidehook/caddymodule/words"
	"github.com/sidehook/sidehook/webhook"
)

var errInsecure = errors.New(subscription.Insecure + ": here the certificate of each receiver is verified: leave it out, or have the operator allow it")

var errRotates = errors.New("secret: a change does not replace it: POST /subscriptions/ID/rotate does")

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
		return "", problem.WrongField("/"+name, "%s: write a text%s", name, like(name))
	}
	return text, nil
}

// only refuses what is in doc beside the known fields, or those that are still known
// though they were taken out.
func (d apiDocument) only(known ...string) error {
	for _, name := range slices.Sorted(maps.Keys(d)) {
		if !slices.Contains(known, name) {
			return problem.WrongField("/"+name, "%s", unknownField(name, known))
		}
	}
	return nil
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
		} else if name == "secret" && !slices.Contains(known, name) { // of a new one it has been taken out
			note(name, errRotates)
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

var missingField = map[string]string{
	"scopes": `write which events it gets, like ["project.**"]`,
	"url":    "write where its webhooks go, like https://crm.example.com/hooks",
}

func unknownField(name string, known []string) error {
	if near := words.Nearest(name, known); near != "" && name != "owner" { // that is shown, and near to order
		return fmt.Errorf("there is no field %s: did you mean %s?", name, near)
	}
	return fmt.Errorf("there is no field %s, or it cannot be set here: there are %s", name, strings.Join(known, ", "))
}

// checkScopes refuses a pattern that no rule earns.
func (c *Call) checkScopes(s *subscription.Subscription) error {
	for i, p := range s.Scopes {
		if err := c.e.Current().Handlers.WhyUnearned(webhook.Pattern(p)); err != nil {
			return problem.WrongField(fmt.Sprintf("/scopes/%d", i), "%s", err)
		}
	}
	return nil
}

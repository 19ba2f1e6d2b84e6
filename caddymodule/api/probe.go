package api

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/sidehook/sidehook/caddymodule/kept"
	"github.com/sidehook/sidehook/caddymodule/strict"
	"github.com/sidehook/sidehook/caddymodule/subscription"
	"github.com/sidehook/sidehook/rules"
)

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
		text := plainJSON(err)
		if !strings.HasPrefix(text, name+":") && !strings.HasPrefix(text, name+".") {
			text = name + ": " + text
		}
		if strings.HasPrefix(text, name+": this is a") { // it, and nothing within it
			text += like(name)
		}
		return errors.New(text)
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
		return errors.New(strings.TrimPrefix(subscription.ForCaller(err).Error(), "subscription : "))
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
	return &s, strict.Read(text, &s)
}

// likes are fields of which their type alone does not say what to write. Fields that
// dialects give other shapes are not among them.
var likes = map[string]string{
	"rate": `"50/s"`, "grace": `"24h"`, "chunk": `{"size": 100, "delay": "5m"}`, "sign": `{"scheme": "standard"}`,
}

// like returns an example of a field, to end a sentence with.
func like(name string) string {
	if text := likes[name]; text != "" {
		return ", like " + text
	}
	return ""
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

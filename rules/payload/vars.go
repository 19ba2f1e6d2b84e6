package payload

import (
	"encoding/json"
	"fmt"

	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/webhook"
)

// Vars is an event as filters, payloads and templates see it. It decodes
// what is read, once; it is for one goroutine.
type Vars struct {
	event *webhook.Event
	sub   *webhook.Subscription

	// judging marks what is not known as unknown. A payload sees the entity as
	// it is sent in data: with the last known values.
	judging bool

	decoded map[string]any

	all     []*webhook.Event // of a chunk
	element bool             // it is sent as one of a chunk
}

// Judging returns e as filters see it.
func Judging(e *webhook.Event) *Vars { return &Vars{event: e, judging: true} }

// For has v tell of sub where it is asked for the subscription.
func (v *Vars) For(sub *webhook.Subscription) { v.sub = sub }

// BeforeKnown reports whether an update says what it changed.
func BeforeKnown(e *webhook.Event) bool { return e.Before != nil || len(e.Changes) > 0 }

// Lookup implements [lang.Vars].
func (v *Vars) Lookup(name string) any {
	e := v.event
	switch name {
	case "scope":
		return e.Scope
	case "operation":
		return string(e.Operation)
	case "id":
		return e.Key.ID
	case "api":
		return e.Key.API
	case "resource":
		return e.Key.Resource
	case "tenant":
		return orNil(e.Tenant)
	case "actor":
		return orNil(e.Actor)
	case "sequence":
		return number(e.Sequence)
	case "time":
		return timeText(e.Time)
	case "params":
		return e.Params
	case "event":
		return eventFields{v}
	case "request":
		return map[string]any{"id": orNil(e.Request.ID), "method": e.Request.Method, "path": e.Request.Path}
	case "subscription":
		return subscriptionFields{v}
	case "events":
		return v.elements()
	}
	if got, ok := v.decoded[name]; ok {
		return got
	}
	got := v.document(name)
	if v.decoded == nil {
		v.decoded = map[string]any{}
	}
	v.decoded[name] = got
	return got
}

// document decodes one of the event's documents.
func (v *Vars) document(name string) any {
	e := v.event
	raw := v.raw(name)
	switch name {
	case "entity", "before", "after":
		return v.state(name, raw)
	case "changes", "previous":
		if v.judging && e.Operation == webhook.Updated && !BeforeKnown(e) {
			return lang.Unknown
		}
	}
	return decodeOr(raw, nil)
}

// state decodes a before or an after. One that is not there may not be known.
func (v *Vars) state(name string, raw json.RawMessage) any {
	e := v.event
	if raw == nil {
		if v.judging && v.mayExist(name) {
			return lang.Unknown
		}
		return nil
	}
	if !v.judging {
		return decodeOr(raw, nil)
	}
	doc := decodeOr(raw, lang.Unknown)
	if name == "before" && e.Operation != webhook.Deleted {
		return doc
	}
	var unknown []lang.Path
	for _, text := range e.Provenance.Unknown {
		p, err := lang.ParsePath(text)
		if err != nil {
			return lang.Unknown
		}
		unknown = append(unknown, p)
	}
	return lang.MarkUnknown(doc, unknown, nil) // the keys of arrays are not known here
}

// limited returns v with only what fields select of the states and changes of
// its events; nil fields select all.
func (v *Vars) limited(fields lang.Globs) *Vars {
	if fields == nil {
		return v
	}
	out := &Vars{event: limitEvent(v.event, fields), sub: v.sub, judging: v.judging}
	for _, e := range v.all {
		out.all = append(out.all, limitEvent(e, fields))
	}
	return out
}

// mayExist reports whether a state that the event does not have may exist all
// the same.
func (v *Vars) mayExist(name string) bool {
	switch v.event.Operation {
	case webhook.Created:
		return name != "before"
	case webhook.Deleted:
		return name != "after"
	case webhook.Updated, webhook.Missed:
		return true
	}
	return false
}

// raw returns the JSON of one of the event's documents, nil if there is none.
func (v *Vars) raw(name string) json.RawMessage {
	e := v.event
	switch name {
	case "entity":
		return entityOf(e)
	case "before":
		return e.Before
	case "after":
		return e.After
	case "item":
		return e.Item
	case "attributes":
		return e.Attrs
	case "changes":
		return appendChanges(nil, e.Changes, nil)
	case "previous":
		return Previous(e.Changes)
	case "related":
		return appendRelated(nil, e.Related)
	case "provenance":
		raw, err := json.Marshal(e.Provenance)
		if err == nil {
			return raw
		}
	case "gap":
		if e.Gap != nil {
			return appendGap(nil, e.Gap)
		}
	}
	return nil
}

// entityOf returns what an event is about: of a call outside every resource its
// item.
func entityOf(e *webhook.Event) json.RawMessage {
	if e.Operation == webhook.Called {
		return e.Item
	}
	return e.Entity()
}

// resolve returns the value at p, which begins with a name, as text.
func (v *Vars) resolve(p lang.Path) (string, error) {
	name, rest := p.Cut()
	if raw := v.raw(name); raw != nil {
		at, ok := rest.Get(raw)
		if !ok {
			return "", nil
		}
		return rawText(at), nil
	}
	doc := v.Lookup(name)
	if params, ok := doc.(map[string]string); ok {
		first, deeper := rest.Cut()
		if rest.IsRoot() || !deeper.IsRoot() {
			return "", fmt.Errorf("params has one value for each name: write {params.id}")
		}
		return params[first], nil
	}
	return lang.Text(rest.In(doc)), nil
}

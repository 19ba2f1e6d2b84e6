package payload

import (
	"encoding/json"
	"math"
	"time"

	"github.com/sidehook/sidehook/rules/document"
	"github.com/sidehook/sidehook/rules/lang"
)

// eventFields is the name event.
type eventFields struct{ *Vars }

// Field implements [lang.Object].
func (f eventFields) Field(name string) any {
	e := f.event
	switch name {
	case "id":
		return string(e.ID)
	case "exchange":
		return e.Exchange.String()
	case "position":
		return number(e.Position)
	case "recorded":
		return timeText(e.Recorded)
	case "scope", "operation", "time", "sequence":
		return f.Lookup(name)
	}
	return nil
}

// Value implements [lang.Object].
func (f eventFields) Value() map[string]any {
	return fieldsOf(f, "id", "scope", "operation", "time", "sequence", "exchange")
}

// eachEvent is an element of events: the names of an event are its fields.
type eachEvent struct{ *Vars }

// Field implements [lang.Object].
func (f eachEvent) Field(name string) any {
	if name == "subscription" || name == "events" {
		return nil
	}
	return f.Lookup(name)
}

// Value implements [lang.Object].
func (f eachEvent) Value() map[string]any {
	return fieldsOf(f, "event", "entity", "changes", "previous", "id", "resource", "item")
}

// subscriptionFields is the name subscription.
type subscriptionFields struct{ *Vars }

// Field implements [lang.Object].
func (f subscriptionFields) Field(name string) any {
	s := f.sub
	if s == nil {
		return nil
	}
	switch name {
	case "id", "name":
		return string(s.ID)
	case "number":
		return number(s.Number)
	case "secret":
		if signs := s.Signs(); len(signs) > 0 {
			return signs[0].Reveal()
		}
	case "options":
		return decodeOr(s.Options, nil)
	}
	return nil
}

// Value implements [lang.Object]. The secret has to be asked for by name.
func (f subscriptionFields) Value() map[string]any {
	return fieldsOf(f, "id", "number", "name", "options")
}

func fieldsOf(o lang.Object, names ...string) map[string]any {
	out := make(map[string]any, len(names))
	for _, n := range names {
		v := o.Field(n)
		if inner, ok := v.(lang.Object); ok {
			v = inner.Value()
		}
		out[n] = v
	}
	return out
}

// decodeOr returns what raw holds, as expressions read it, or other if that is not JSON.
func decodeOr(raw json.RawMessage, other any) any {
	if raw == nil {
		return nil
	}
	v, err := document.Parse(raw)
	if err != nil {
		return other
	}
	return v
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func number(n uint64) any { return int64(min(n, math.MaxInt64)) }

// timeText is how events write a time: RFC 3339, UTC.
func timeText(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(time.RFC3339Nano)
}

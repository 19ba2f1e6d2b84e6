package payload

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/webhook"
)

// resolveName implements [webhook.Payload].Resolve. Each call has its own
// state, so that several goroutines may resolve.
func (v *Vars) resolveName(name string) (string, error) {
	p, err := lang.ParsePath(name)
	if err == nil {
		err = lang.EnvEvent.CheckPath(p)
	}
	if err != nil {
		return "", err
	}
	fresh := Vars{event: v.event, sub: v.sub, all: v.all}
	return fresh.resolve(p)
}

// sizeHint is about how many bytes a payload has.
func sizeHint(e *webhook.Event) int {
	n := 320 + len(e.Scope) + len(e.Entity()) + len(e.Item)
	for _, c := range e.Changes {
		n += len(c.Path) + len(c.Old) + 8
	}
	return n
}

type standardBody struct{}

func (standardBody) append(dst []byte, v *Vars, fields lang.Globs) ([]byte, error) {
	dst = appendCommon(dst, v.event, fields, true)
	if v.event.Provenance.Viewed != nil {
		var err error
		if dst, err = appendProvenance(dst, v.event.Provenance); err != nil {
			return nil, err
		}
	}
	return v.close(dst), nil
}

type thinBody struct{}

func (thinBody) append(dst []byte, v *Vars, fields lang.Globs) ([]byte, error) {
	return v.close(appendCommon(dst, v.event, fields, false)), nil
}

// close ends a body. In a chunk the event's id is in it: webhook-id is the
// chunk's there.
func (v *Vars) close(dst []byte) []byte {
	if v.element {
		dst = lang.AppendString(append(dst, `,"id":`...), string(v.event.ID))
	}
	return append(dst, '}')
}

// appendCommon appends the standard body without its closing brace.
func appendCommon(dst []byte, e *webhook.Event, fields lang.Globs, bodies bool) []byte {
	dst = lang.AppendString(append(dst, `{"type":`...), e.Scope)
	dst = appendTime(append(dst, `,"timestamp":`...), e.Time)
	if bodies {
		dst = append(dst, `,"data":`...)
		dst = appendData(dst, e, fields)
		if e.Operation == webhook.Updated && BeforeKnown(e) {
			dst = append(dst, `,"previous":`...)
			dst = appendPrevious(dst, e.Changes, fields)
		}
	}
	dst = lang.AppendString(append(dst, `,"entity":{"type":`...), e.Key.Resource)
	dst = lang.AppendString(append(dst, `,"id":`...), e.Key.ID)
	if e.Sequence > 0 {
		dst = strconv.AppendUint(append(dst, `,"sequence":`...), e.Sequence, 10)
	}
	return append(dst, '}')
}

// appendData appends what an event is about: the entity; of a gap the gap; of
// a call outside every resource its item.
func appendData(dst []byte, e *webhook.Event, fields lang.Globs) []byte {
	if e.Gap != nil {
		return appendGap(dst, e.Gap)
	}
	return appendState(dst, entityOf(e), fields)
}

// appendState appends an entity's JSON, limited to fields if there are any.
func appendState(dst []byte, raw json.RawMessage, fields lang.Globs) []byte {
	switch {
	case len(raw) == 0:
		return append(dst, "null"...)
	case fields != nil:
		return Select(dst, raw, fields)
	}
	return append(dst, raw...)
}

func appendGap(dst []byte, g *webhook.Gap) []byte {
	dst = lang.AppendString(append(dst, `{"reason":`...), g.Reason)
	dst = lang.AppendString(append(dst, `,"detail":`...), g.Detail)
	dst = appendTime(append(dst, `,"from":`...), g.From)
	dst = appendTime(append(dst, `,"to":`...), g.To)
	return append(dst, '}')
}

// appendTime appends t as RFC 3339 in UTC; the zero time is null.
func appendTime(dst []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(dst, "null"...)
	}
	return append(t.UTC().AppendFormat(append(dst, '"'), time.RFC3339Nano), '"')
}

type fullBody struct{}

func (fullBody) append(dst []byte, v *Vars, fields lang.Globs) ([]byte, error) {
	e := v.event
	dst = appendCommon(dst, e, fields, true)
	dst = lang.AppendString(append(dst, `,"id":`...), string(e.ID))
	dst = lang.AppendString(append(dst, `,"operation":`...), string(e.Operation))
	dst = appendState(append(dst, `,"before":`...), e.Before, fields)
	dst = appendChanges(append(dst, `,"changes":`...), e.Changes, fields)
	dst = lang.AppendString(append(dst, `,"api":`...), e.Key.API)
	dst = appendOptional(dst, "tenant", e.Tenant)
	dst = appendOptional(dst, "actor", e.Actor)
	dst = append(dst, `,"params":`...)
	dst, err := lang.AppendJSON(dst, e.Params)
	if err != nil {
		return nil, err
	}
	dst = lang.AppendString(append(dst, `,"request":{"method":`...), e.Request.Method)
	dst = lang.AppendString(append(dst, `,"path":`...), e.Request.Path)
	dst = append(appendOptional(dst, "id", e.Request.ID), '}')
	if dst, err = appendProvenance(dst, e.Provenance); err != nil {
		return nil, err
	}
	dst = appendRelated(append(dst, `,"related":`...), e.Related)
	dst = appendState(append(dst, `,"attributes":`...), e.Attrs, nil)
	item := fields
	if e.Operation != webhook.Called {
		item = nil // an element has other paths than the entity
	}
	dst = appendState(append(dst, `,"item":`...), e.Item, item)
	return append(dst, '}'), nil
}

func appendProvenance(dst []byte, p webhook.Provenance) ([]byte, error) {
	raw, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("provenance: %w", err)
	}
	return append(append(dst, `,"provenance":`...), raw...), nil
}

// appendOptional appends a member, unless it is empty.
func appendOptional(dst []byte, key, value string) []byte {
	if value == "" {
		return dst
	}
	dst = append(lang.AppendString(append(dst, ','), key), ':')
	return lang.AppendString(dst, value)
}

// appendRelated appends what rules named, as one object.
func appendRelated(dst []byte, related []webhook.Related) []byte {
	dst = append(dst, '{')
	for i, r := range related {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(lang.AppendString(dst, r.Name), ':')
		dst = appendState(dst, r.Value, nil)
	}
	return append(dst, '}')
}

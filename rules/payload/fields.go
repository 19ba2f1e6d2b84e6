package payload

import (
	"encoding/json"
	"strconv"

	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/webhook"
	"github.com/tidwall/gjson"
)

// Select appends to dst what globs select of raw: objects and arrays
// keep their nesting and order, values their bytes. Of a value that has no
// members, and of an object of which nothing is selected, it is {} or [].
func Select(dst []byte, raw json.RawMessage, globs lang.Globs) json.RawMessage {
	doc := gjson.ParseBytes(raw)
	if !doc.IsObject() && !doc.IsArray() {
		return append(dst, "{}"...)
	}
	return appendSelected(dst, doc, globs)
}

func appendSelected(dst []byte, doc gjson.Result, globs lang.Globs) []byte {
	isArray := doc.IsArray()
	open, end := byte('{'), byte('}')
	if isArray {
		open, end = '[', ']'
	}
	dst = append(dst, open)
	i, first := 0, true
	doc.ForEach(func(key, value gjson.Result) bool {
		name := key.Str
		if isArray {
			name = strconv.Itoa(i)
			i++
		}
		rest, whole := globs.Step(name)
		nested := value.IsObject() || value.IsArray()
		if !whole && (len(rest) == 0 || !nested) {
			return true
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		if !isArray {
			dst = append(append(dst, key.Raw...), ':')
		}
		if whole {
			dst = append(dst, value.Raw...)
		} else {
			dst = appendSelected(dst, value, rest)
		}
		return true
	})
	return append(dst, end)
}

// appendChanges appends changes as they are shown, limited to globs unless
// they are nil.
func appendChanges(dst []byte, changes []webhook.FieldChange, globs lang.Globs) []byte {
	dst = append(dst, '[')
	first := true
	for _, c := range changes {
		c, ok := limitChange(c, globs)
		if !ok {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = lang.AppendString(append(dst, `{"path":`...), c.Path)
		if c.Old != nil {
			dst = append(append(dst, `,"old":`...), c.Old...)
		}
		if c.New != nil {
			dst = append(append(dst, `,"new":`...), c.New...)
		}
		dst = append(dst, '}')
	}
	return append(dst, ']')
}

// limitEvent returns e with only what globs select of its states and changes.
func limitEvent(e *webhook.Event, globs lang.Globs) *webhook.Event {
	out := *e
	for _, state := range []*json.RawMessage{&out.Before, &out.After} {
		if len(*state) > 0 {
			*state = Select(nil, *state, globs)
		}
	}
	if e.Operation == webhook.Called && len(e.Item) > 0 {
		out.Item = Select(nil, e.Item, globs)
	}
	out.Changes = nil
	for _, c := range e.Changes {
		if c, some := limitChange(c, globs); some {
			out.Changes = append(out.Changes, c)
		}
	}
	return &out
}

// limitChange returns c with only what globs select of its values, and whether
// that is anything; nil globs select all.
func limitChange(c webhook.FieldChange, globs lang.Globs) (webhook.FieldChange, bool) {
	if globs == nil {
		return c, true
	}
	rest, whole := globs.Below(c.Path)
	if whole {
		return c, true
	}
	if len(rest) == 0 {
		return c, false
	}
	c.Old, c.New = limitValue(c.Old, rest), limitValue(c.New, rest)
	return c, c.Old != nil || c.New != nil
}

// limitValue returns what globs select in raw, nil if that is nothing.
func limitValue(raw json.RawMessage, globs lang.Globs) json.RawMessage {
	if doc := gjson.ParseBytes(raw); !doc.IsObject() && !doc.IsArray() {
		return nil
	}
	if part := Select(nil, raw, globs); len(part) > len("{}") {
		return part
	}
	return nil
}

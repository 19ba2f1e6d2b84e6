package api

import (
	"bytes"
	"encoding/json"

	"github.com/sidehook/sidehook/caddymodule/subscription"
)

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

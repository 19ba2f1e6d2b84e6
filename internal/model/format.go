package model

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
)

// How the body of a call is written; "" is plain JSON.
const (
	mergePatch = "merge" // RFC 7396: null removes, and objects are merged
	jsonPatch  = "patch" // RFC 6902: of a field that is not there, nothing can be removed
	form       = "form"  // fields of one value
)

// write chooses formats for the steps of a sequence, in some of them.
func write(seed uint64, steps []Step) {
	r := rand.New(rand.NewPCG(seed, 13))
	if r.IntN(3) > 0 {
		return
	}
	for i := range steps {
		s := &steps[i]
		switch {
		case s.Again:
			s.Format = steps[i-1].Format
			continue
		case s.Many() || s.Verb == http.MethodDelete:
			continue
		case s.Verb == http.MethodPatch:
			s.Format = of(r, "", mergePatch, jsonPatch, form)
		default:
			s.Format = of(r, "", "", form)
		}
		set := s.Sets[0]
		if o, ok := set["o"].(map[string]any); ok && s.Format == mergePatch && r.IntN(2) == 0 {
			delete(o, of(r, "x", "y"))
		}
		if s.Format == form {
			maps.DeleteFunc(set, func(name string, v any) bool { return v == nil || name == "o" || name == "t" })
		}
		if len(set) == 0 {
			s.Format = ""
		}
	}
}

// Type returns the Content-Type of what the call sends.
func (c *Call) Type() string {
	switch c.Format {
	case mergePatch:
		return "application/merge-patch+json"
	case jsonPatch:
		return "application/json-patch+json"
	case form:
		return "application/x-www-form-urlencoded"
	}
	return "application/json"
}

// written returns what the call sends of one entity, in its format.
func (c *Call) written(set map[string]any) []byte {
	switch c.Format {
	case jsonPatch:
		ops := []map[string]any{}
		for _, name := range slices.Sorted(maps.Keys(set)) {
			op := map[string]any{"op": "add", "path": "/" + name, "value": set[name]}
			if set[name] == nil {
				op = map[string]any{"op": "remove", "path": "/" + name}
			}
			ops = append(ops, op)
		}
		return text(ops)
	case form:
		values := url.Values{}
		for name, v := range set {
			values.Set(name, fmt.Sprint(v))
		}
		return []byte(values.Encode())
	}
	return text(set)
}

// applies reports whether what a call says can be done to a state.
func (c *Call) applies(was State, set map[string]any) bool {
	for name, v := range set {
		if _, there := was[name]; c.Format == jsonPatch && v == nil && !there {
			return false
		}
	}
	return true
}

// put sets a field as the call's format has it.
func (c *Call) put(next State, name string, v any, nullStays bool) {
	if v == nil && (c.Format != "" || !nullStays) {
		delete(next, name)
		return
	}
	was, isObject := next[name].(map[string]any)
	if more, ok := v.(map[string]any); ok && isObject && c.Format == mergePatch {
		all := maps.Clone(was)
		maps.Copy(all, more)
		v = all
	}
	next[name] = v
}

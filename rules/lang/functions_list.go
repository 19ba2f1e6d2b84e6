package lang

import (
	"maps"
	"slices"
	"strconv"
)

func keys(f *frame, a []any) any {
	m, ok := a[0].(map[string]any)
	if !ok || !f.spend(len(m)) {
		return nil
	}
	out := make([]any, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, k)
	}
	return out
}

// values are in the order of their keys.
func values(f *frame, a []any) any {
	m, ok := a[0].(map[string]any)
	if !ok || !f.spend(len(m)) {
		return nil
	}
	out := make([]any, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, m[k])
	}
	return out
}

func reverse(f *frame, a []any) any {
	list, ok := a[0].([]any)
	if !ok || !f.spend(len(list)) {
		return nil
	}
	out := slices.Clone(list)
	slices.Reverse(out)
	return out
}

func sorted(f *frame, a []any) any {
	list, ok := a[0].([]any)
	if !ok || !f.spend(len(list)) {
		return nil
	}
	direction := 1
	if len(a) == 2 && a[1] == "desc" {
		direction = -1
	}
	out := slices.Clone(list)
	slices.SortStableFunc(out, func(x, y any) int { return rank(f, x, y) * direction })
	return out
}

func uniq(f *frame, a []any) any {
	list, ok := a[0].([]any)
	if !ok {
		return nil
	}
	out := []any{}
	for _, e := range list {
		if held(f, out, e, Path{}, false) == False {
			out = append(out, e)
		}
	}
	return out
}

func concat(f *frame, a []any) any {
	out := []any{}
	for _, v := range a {
		list, ok := v.([]any)
		if !ok && v != nil || !f.spend(len(list)) {
			return nil
		}
		out = append(out, list...)
	}
	return out
}

// flatten opens the arrays in an array, one level.
func flatten(f *frame, a []any) any {
	list, ok := a[0].([]any)
	if !ok {
		return nil
	}
	out := []any{}
	for _, e := range list {
		inner, ok := e.([]any)
		if !ok {
			inner = []any{e}
		}
		if !f.spend(len(inner) + 1) {
			return nil
		}
		out = append(out, inner...)
	}
	return out
}

// pick returns an object with only the given paths of another, nested as they
// are there. Paths that are not there are left out.
func pick(f *frame, a []any) any {
	m, ok := a[0].(map[string]any)
	if !ok {
		return nil
	}
	texts := []string{}
	for _, v := range a[1:] {
		list, ok := v.([]any)
		if !ok {
			list = []any{v}
		}
		for _, e := range list {
			s, ok := e.(string)
			if !ok || !f.spend(1) {
				return nil
			}
			texts = append(texts, s)
		}
	}
	globs, err := ParseGlobs(texts)
	if err != nil {
		return nil
	}
	out, _ := project(f, m, globs)
	if out == nil {
		return map[string]any{}
	}
	return out
}

// project returns what globs select of v, and whether they select any of it.
func project(f *frame, v any, globs Globs) (any, bool) {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		if !f.spend(len(v) * len(globs)) {
			return nil, false
		}
		for k, e := range v {
			if rest, whole := globs.Step(k); whole {
				out[k] = e
			} else if len(rest) > 0 && f.spend(1) {
				if part, ok := project(f, e, rest); ok {
					out[k] = part
				}
			}
		}
		return out, len(out) > 0
	case []any:
		out := []any{}
		if !f.spend(len(v) * len(globs)) {
			return nil, false
		}
		for i, e := range v {
			if rest, whole := globs.Step(strconv.Itoa(i)); whole {
				out = append(out, e)
			} else if len(rest) > 0 && f.spend(1) {
				if part, ok := project(f, e, rest); ok {
					out = append(out, part)
				}
			}
		}
		return out, len(out) > 0
	}
	return nil, false
}

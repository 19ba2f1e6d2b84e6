package lang

import "github.com/sidehook/sidehook/webhook"

// differs reports whether two states of path p differ, but for what
// c.Ignored names. Arrays are compared element by element in order, or by their
// key where c.Key knows one: then their order does not matter. shape is p with *
// for the elements of such arrays.
func differs(f *frame, c *Change, before, after any, p, shape Path) Truth {
	if c.Ignored != nil && c.Ignored(p.String()) {
		return False
	}
	if !f.spend(1) || IsUnknown(before) || IsUnknown(after) {
		return Undecided
	}
	_, wasGone := before.(absent)
	_, isGone := after.(absent)
	if wasGone || isGone {
		return truthOf(wasGone != isGone)
	}
	switch b := before.(type) {
	case map[string]any:
		if a, ok := after.(map[string]any); ok {
			return differMaps(f, c, b, a, p, shape)
		}
	case []any:
		if a, ok := after.([]any); ok {
			return differLists(f, c, b, a, p, shape)
		}
	}
	return same(before, after, f).Not()
}

func differMaps(f *frame, c *Change, before, after map[string]any, p, shape Path) Truth {
	t := False
	for k, b := range before {
		a, ok := after[k]
		if !ok {
			a = absent{}
		}
		if t = t.Or(differs(f, c, b, a, p.Child(k), shape.Child(k))); t == True {
			return t
		}
	}
	for k, a := range after {
		if _, ok := before[k]; ok {
			continue
		}
		if t = t.Or(differs(f, c, absent{}, a, p.Child(k), shape.Child(k))); t == True {
			return t
		}
	}
	return t
}

func differLists(f *frame, c *Change, before, after []any, p, shape Path) Truth {
	if key, ok := c.key(shape); ok {
		return differKeyed(f, c, before, after, p, shape, key)
	}
	if len(before) != len(after) {
		return True
	}
	t := False
	for i := range before {
		name := text(int64(i)).(string)
		if t = t.Or(differs(f, c, before[i], after[i], p.Child(name), shape.Child(name))); t == True {
			return t
		}
	}
	return t
}

func differKeyed(f *frame, c *Change, before, after []any, p, shape, key Path) Truth {
	below := shape.Join(anyElement)
	t := heldAll(f, before, after, key).And(heldAll(f, after, before, key)).Not()
	if t == True {
		return t
	}
	for _, b := range before {
		k := at(b, key)
		for _, a := range after {
			if !f.spend(1) {
				return Undecided
			}
			match := same(k, at(a, key), f)
			if match == False {
				continue
			}
			name, _ := text(k).(string)
			t = t.Or(match.And(differs(f, c, b, a, p.Child(name), below)))
			break
		}
	}
	return t
}

// anyElement is the path that stands for all elements of an array.
var anyElement = Path{text: "*", names: 1}

// key returns the path of the key of the elements of the array at p.
func (c *Change) key(p Path) (Path, bool) {
	if c.Key == nil {
		return Path{}, false
	}
	return c.Key(p.String())
}

// heldAll reports whether list has each of wanted, by key.
func heldAll(f *frame, list, wanted []any, key Path) Truth {
	t := True
	for _, e := range wanted {
		if t = t.And(held(f, list, e, key, true)); t == False {
			break
		}
	}
	return t
}

// held reports whether list has e, by key or by value.
func held(f *frame, list []any, e any, key Path, keyed bool) Truth {
	t := False
	for _, o := range list {
		if !f.spend(1) {
			return Undecided
		}
		if t = t.Or(sameElement(f, o, e, key, keyed)); t == True {
			return t
		}
	}
	return t
}

// sameElement compares by the key where both have one, else by value.
func sameElement(f *frame, a, b any, key Path, keyed bool) Truth {
	if keyed {
		k, l := at(a, key), at(b, key)
		_, noK := k.(absent)
		_, noL := l.(absent)
		if !noK && !noL {
			return same(k, l, f)
		}
	}
	return same(a, b, f)
}

// lists returns the elements before and after; none where there is no array.
// known is false if it depends on an unknown.
func lists(c *Change, p Path) (before, after any) {
	before, after = at(c.Before, p), at(c.After, p)
	if c.Operation == webhook.Created {
		before = absent{}
	}
	return elements(before), elements(after)
}

func elements(state any) any {
	switch v := state.(type) {
	case []any, unknown:
		return v
	}
	return []any{}
}

// gained returns the elements of now that then does not have, or Unknown.
func gained(f *frame, c *Change, p Path, then, now any) any {
	list, ok := now.([]any)
	if !ok {
		return Unknown
	}
	if len(list) == 0 {
		return []any{}
	}
	old, ok := then.([]any)
	if !ok {
		return Unknown
	}
	key, keyed := c.key(p)
	out := []any{}
	for _, e := range list {
		switch held(f, old, e, key, keyed) {
		case False:
			out = append(out, e)
		case Undecided:
			return Unknown
		}
	}
	return out
}

func additions(f *frame, c *Change, paths []Path, _ any) any {
	before, after := lists(c, paths[0])
	return gained(f, c, paths[0], before, after)
}

func removals(f *frame, c *Change, paths []Path, _ any) any {
	before, after := lists(c, paths[0])
	return gained(f, c, paths[0], after, before)
}

func added(f *frame, c *Change, paths []Path, v any) any {
	before, after := lists(c, paths[0])
	return hasGained(f, c, paths[0], before, after, v).value()
}

func removed(f *frame, c *Change, paths []Path, v any) any {
	before, after := lists(c, paths[0])
	return hasGained(f, c, paths[0], after, before, v).value()
}

// hasGained reports whether now has an element (v, if it is given) that then
// does not have.
func hasGained(f *frame, c *Change, p Path, then, now, v any) Truth {
	key, keyed := c.key(p)
	list, ok := now.([]any)
	if !ok {
		// Of an unknown array with v in the old one nothing was gained.
		if old, known := then.([]any); known && v != (none{}) && names(f, old, v, key, keyed) == True {
			return False
		}
		return Undecided
	}
	t := False
	for _, e := range list {
		wanted := True
		if v != (none{}) {
			wanted = isElement(f, e, v, key, keyed)
		}
		if wanted == False {
			continue
		}
		fresh := Undecided
		if old, ok := then.([]any); ok {
			fresh = held(f, old, e, key, keyed).Not()
		}
		if t = t.Or(wanted.And(fresh)); t == True {
			return t
		}
	}
	return t
}

// names reports whether list has an element that v names.
func names(f *frame, list []any, v any, key Path, keyed bool) Truth {
	t := False
	for _, e := range list {
		t = t.Or(isElement(f, e, v, key, keyed))
	}
	return t
}

// isElement reports whether v names e: by its value, or by its key.
func isElement(f *frame, e, v any, key Path, keyed bool) Truth {
	t := is(f, e, v)
	if keyed && t != True {
		if k := at(e, key); k != (absent{}) {
			t = t.Or(is(f, k, v))
		}
	}
	return t
}

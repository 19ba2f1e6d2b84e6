package tree

import (
	"slices"
	"strconv"
	"strings"
)

// Change is one path whose value differs. Old and New are nil where the path
// is absent.
type Change struct {
	Path     string
	Old, New *Value

	// Element says that what came or went is an element of an array that both
	// states have.
	Element bool
}

// Keys says which arrays have elements with an identity: it maps the path of
// an array (indices and keys written as *) to the names of the key below an element.
type Keys map[string][]string

// Diff returns the paths at which two states differ, sorted. Objects are
// compared member by member, arrays as a whole unless keys names them: then
// element by element, under the element's key. null is not absent.
func Diff(before, after *Value, keys Keys) []Change {
	d := differ{keys: keys}
	d.diff("", "", before, after)
	slices.SortFunc(d.changes, func(a, b Change) int { return strings.Compare(a.Path, b.Path) })
	return d.changes
}

type differ struct {
	keys    Keys
	changes []Change
}

// diff compares a and b at path; shape is the path with * for elements.
func (d *differ) diff(path, shape string, a, b *Value) {
	switch {
	case a != nil && b != nil && a.raw != "" && a.raw == b.raw:
		return
	case a.IsObject() && b.IsObject():
		d.members(path, shape, a, b)
		return
	case len(d.keys) > 0 && a != nil && b != nil && a.Kind == Array && b.Kind == Array:
		if key, ok := d.keys[shape]; ok && d.elements(path, shape, key, a, b) {
			return
		}
	}
	if !Equal(a, b) {
		d.changes = append(d.changes, Change{Path: path, Old: a, New: b})
	}
}

func (d *differ) members(path, shape string, a, b *Value) {
	was, is := a.Members(), b.Members()
	found := 0
	for i := range was {
		m := &was[i]
		other := b.find(m.Name, i)
		if other != nil {
			found++
			if other.raw != "" && other.raw == m.raw {
				continue
			}
		}
		d.diff(Join(path, m.Name), d.keys.below(shape, m.Name), &m.Value, other)
	}
	if found == len(is) {
		return
	}
	for i := range is {
		m := &is[i]
		if a.find(m.Name, i) == nil {
			d.diff(Join(path, m.Name), d.keys.below(shape, m.Name), nil, &m.Value)
		}
	}
}

// elements compares two arrays by key; false if an element has none, or two
// have the same.
func (d *differ) elements(path, shape string, key []string, a, b *Value) bool {
	was, ok1 := keyed(a, key)
	is, ok2 := keyed(b, key)
	if !ok1 || !ok2 {
		return false
	}
	below := ElementsOf(shape)
	for i, elems := 0, a.Elems(); i < len(elems); i++ {
		k, _ := elems[i].At(key...).Text()
		if is[k] == nil {
			d.changes = append(d.changes, Change{Join(path, k), &elems[i], nil, true})
			continue
		}
		d.diff(Join(path, k), below, &elems[i], is[k])
	}
	for i, elems := 0, b.Elems(); i < len(elems); i++ {
		k, _ := elems[i].At(key...).Text()
		if was[k] == nil {
			d.changes = append(d.changes, Change{Join(path, k), nil, &elems[i], true})
		}
	}
	return true
}

func keyed(v *Value, key []string) (map[string]*Value, bool) {
	elems := v.Elems()
	byKey := make(map[string]*Value, len(elems))
	for i := range elems {
		k, ok := elems[i].At(key...).Text()
		if !ok || byKey[k] != nil {
			return nil, false
		}
		byKey[k] = &elems[i]
	}
	return byKey, true
}

// ElementsOf returns the path, as [Keys] has it, of what is in the elements of
// the array at path.
func ElementsOf(path string) string {
	if path == "" {
		return "*"
	}
	return path + ".*"
}

// Element returns what tells e apart within its array: its own key, else i.
func Element(e *Value, key []string, i int) string {
	if k, ok := e.At(key...).Text(); ok && len(key) > 0 {
		return k
	}
	if k, ok := e.Get("id").Text(); ok {
		return k
	}
	return strconv.Itoa(i)
}

// At follows names from v as [Value.At] does, and in arrays that have keys the
// elements' keys.
func (k Keys) At(v *Value, names ...string) *Value {
	shape := ""
	for _, name := range names {
		if v == nil {
			return nil
		}
		if v.Kind != Array {
			v, shape = v.Get(name), k.below(shape, name)
			continue
		}
		key, ok := k[shape]
		if ok {
			v, shape = element(v, key, name), ElementsOf(shape)
		} else {
			v, shape = v.At(name), ElementsOf(shape)
		}
	}
	return v
}

// element returns the element of an array that has that key, or nil.
func element(v *Value, key []string, want string) *Value {
	for i, elems := 0, v.Elems(); i < len(elems); i++ {
		if k, ok := elems[i].At(key...).Text(); ok && k == want {
			return &elems[i]
		}
	}
	return nil
}

// below spares the path where no array is keyed.
func (k Keys) below(shape, name string) string {
	if len(k) == 0 {
		return ""
	}
	return Join(shape, name)
}

// Package tree reads JSON without losing anything of it: members keep their
// order, numbers and strings their bytes. It compares by value, and overlays one
// state on another. It is pure, and bounded by [MaxDepth].
//
// A [Value] is a document or a part of one, made by [Parse]. [Diff] lists what differs
// between two states, and [Overlay] lays a state that may show less over an older one.
package tree

import (
	"iter"
	"strconv"
	"strings"
)

// Kind is the JSON type of a value.
type Kind uint8

const (
	Null Kind = iota
	Bool
	Number
	String
	Array
	Object
)

// Value is one JSON value. Read it, and change it only by the functions of
// this package: containers keep their source bytes until they differ from it.
// What is below the root is read once it is asked for: a value, and all that
// is taken from it, is for one goroutine at a time.
type Value struct {
	Kind Kind
	raw  string // source bytes; "" for a container built here or altered
	kids *kids  // of a container; nil: not read yet, or none
}

// Member is one name of an object. Names are unique within it.
type Member struct {
	Name string
	Value
}

// kids are what a container holds.
type kids struct {
	members []Member
	elems   []Value

	index map[string]int // of many members, once several were looked for
	looks uint8          // how many were, before
}

// Members returns the members of an object, for reading; nil for anything else.
func (v *Value) Members() []Member {
	if k := v.below(); k != nil {
		return k.members
	}
	return nil
}

// Elems returns the elements of an array, for reading; nil for anything else.
func (v *Value) Elems() []Value {
	if k := v.below(); k != nil {
		return k.elems
	}
	return nil
}

// Each yields members or elements, where they are: for reading.
func Each[T Member | Value](all []T) iter.Seq[*T] {
	return func(yield func(*T) bool) {
		for i := range all {
			if !yield(&all[i]) {
				return
			}
		}
	}
}

func (v *Value) below() *kids {
	if v == nil {
		return nil
	}
	if v.kids == nil && v.Kind >= Array && v.raw != "" {
		v.kids = expand(v.raw)
	}
	return v.kids
}

// Get returns the member called name, or nil. v may be nil or no object.
func (v *Value) Get(name string) *Value {
	k := v.below()
	if k == nil {
		return nil
	}
	if at := k.find(name); at >= 0 {
		return &k.members[at].Value
	}
	return nil
}

const (
	smallObject = 32 // up to how many members names are searched one by one
	fewLooks    = 16 // and how often in objects with more
)

// find returns where the member called name is, or -1.
func (k *kids) find(name string) int {
	if len(k.members) <= smallObject || k.looks < fewLooks {
		k.looks = min(k.looks+1, fewLooks)
		for i := range k.members {
			if k.members[i].Name == name {
				return i
			}
		}
		return -1
	}
	if k.index == nil {
		k.index = make(map[string]int, len(k.members))
		for i := range k.members {
			k.index[k.members[i].Name] = i
		}
	}
	if at, ok := k.index[name]; ok {
		return at
	}
	return -1
}

// At follows names (or indices of arrays) and returns what is there, or nil.
func (v *Value) At(names ...string) *Value {
	for _, name := range names {
		if v == nil {
			return nil
		}
		if v.Kind != Array {
			v = v.Get(name)
			continue
		}
		i, err := strconv.Atoi(name)
		elems := v.Elems()
		if err != nil || i < 0 || i >= len(elems) {
			return nil
		}
		v = &elems[i]
	}
	return v
}

// Text returns a string's text or a number's own digits: an id. ok is false
// for everything else, and for the empty string. The text is a copy.
func (v *Value) Text() (text string, ok bool) {
	switch {
	case v == nil:
	case v.Kind == String:
		text = unquote(v.raw)
	case v.Kind == Number:
		text = v.raw
	}
	return strings.Clone(text), text != ""
}

// Is reports whether v is a string or a number whose text is want, as Text
// tells it.
func (v *Value) Is(want string) bool {
	switch {
	case v == nil || want == "":
		return false
	case v.Kind == String:
		return unquote(v.raw) == want
	}
	return v.Kind == Number && v.raw == want
}

// SaysTwice reports whether v, as it was parsed, has a name twice somewhere.
func (v *Value) SaysTwice() bool { return v != nil && v.Kind >= Array && v.raw == "" }

// IsObject reports whether v is an object; nil is none.
func (v *Value) IsObject() bool { return v != nil && v.Kind == Object }

// MayHaveNull is false if no value that is null is in v; it reads nothing of what is
// below.
func (v *Value) MayHaveNull() bool { return v.raw == "" || strings.Contains(v.raw, "null") }

// IsArray reports whether v is an array.
func (v *Value) IsArray() bool { return v != nil && v.Kind == Array }

// Package tree reads JSON without losing anything of it: members keep their
// order, numbers and strings their bytes. It compares by value, and overlays one
// state on another. It is pure, and bounded by [MaxDepth].
package tree

import (
	"encoding/json"
	"strconv"
	"strings"
	"unsafe"
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

// IsArray reports whether v is an array.
func (v *Value) IsArray() bool { return v != nil && v.Kind == Array }

// JSON returns v as JSON, nil for nil: a copy. Unaltered values are their
// source bytes.
func (v *Value) JSON() json.RawMessage {
	if v == nil {
		return nil
	}
	return v.Append(make([]byte, 0, len(v.raw)))
}

// Shared is JSON for reading: it may share its bytes with what v was parsed
// from, and is good only as long as that stays as it is.
func (v *Value) Shared() json.RawMessage {
	if v == nil || v.raw == "" {
		return v.JSON()
	}
	return unsafe.Slice(unsafe.StringData(v.raw), len(v.raw))
}

// Append appends v as JSON, nothing for nil.
func (v *Value) Append(dst []byte) []byte {
	switch {
	case v == nil:
		return dst
	case v.raw != "":
		return append(dst, v.raw...)
	case v.Kind == Object:
		dst = append(dst, '{')
		for i, members := 0, v.Members(); i < len(members); i++ {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(appendQuoted(dst, members[i].Name), ':')
			dst = members[i].Append(dst)
		}
		return append(dst, '}')
	case v.Kind == Array:
		dst = append(dst, '[')
		for i, elems := 0, v.Elems(); i < len(elems); i++ {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = elems[i].Append(dst)
		}
		return append(dst, ']')
	}
	return append(dst, "null"...)
}

// Size is about how many bytes Append appends; 0 if that is not known.
func (v *Value) Size() int {
	if v == nil {
		return 0
	}
	return len(v.raw)
}

// Text makes a string value.
func Text(s string) Value { return Value{Kind: String, raw: string(appendQuoted(nil, s))} }

// NewObject makes an object of members, whose names must differ.
func NewObject(members []Member) Value { return Value{Kind: Object, kids: &kids{members: members}} }

// NewArray makes an array of elems.
func NewArray(elems []Value) Value { return Value{Kind: Array, kids: &kids{elems: elems}} }

// With returns v with member name set to to; v itself is not altered.
func (v *Value) With(name string, to Value) Value {
	members := make([]Member, 0, len(v.Members())+1)
	found := false
	for _, m := range v.Members() {
		if m.Name == name {
			m.Value, found = to, true
		}
		members = append(members, m)
	}
	if !found {
		members = append(members, Member{name, to})
	}
	return NewObject(members)
}

// Join returns the path of name below path, written as package lang does: a
// dot or backslash inside name, and a star that begins it, have a backslash
// before them; the empty name is `\e`. The text is a copy.
func Join(path, name string) string {
	name = escape(name)
	if path == "" {
		return strings.Clone(name)
	}
	return path + "." + name
}

func escape(name string) string {
	if name == "" {
		return `\e`
	}
	if strings.ContainsAny(name, `.\`) {
		name = strings.NewReplacer(`\`, `\\`, `.`, `\.`).Replace(name)
	}
	if name[0] == '*' {
		return `\` + name
	}
	return name
}

// appendQuoted appends s between quotes. Bytes that are no UTF-8 stay as they are:
// a name that an API writes so is the same name when it is read back.
func appendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	done := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[done:i]...)
		done = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, `\n`...)
		case '\r':
			dst = append(dst, `\r`...)
		case '\t':
			dst = append(dst, `\t`...)
		default:
			dst = append(dst, `\u00`...)
			dst = append(dst, "0123456789abcdef"[c>>4], "0123456789abcdef"[c&15])
		}
	}
	return append(append(dst, s[done:]...), '"')
}

// unquote returns the text of a JSON string that the parser has accepted.
func unquote(raw string) string {
	if strings.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1]
	}
	var s string
	if json.Unmarshal([]byte(raw), &s) != nil {
		return raw
	}
	return s
}

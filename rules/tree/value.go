// Package tree reads JSON without losing anything of it: members keep their
// order, numbers and strings their bytes. It compares by value, and overlays one
// state on another. It is pure, and bounded by [MaxDepth].
package tree

import (
	"encoding/json"
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
type Value struct {
	Kind    Kind
	raw     string // source bytes; "" for a container built here or altered
	Members []Member
	Elems   []Value

	index map[string]int // of many Members, once one was looked for
}

// Member is one name of an object. Names are unique within it.
type Member struct {
	Name string
	Value
}

// Get returns the member called name, or nil. v may be nil or no object. It
// may note where the members are: a value is for one goroutine at a time.
func (v *Value) Get(name string) *Value {
	if v == nil {
		return nil
	}
	if at := indexOf(v.Members, name, &v.index); at >= 0 {
		return &v.Members[at].Value
	}
	return nil
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
		if err != nil || i < 0 || i >= len(v.Elems) {
			return nil
		}
		v = &v.Elems[i]
	}
	return v
}

// Text returns a string's text or a number's own digits: an id. ok is false
// for everything else, and for the empty string.
func (v *Value) Text() (text string, ok bool) {
	switch {
	case v == nil:
		return "", false
	case v.Kind == String:
		text = unquote(v.raw)
		return text, text != ""
	case v.Kind == Number:
		return v.raw, true
	}
	return "", false
}

// IsObject reports whether v is an object; nil is none.
func (v *Value) IsObject() bool { return v != nil && v.Kind == Object }

// JSON returns v as JSON, nil for nil. Unaltered values are their source bytes.
func (v *Value) JSON() json.RawMessage {
	if v == nil {
		return nil
	}
	if v.raw != "" {
		return json.RawMessage(v.raw)
	}
	return v.append(nil)
}

func (v *Value) append(dst []byte) []byte {
	switch {
	case v.raw != "":
		return append(dst, v.raw...)
	case v.Kind == Object:
		dst = append(dst, '{')
		for i := range v.Members {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendQuoted(dst, v.Members[i].Name)
			dst = append(dst, ':')
			dst = v.Members[i].append(dst)
		}
		return append(dst, '}')
	case v.Kind == Array:
		dst = append(dst, '[')
		for i := range v.Elems {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = v.Elems[i].append(dst)
		}
		return append(dst, ']')
	}
	return append(dst, "null"...)
}

// Text makes a string value.
func Text(s string) Value { return Value{Kind: String, raw: string(appendQuoted(nil, s))} }

// NewObject makes an object of members, whose names must differ.
func NewObject(members []Member) Value { return Value{Kind: Object, Members: members} }

// NewArray makes an array of elems.
func NewArray(elems []Value) Value { return Value{Kind: Array, Elems: elems} }

// With returns v with member name set to to; v itself is not altered.
func (v *Value) With(name string, to Value) Value {
	members := make([]Member, 0, len(v.Members)+1)
	found := false
	for _, m := range v.Members {
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
// before them; the empty name is `\e`.
func Join(path, name string) string {
	name = escape(name)
	if path == "" {
		return name
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

func appendQuoted(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' || c >= 0x7f {
			b, _ := json.Marshal(s) // a string always marshals
			return append(dst, b...)
		}
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
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

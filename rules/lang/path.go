package lang

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unsafe"

	"github.com/tidwall/gjson"
)

// Path names one value in a document: names joined by dots. A number is an
// index where it meets an array. Paths are comparable with ==; the zero Path
// is the whole document.
type Path struct {
	text  string // names, escaped and joined by dots
	names int
}

// ParsePath reads a path. In a name, `\.` is a dot, `\\` a backslash, `\*` a
// star that begins a name; `\e` is the empty name. "" is an error: a path in a
// configuration names something.
func ParsePath(s string) (Path, error) {
	parts, err := splitPath(s)
	if err != nil {
		return Path{}, err
	}
	var p Path
	for _, part := range parts {
		if part.wild {
			return Path{}, fmt.Errorf("path %q names one value: * and ** are for ignore, redact, fields and on_change; write \\* for a name that is a star", s)
		}
		p = p.Child(part.name)
	}
	return p, nil
}

// NewPath returns the path of names, taken as they are.
func NewPath(names ...string) Path {
	var p Path
	for _, n := range names {
		p = p.Child(n)
	}
	return p
}

// Child returns the path of name below p, whatever characters name has.
func (p Path) Child(name string) Path {
	name = escapeName(name)
	if p.names == 0 {
		return Path{name, 1}
	}
	return Path{p.text + "." + name, p.names + 1}
}

// Join returns the path of q below p.
func (p Path) Join(q Path) Path {
	switch {
	case p.names == 0:
		return q
	case q.names == 0:
		return p
	}
	return Path{p.text + "." + q.text, p.names + q.names}
}

// String returns p as [ParsePath] reads it; "" for the whole document.
func (p Path) String() string { return p.text }

// IsRoot reports whether p is the whole document.
func (p Path) IsRoot() bool { return p.names == 0 }

// Names returns the names of p, unescaped.
func (p Path) Names() []string {
	names := make([]string, 0, p.names)
	rest := p.text
	for range p.names {
		var part string
		part, rest = cutPath(rest)
		names = append(names, unescapeName(part))
	}
	return names
}

// Cut returns the first name of p, unescaped, and the path below it.
func (p Path) Cut() (first string, rest Path) {
	if p.names == 0 {
		return "", p
	}
	part, text := cutPath(p.text)
	return unescapeName(part), Path{text, p.names - 1}
}

// In returns the value at p in a decoded document: nil where there is nothing,
// [Unknown] where that is not known.
func (p Path) In(doc any) any {
	v := at(doc, p)
	if v == (absent{}) {
		return nil
	}
	return v
}

// Get returns the bytes of the value at p, as they stand in doc (digits kept,
// shared with doc), and whether it is there. Of keys that occur twice in an
// object the last counts. doc must be valid JSON; of other input Get returns
// anything, but does not fail.
func (p Path) Get(doc []byte) (json.RawMessage, bool) {
	doc = bytes.TrimSpace(doc)
	if len(doc) == 0 {
		return nil, false
	}
	// The string shares doc's bytes and does not outlive the call.
	at := gjson.Parse(unsafe.String(unsafe.SliceData(doc), len(doc)))
	if !at.Exists() {
		return nil, false
	}
	start := 0
	rest := p.text
	for range p.names {
		var part string
		part, rest = cutPath(rest)
		next, ok := step(at, unescapeName(part))
		if !ok {
			return nil, false
		}
		start += next.Index
		next.Index = 0
		at = next
	}
	if start+len(at.Raw) > len(doc) {
		return nil, false
	}
	return json.RawMessage(doc[start : start+len(at.Raw) : start+len(at.Raw)]), true
}

// step returns the member or element of v called name.
func step(v gjson.Result, name string) (found gjson.Result, ok bool) {
	v.Index = 0
	switch {
	case v.IsObject():
		v.ForEach(func(key, value gjson.Result) bool {
			if key.Str == name {
				found, ok = value, true
			}
			return true
		})
	case v.IsArray():
		want, isIndex := index(name)
		if !isIndex {
			return found, false
		}
		i := 0
		v.ForEach(func(_, value gjson.Result) bool {
			if i == want {
				found, ok = value, true
				return false
			}
			i++
			return true
		})
	}
	return found, ok
}

// index reads name as the index of an array.
func index(name string) (int, bool) {
	if name == "" || len(name) > 9 || name[0] == '0' && len(name) > 1 {
		return 0, false
	}
	i, err := strconv.Atoi(name)
	return i, err == nil && i >= 0 && name[0] != '+' && name[0] != '-'
}

// pathPart is one part of a written path or glob.
type pathPart struct {
	name string // unescaped
	wild bool   // * or **, not escaped
}

func splitPath(s string) ([]pathPart, error) {
	if s == "" {
		return nil, fmt.Errorf("a path is empty: write names joined by dots, like status or owner.email")
	}
	var parts []pathPart
	for rest := s; ; {
		var part string
		more := len(rest)
		part, rest = cutPath(rest)
		if part == "" {
			return nil, fmt.Errorf("path %q has an empty name: write names joined by single dots, like owner.email", s)
		}
		if strings.HasSuffix(strings.ReplaceAll(part, `\\`, ""), `\`) {
			return nil, fmt.Errorf("path %q ends in a backslash: write \\\\ for one in a name", s)
		}
		parts = append(parts, pathPart{unescapeName(part), part == "*" || part == "**"})
		if len(part) == more {
			return parts, nil
		}
		if rest == "" {
			return nil, fmt.Errorf("path %q ends in a dot: write names joined by single dots, like owner.email", s)
		}
	}
}

// cutPath cuts the first part, still escaped, from s.
func cutPath(s string) (part, rest string) {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '.':
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

const emptyName = `\e`

func escapeName(name string) string {
	if name == "" {
		return emptyName
	}
	if name[0] != '*' && !strings.ContainsAny(name, `.\`) {
		return name
	}
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		if name[i] == '.' || name[i] == '\\' || i == 0 && name[i] == '*' {
			b.WriteByte('\\')
		}
		b.WriteByte(name[i])
	}
	return b.String()
}

func unescapeName(part string) string {
	if part == emptyName {
		return ""
	}
	if strings.IndexByte(part, '\\') < 0 {
		return part
	}
	var b strings.Builder
	for i := 0; i < len(part); i++ {
		if part[i] == '\\' && i+1 < len(part) {
			i++
		}
		b.WriteByte(part[i])
	}
	return b.String()
}

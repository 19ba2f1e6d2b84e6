package tree

import (
	"strings"
	"unsafe"
)

// ParseLike is ParseShared for a document that is likely to say what like says:
// members that stand in both, as they are, are like's.
func ParseLike(b []byte, like *Value) (*Value, error) {
	p := parsers.Get().(*parser)
	defer p.free()
	p.s, p.lazy, p.like = unsafe.String(unsafe.SliceData(b), len(b)), true, like.Members()
	p.s = strings.TrimPrefix(p.s, "\ufeff")
	return p.document()
}

// same reads a member if it is written as the one at that place of like would be
// without spaces.
func (p *parser) same(place int, c *child) bool {
	p.space()
	m := &p.like[place]
	colon := p.i + len(m.Name) + 2
	end := colon + 1 + len(m.raw)
	switch s := p.s; {
	case m.raw == "" || end >= len(s) || plain(m.Name, 0) < len(m.Name):
		return false // or its name may be written with a backslash
	case s[p.i] != '"' || s[p.i+1:colon-1] != m.Name || s[colon-1] != '"' || s[colon] != ':':
		return false
	case s[colon+1:end] != m.raw || s[end] != ',' && s[end] != '}':
		return false
	}
	c.name, c.nameEnd, c.like = int32(p.i+1), int32(colon-1), int32(place+1)
	p.i = end
	return true
}

// Package route finds what a path is about. A pattern is a path whose segments
// may hold one parameter each: /projects/{id}.json. The last may be one that takes
// all segments that are left: /files/{id...}. It is pure; looking up a path that no
// pattern names allocates nothing.
//
// One slash at the end of a pattern or of a path means nothing. A parameter is
// never empty, and stands within one segment, but for one with dots. Paths are given
// escaped, and compared decoded; a %2F is part of its segment, and in what a parameter
// with dots takes not told from a slash.
package route

import (
	"net/url"
	"slices"
	"strings"
)

// maxSegments bounds patterns, and the paths that are looked at.
const maxSegments = 32

// Pattern is a parsed pattern.
type Pattern struct {
	text     string
	segments []segment
}

// segment is literal text, or text around one parameter.
type segment struct {
	prefix, param, suffix string // a literal has only a prefix
	rest                  bool   // the parameter takes all that is left of the path
}

// String returns the pattern as it was written.
func (p *Pattern) String() string { return p.text }

// Params returns the names of the parameters, left to right.
func (p *Pattern) Params() []string {
	var names []string
	for _, s := range p.segments {
		if s.param != "" {
			names = append(names, s.param)
		}
	}
	return names
}

// Build returns the path with values, escaped, in place of the parameters; ok
// is false if one is missing or empty.
func (p *Pattern) Build(values func(name string) string) (path string, ok bool) {
	var b strings.Builder
	for _, s := range p.segments {
		b.WriteByte('/')
		b.WriteString(escape(s.prefix))
		if s.param != "" {
			v := values(s.param)
			parts := []string{v}
			if s.rest {
				parts = strings.Split(v, "/")
			}
			for i, part := range parts {
				if part == "" || part == "." || part == ".." {
					return "", false
				}
				if i > 0 {
					b.WriteByte('/')
				}
				b.WriteString(escape(part))
			}
			b.WriteString(escape(s.suffix))
		}
	}
	return b.String(), true
}

// escape is url.PathEscape, which leaves the sub-delimiters alone that a path
// may have (RFC 3986 §3.3): some servers look for the ( of Tasks(5) as it is.
func escape(text string) string { return unescaped.Replace(url.PathEscape(text)) }

var unescaped = strings.NewReplacer("%21", "!", "%27", "'", "%28", "(", "%29", ")", "%2A", "*")

// Same reports whether p and q match the same paths: they differ in the names of
// parameters only.
func (p *Pattern) Same(q *Pattern) bool {
	return slices.EqualFunc(p.segments, q.segments, func(a, b segment) bool {
		return a.prefix == b.prefix && a.suffix == b.suffix && (a.param == "") == (b.param == "") && a.rest == b.rest
	})
}

// Len returns the number of parts.
func (p *Pattern) Len() int { return len(p.segments) }

// EndsIn reports whether the last part is that parameter, and nothing else.
func (p *Pattern) EndsIn(param string) bool {
	last := p.segments[len(p.segments)-1]
	return last.param == param && last.prefix+last.suffix == ""
}

// Fixed reports whether the part i, counted from the end, is literal.
func (p *Pattern) Fixed(i int) bool {
	return i < len(p.segments) && p.segments[len(p.segments)-1-i].param == ""
}

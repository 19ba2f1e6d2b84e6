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
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// MaxSegments bounds patterns, and the paths that are looked at.
const MaxSegments = 32

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

var (
	paramName = regexp.MustCompile(`^[a-z_][a-z0-9_]*$`)
	shorthand = regexp.MustCompile(`\{http\.[^}]*\}`)
)

// Parse reads a pattern that begins with a slash.
func Parse(text string) (*Pattern, error) {
	if !strings.HasPrefix(text, "/") {
		return nil, fmt.Errorf("path %q: write it with a slash first, like /api/projects", text)
	}
	if got := shorthand.FindString(text); got != "" {
		name := strings.Trim(got[strings.LastIndexByte(got, '.')+1:], "{}")
		return nil, fmt.Errorf("path %q: Caddy replaced a shorthand like {%s} by the placeholder %s before it came here; "+
			"give the parameter a name that is no shorthand of Caddy's, like {%s_}", text, name, got, name)
	}
	if strings.ContainsAny(text, "?#") {
		return nil, fmt.Errorf("path %q: leave out the query; a route is a path, and `when` can read request.query", text)
	}
	p := &Pattern{text: text}
	seen := make(map[string]bool)
	for part := range strings.SplitSeq(trim(text), "/") {
		s, err := parseSegment(part)
		if err != nil {
			return nil, fmt.Errorf("path %q: %w", text, err)
		}
		if s.param != "" && seen[s.param] {
			return nil, fmt.Errorf("path %q has {%s} twice: give each parameter its own name", text, s.param)
		}
		seen[s.param] = true
		p.segments = append(p.segments, s)
	}
	for _, s := range p.segments[:len(p.segments)-1] {
		if s.rest {
			return nil, fmt.Errorf("path %q: {%s...} takes all that is left of a path: let it be the last part", text, s.param)
		}
	}
	if len(p.segments) > MaxSegments {
		return nil, fmt.Errorf("path %q has more than %d parts", text, MaxSegments)
	}
	return p, nil
}

func parseSegment(part string) (segment, error) {
	if part == "" {
		return segment{}, fmt.Errorf("a part is empty: write single slashes")
	}
	prefix, rest, ok := strings.Cut(part, "{")
	if !ok {
		if strings.Contains(part, "}") {
			return segment{}, fmt.Errorf("part %q has a } without a {", part)
		}
		text, err := url.PathUnescape(part)
		if err != nil {
			return segment{}, fmt.Errorf("part %q: write %%25 for a percent sign", part)
		}
		return segment{prefix: text}, nil
	}
	name, suffix, ok := strings.Cut(rest, "}")
	if !ok || strings.ContainsAny(suffix, "{}") {
		return segment{}, fmt.Errorf("part %q: one parameter in braces for each part, like {id} or {id}.json", part)
	}
	name, all := strings.CutSuffix(name, "...")
	if all && prefix+suffix != "" {
		return segment{}, fmt.Errorf("part %q: {%s...} takes whole parts: write nothing else there", part, name)
	}
	if !paramName.MatchString(name) {
		return segment{}, fmt.Errorf("{%s} is no name for a parameter: small letters, digits and _, like {project_id}", name)
	}
	return segment{prefix, name, suffix, all}, nil
}

// trim returns text without its first slash and one at its end.
func trim(text string) string { return strings.TrimSuffix(text[1:], "/") }

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

// Match reads the parameters of an escaped path; ok is false if it is not one
// of p.
func (p *Pattern) Match(path string) (values map[string]string, ok bool) {
	values = make(map[string]string)
	if !match(trimPath(path), p.segments, values) {
		return nil, false
	}
	return values, true
}

// MatchEnd reads the parameters of p's last n parts from the end of path: what
// a proxied API knows under another prefix.
func (p *Pattern) MatchEnd(path string, n int) (values map[string]string, ok bool) {
	rest := trimPath(path)
	if n <= len(p.segments) && p.segments[len(p.segments)-1].rest {
		return p.matchRest(rest, n)
	}
	more := strings.Count(rest, "/") + 1 - n
	if more < 0 || n > len(p.segments) {
		return nil, false
	}
	for ; more > 0; more-- {
		_, rest, _ = strings.Cut(rest, "/")
	}
	values = make(map[string]string)
	if !match(rest, p.segments[len(p.segments)-n:], values) {
		return nil, false
	}
	return values, true
}

// matchRest is MatchEnd where the last part takes all that is left: the others begin as
// far left as they can.
func (p *Pattern) matchRest(path string, n int) (values map[string]string, ok bool) {
	for more := true; more; _, path, more = strings.Cut(path, "/") {
		values = make(map[string]string)
		if match(path, p.segments[len(p.segments)-n:], values) {
			return values, true
		}
	}
	return nil, false
}

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

// match reads the parts of path into values, and reports whether they are those
// that want says.
func match(path string, want []segment, values map[string]string) bool {
	for i := range want {
		s := &want[i]
		if s.rest {
			values[s.param] = s.value(path)
			return isParts(path)
		}
		part, rest, more := strings.Cut(path, "/")
		if more != (i < len(want)-1) || !s.matches(part) {
			return false
		}
		if s.param != "" {
			values[s.param] = s.value(part)
		}
		path = rest
	}
	return true
}

// isParts reports whether an escaped text is parts of a path, none of which is empty.
func isParts(text string) bool {
	return text != "" && text[0] != '/' && text[len(text)-1] != '/' && !strings.Contains(text, "//")
}

func trimPath(path string) string {
	return strings.TrimSuffix(strings.TrimPrefix(path, "/"), "/")
}

// matches reports whether an escaped part of a path is one of s.
func (s *segment) matches(part string) bool {
	if s.param == "" {
		return equalDecoded(part, s.prefix)
	}
	return len(part) > len(s.prefix)+len(s.suffix) &&
		strings.HasPrefix(part, s.prefix) && strings.HasSuffix(part, s.suffix)
}

// value returns the decoded parameter in a part that matches.
func (s *segment) value(part string) string {
	raw := part[len(s.prefix) : len(part)-len(s.suffix)]
	text, err := url.PathUnescape(raw)
	if err != nil {
		return raw
	}
	return text
}

// equalDecoded compares an escaped text with a plain one, without allocating.
func equalDecoded(escaped, plain string) bool {
	if len(escaped) == len(plain) {
		return escaped == plain
	}
	i := 0
	for j := 0; j < len(plain); j++ {
		if i >= len(escaped) {
			return false
		}
		c := escaped[i]
		if c == '%' && i+2 < len(escaped) {
			hi, lo := unhex(escaped[i+1]), unhex(escaped[i+2])
			if hi > 15 || lo > 15 {
				return false
			}
			c, i = hi<<4|lo, i+2
		}
		if c != plain[j] {
			return false
		}
		i++
	}
	return i == len(escaped)
}

func unhex(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	}
	return 16
}

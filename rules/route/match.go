package route

import (
	"net/url"
	"strings"
)

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

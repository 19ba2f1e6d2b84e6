package tree

import "strings"

// Fields gives each member of the object that text is to take, its name without
// quotes and both as they are written. It makes no tree, and allocates nothing. It
// is false if take is, and if text is no object; what it takes, [Parse] takes.
func Fields(text string, take func(name, value string) bool) bool {
	s := scanner{b: text}
	if s.space(); !s.take('{') {
		return false
	}
	for {
		name, value, ok := s.member(0)
		if !ok || !take(name, value) {
			return false
		}
		switch s.space(); {
		case s.take(','):
		case s.take('}'):
			s.space()
			return s.i == len(text)
		default:
			return false
		}
	}
}

// scanner reads JSON in place, and makes nothing of it.
type scanner struct {
	b string
	i int
}

func (s *scanner) space() {
	for s.i < len(s.b) && (s.b[s.i] == ' ' || s.b[s.i] == '\n' || s.b[s.i] == '\r' || s.b[s.i] == '\t') {
		s.i++
	}
}

func (s *scanner) take(c byte) bool {
	if s.i < len(s.b) && s.b[s.i] == c {
		s.i++
		return true
	}
	return false
}

// member reads a name, without its quotes, and its value, as written.
func (s *scanner) member(depth int) (name, value string, ok bool) {
	s.space()
	start := s.i
	if !s.text() {
		return "", "", false
	}
	name = s.b[start+1 : s.i-1]
	if s.space(); !s.take(':') {
		return "", "", false
	}
	s.space()
	start = s.i
	if !s.value(depth + 1) {
		return "", "", false
	}
	return name, s.b[start:s.i], true
}

func (s *scanner) value(depth int) bool {
	s.space()
	if s.i >= len(s.b) || depth > MaxDepth {
		return false
	}
	switch s.b[s.i] {
	case '{':
		return s.list('}', depth)
	case '[':
		return s.list(']', depth)
	case '"':
		return s.text()
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	}
	return s.number()
}

// list reads an object or an array up to its end.
func (s *scanner) list(end byte, depth int) bool {
	s.i++
	if s.space(); s.take(end) {
		return true
	}
	for {
		if end == '}' {
			if _, _, ok := s.member(depth); !ok {
				return false
			}
		} else if !s.value(depth + 1) {
			return false
		}
		if s.space(); s.take(end) {
			return true
		}
		if !s.take(',') {
			return false
		}
	}
}

func (s *scanner) word(w string) bool {
	if !strings.HasPrefix(s.b[s.i:], w) {
		return false
	}
	s.i += len(w)
	return true
}

func (s *scanner) text() bool {
	if s.i >= len(s.b) || s.b[s.i] != '"' {
		return false
	}
	end, _, ok := endOfText(s.b, s.i)
	s.i = end
	return ok
}

func (s *scanner) number() bool {
	s.take('-')
	if !s.take('0') && !s.digits() {
		return false
	}
	if s.take('.') && !s.digits() {
		return false
	}
	if s.take('e') || s.take('E') {
		if !s.take('+') {
			s.take('-')
		}
		return s.digits()
	}
	return true
}

func (s *scanner) digits() bool {
	start := s.i
	for s.i < len(s.b) && s.b[s.i] >= '0' && s.b[s.i] <= '9' {
		s.i++
	}
	return s.i > start
}

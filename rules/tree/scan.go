package tree

import (
	"math/bits"
	"strings"
)

func (p *parser) space() {
	for p.i < len(p.s) && (p.s[p.i] == ' ' || p.s[p.i] == '\n' || p.s[p.i] == '\r' || p.s[p.i] == '\t') {
		p.i++
	}
}

func (p *parser) take(c byte) bool {
	if p.i < len(p.s) && p.s[p.i] == c {
		p.i++
		return true
	}
	return false
}

// skip checks an object or an array, and reports whether an object in it says a
// name twice.
func (p *parser) skip(depth int) (twice bool, err error) {
	end := p.s[p.i] + 2 // as ASCII has it
	first := p.names.len()
	p.i++
	if p.space(); p.take(end) {
		return false, nil
	}
	for {
		if end == '}' {
			name, err := p.name()
			if err != nil {
				return false, err
			}
			p.names.push(name)
		}
		again, err := p.skipValue(depth + 1)
		if err != nil {
			return false, err
		}
		twice = twice || again
		if p.space(); p.take(end) {
			return p.names.pop(first) || twice, nil
		}
		if !p.take(',') {
			return false, p.fail(", or the end is missing")
		}
	}
}

func (p *parser) skipValue(depth int) (twice bool, err error) {
	if p.space(); p.i < len(p.s) && (p.s[p.i] == '{' || p.s[p.i] == '[') && depth <= MaxDepth {
		return p.skip(depth)
	}
	var v Value
	_, err = p.value(&v, nil, depth)
	return false, err
}

// name reads a name, and the colon after it.
func (p *parser) name() (string, error) {
	p.space()
	start := p.i
	if p.i >= len(p.s) || p.s[p.i] != '"' {
		return "", p.fail("a name is missing")
	}
	escaped, err := p.text()
	if err != nil {
		return "", err
	}
	name := p.s[start+1 : p.i-1]
	if escaped {
		name = unquote(p.s[start:p.i])
	}
	if p.space(); !p.take(':') {
		return "", p.fail(": is missing")
	}
	return name, nil
}

func (p *parser) word(w string) error {
	if !strings.HasPrefix(p.s[p.i:], w) {
		return p.fail("not a value")
	}
	p.i += len(w)
	return nil
}

// text reads a string; escaped says that it has a backslash.
func (p *parser) text() (escaped bool, err error) {
	end, escaped, ok := EndOfText(p.s, p.i)
	if p.i = end; !ok {
		return false, p.fail("no string, or one that does not end")
	}
	return escaped, nil
}

// EndOfText returns where the JSON string ends that begins, with its quote, at
// i of s; ok is false if there is none. escaped says that it has a backslash.
func EndOfText(s string, i int) (end int, escaped, ok bool) {
	for i++; i < len(s); i++ {
		i += plain(s[i:])
		if i >= len(s) {
			break
		}
		switch s[i] {
		case '"':
			return i + 1, escaped, true
		case '\\':
			if i, ok = endOfEscape(s, i+1); !ok {
				return i, true, false
			}
			escaped = true
		default:
			return i, escaped, false // a control character
		}
	}
	return len(s), escaped, false
}

// plain returns how many bytes at the beginning of s a string may hold as they
// are. It looks at eight at once (see the bits that Hacker's Delight, 6-1, sets
// for bytes that are zero: the lowest one set is right).
func plain(s string) int {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+8 <= len(s); i += 8 {
		b := s[i : i+8]
		w := uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
			uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
		quote, back := w^(ones*'"'), w^(ones*'\\')
		if found := ((w-ones*0x20)&^w | (quote-ones)&^quote | (back-ones)&^back) & high; found != 0 {
			return i + bits.TrailingZeros64(found)>>3
		}
	}
	for ; i < len(s) && s[i] >= 0x20 && s[i] != '"' && s[i] != '\\'; i++ {
	}
	return i
}

// endOfEscape returns the last byte of what begins at i, behind a backslash.
func endOfEscape(s string, i int) (end int, ok bool) {
	if i >= len(s) {
		return i, false
	}
	switch s[i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i, true
	case 'u':
		for range 4 {
			if i++; i >= len(s) || !isHex(s[i]) {
				return i, false
			}
		}
		return i, true
	}
	return i, false
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func (p *parser) number() error {
	p.take('-')
	if p.take('0') {
		// no further digits
	} else if !p.digits() {
		return p.fail("not a value")
	}
	if p.take('.') && !p.digits() {
		return p.fail("digits are missing behind the point")
	}
	if p.take('e') || p.take('E') {
		if !p.take('+') {
			p.take('-')
		}
		if !p.digits() {
			return p.fail("digits are missing in the exponent")
		}
	}
	return nil
}

func (p *parser) digits() bool {
	start := p.i
	for p.i < len(p.s) && p.s[p.i] >= '0' && p.s[p.i] <= '9' {
		p.i++
	}
	return p.i > start
}

package tree

import (
	"encoding/binary"
	"math/bits"
	"strings"
	"unsafe"
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
func (p *parser) skip(depth int) (twice, ok bool) {
	end := p.s[p.i] + 2 // as ASCII has it
	first := len(p.found)
	p.i++
	if p.space(); p.take(end) {
		return false, true
	}
	for {
		if end == '}' {
			var c child
			if !p.name(&c) {
				return false, false
			}
			p.found = append(p.found, c)
		}
		again, ok := p.skipValue(depth + 1)
		if !ok {
			return false, false
		}
		twice = twice || again
		if p.space(); p.take(end) {
			break
		}
		if !p.take(',') {
			return false, p.fail(", or the end is missing")
		}
	}
	twice = p.among(p, p.found[first:]) || twice
	p.found = p.found[:first]
	return twice, true
}

func (p *parser) skipValue(depth int) (twice, ok bool) {
	if p.space(); p.i < len(p.s) && (p.s[p.i] == '{' || p.s[p.i] == '[') && depth <= MaxDepth {
		return p.skip(depth)
	}
	_, ok = p.value(depth, nil)
	return false, ok
}

// name reads a name, and the colon after it.
func (p *parser) name(c *child) (ok bool) {
	p.space()
	if p.i >= len(p.s) || p.s[p.i] != '"' {
		return p.fail("a name is missing")
	}
	c.name = int32(p.i + 1)
	if c.escaped, ok = p.text(); !ok {
		return false
	}
	c.nameEnd = int32(p.i - 1)
	if p.space(); !p.take(':') {
		return p.fail(": is missing")
	}
	return true
}

func (p *parser) word(w string) bool {
	if !strings.HasPrefix(p.s[p.i:], w) {
		return p.fail("not a value")
	}
	p.i += len(w)
	return true
}

// text reads a string; escaped says that it has a backslash.
func (p *parser) text() (escaped, ok bool) {
	if p.i, escaped, ok = endOfText(p.s, p.i); !ok {
		return false, p.fail("a string does not end, or holds what none may")
	}
	return escaped, true
}

// endOfText returns where the JSON string ends that begins, with its quote, at
// i of s; ok is false if it does not. escaped says that it has a backslash.
func endOfText(s string, i int) (end int, escaped, ok bool) {
	for i++; i < len(s); i++ {
		i = plain(s, i)
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

// plain returns where, from i on, the first byte is that a string does not hold
// as it is: a quote, a backslash or a control character. It looks at eight at
// once; the lowest bit that is set in found is right (Hacker's Delight, 6-1).
func plain(s string, i int) int {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	for b := unsafe.Slice(unsafe.StringData(s), len(s)); i+8 <= len(b); i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		quote, back := w^(ones*'"'), w^(ones*'\\')
		found := ((w-ones*0x20)&^w | (quote-ones)&^quote | (back-ones)&^back) & high
		if found != 0 {
			return i + bits.TrailingZeros64(found)>>3
		}
	}
	for i < len(s) && s[i] >= 0x20 && s[i] != '"' && s[i] != '\\' {
		i++
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

func (p *parser) number() bool {
	p.take('-')
	if !p.take('0') && !p.digits() {
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
	return true
}

func (p *parser) digits() bool {
	start := p.i
	for p.i < len(p.s) && p.s[p.i] >= '0' && p.s[p.i] <= '9' {
		p.i++
	}
	return p.i > start
}

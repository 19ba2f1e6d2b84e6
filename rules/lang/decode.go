package lang

import (
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// MaxDepth is how deeply arrays and objects may nest.
const MaxDepth = 512

// ErrTooDeep says that a document nests deeper than [MaxDepth].
var ErrTooDeep = fmt.Errorf("JSON nests deeper than %d levels", MaxDepth)

// Decode reads one JSON value (RFC 8259), with nothing but white space around
// it. Of keys that occur twice in an object the last counts. Integers are
// int64; beyond that strings of their digits, as are numbers beyond float64.
// Bytes that are not UTF-8 become U+FFFD.
func Decode(raw []byte) (any, error) {
	d := decoder{src: raw}
	d.space()
	v := d.value(0)
	d.space()
	if d.err == nil && d.at < len(d.src) {
		d.fail("more than one value")
	}
	if d.err != nil {
		return nil, d.err
	}
	return v, nil
}

type decoder struct {
	src []byte
	at  int
	err error
}

func (d *decoder) fail(what string) any {
	if d.err == nil {
		d.err = fmt.Errorf("JSON at byte %d: %s", d.at, what)
	}
	return nil
}

func (d *decoder) space() {
	for d.at < len(d.src) {
		switch d.src[d.at] {
		case ' ', '\t', '\n', '\r':
			d.at++
		default:
			return
		}
	}
}

// peek returns the next byte, or 0 at the end.
func (d *decoder) peek() byte {
	if d.at < len(d.src) {
		return d.src[d.at]
	}
	return 0
}

func (d *decoder) value(depth int) any {
	if depth > MaxDepth {
		d.err = ErrTooDeep
		return nil
	}
	switch c := d.peek(); c {
	case '{':
		return d.object(depth)
	case '[':
		return d.array(depth)
	case '"':
		return d.text()
	case 't':
		return d.word("true", true)
	case 'f':
		return d.word("false", false)
	case 'n':
		return d.word("null", nil)
	default:
		if c == '-' || c >= '0' && c <= '9' {
			return d.number()
		}
	}
	if d.at >= len(d.src) {
		return d.fail("the value breaks off")
	}
	return d.fail("a value is wanted")
}

func (d *decoder) word(text string, v any) any {
	if end := d.at + len(text); end <= len(d.src) && string(d.src[d.at:end]) == text {
		d.at = end
		return v
	}
	return d.fail("want " + text)
}

func (d *decoder) object(depth int) any {
	m := map[string]any{}
	d.at++
	d.space()
	if d.peek() == '}' {
		d.at++
		return m
	}
	for d.err == nil {
		if d.peek() != '"' {
			return d.fail("a key in quotes is wanted")
		}
		key := d.text()
		d.space()
		if d.peek() != ':' {
			return d.fail("a colon is wanted")
		}
		d.at++
		d.space()
		m[key] = d.value(depth + 1)
		d.space()
		switch d.peek() {
		case ',':
			d.at++
			d.space()
		case '}':
			d.at++
			return m
		default:
			return d.fail("a comma or } is wanted")
		}
	}
	return nil
}

func (d *decoder) array(depth int) any {
	list := []any{}
	d.at++
	d.space()
	if d.peek() == ']' {
		d.at++
		return list
	}
	for d.err == nil {
		list = append(list, d.value(depth+1))
		d.space()
		switch d.peek() {
		case ',':
			d.at++
			d.space()
		case ']':
			d.at++
			return list
		default:
			return d.fail("a comma or ] is wanted")
		}
	}
	return nil
}

// text reads a string in quotes.
func (d *decoder) text() string {
	d.at++
	start := d.at
	for d.at < len(d.src) {
		switch c := d.src[d.at]; {
		case c == '"':
			s := d.src[start:d.at]
			d.at++
			return validText(s)
		case c == '\\':
			return d.escaped(start)
		case c < ' ':
			d.fail("a control character in a string")
			return ""
		}
		d.at++
	}
	d.fail("a string breaks off")
	return ""
}

// validText returns b as text, in which U+FFFD stands for each byte that is not
// UTF-8, as it does in what is written (see [AppendString]).
func validText(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	return string([]rune(string(b)))
}

// escaped reads the rest of a string that has escapes; d.at is at the first.
func (d *decoder) escaped(start int) string {
	out := append(make([]byte, 0, len(d.src[start:d.at])+32), d.src[start:d.at]...)
	for d.at < len(d.src) {
		c := d.src[d.at]
		switch {
		case c == '"':
			d.at++
			return validText(out)
		case c < ' ':
			d.fail("a control character in a string")
			return ""
		case c != '\\':
			out = append(out, c)
			d.at++
			continue
		}
		d.at++
		switch e := d.peek(); e {
		case '"', '\\', '/':
			out = append(out, e)
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r, ok := d.unicode()
			if !ok {
				return ""
			}
			out = utf8.AppendRune(out, r)
			continue
		default:
			d.fail("an unknown escape in a string")
			return ""
		}
		d.at++
	}
	d.fail("a string breaks off")
	return ""
}

// unicode reads uXXXX, and the second half of a surrogate pair; d.at is at u.
// Half a pair is U+FFFD.
func (d *decoder) unicode() (rune, bool) {
	r, ok := d.hex4(d.at + 1)
	if !ok {
		d.fail("want four hexadecimal digits after \\u")
		return 0, false
	}
	d.at += 5
	if !utf16.IsSurrogate(r) {
		return r, true
	}
	if d.at+1 < len(d.src) && d.src[d.at] == '\\' && d.src[d.at+1] == 'u' {
		if low, ok := d.hex4(d.at + 2); ok {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				d.at += 6
				return pair, true
			}
		}
	}
	return utf8.RuneError, true
}

func (d *decoder) hex4(at int) (rune, bool) {
	if at+4 > len(d.src) {
		return 0, false
	}
	n, err := strconv.ParseUint(string(d.src[at:at+4]), 16, 32)
	return rune(n), err == nil
}

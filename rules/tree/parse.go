package tree

import (
	"fmt"
	"strings"
	"sync"
)

// MaxDepth bounds nesting, which an attacker could otherwise turn into stack.
const MaxDepth = 200

// smallObject is up to how many members names are searched one by one.
const smallObject = 32

// Parse reads one JSON value (RFC 8259), a byte order mark before it allowed.
// Of members with one name the last counts, as in most parsers.
func Parse(s string) (*Value, error) {
	p := parsers.Get().(*parser)
	defer p.free()
	p.s = strings.TrimPrefix(s, "\ufeff")
	v, _, err := p.value(0)
	if err != nil {
		return nil, err
	}
	if p.space(); p.i < len(p.s) {
		return nil, p.fail("more after the value")
	}
	return &v, nil
}

// parsers spares the stacks of a parser, which hold nothing between uses.
var parsers = sync.Pool{New: func() any { return new(parser) }}

// maxSpared bounds the stacks that are spared, in children.
const maxSpared = 1024

func (p *parser) free() {
	if cap(p.members) > maxSpared || cap(p.elems) > maxSpared {
		return
	}
	clear(p.members[:cap(p.members)])
	clear(p.elems[:cap(p.elems)])
	*p = parser{members: p.members[:0], elems: p.elems[:0]}
	parsers.Put(p)
}

type parser struct {
	s string
	i int

	// Children wait on stacks until their container ends and its size is known.
	members []Member
	elems   []Value
}

func (p *parser) fail(what string) error {
	return fmt.Errorf("JSON at byte %d: %s", p.i, what)
}

func (p *parser) space() {
	for p.i < len(p.s) && (p.s[p.i] == ' ' || p.s[p.i] == '\n' || p.s[p.i] == '\r' || p.s[p.i] == '\t') {
		p.i++
	}
}

// value reads one value; altered says that its source bytes say a name twice.
func (p *parser) value(depth int) (v Value, altered bool, err error) {
	p.space()
	if p.i >= len(p.s) {
		return v, false, p.fail("ends too early")
	}
	if depth > MaxDepth {
		return v, false, p.fail("nested too deeply")
	}
	start := p.i
	switch c := p.s[p.i]; c {
	case '{':
		altered, err = p.object(&v, depth)
	case '[':
		altered, err = p.array(&v, depth)
	case '"':
		v.Kind, err = String, p.text()
	case 't':
		v.Kind, err = Bool, p.word("true")
	case 'f':
		v.Kind, err = Bool, p.word("false")
	case 'n':
		v.Kind, err = Null, p.word("null")
	default:
		v.Kind, err = Number, p.number()
	}
	if !altered {
		v.raw = p.s[start:p.i]
	}
	return v, altered, err
}

func (p *parser) object(v *Value, depth int) (altered bool, err error) {
	v.Kind = Object
	var index map[string]int
	base := len(p.members)
	p.i++
	if p.space(); p.take('}') {
		return false, nil
	}
	for {
		p.space()
		start := p.i
		if p.i >= len(p.s) || p.s[p.i] != '"' {
			return false, p.fail("a name is missing")
		}
		if err := p.text(); err != nil {
			return false, err
		}
		name := unquote(p.s[start:p.i])
		if p.space(); !p.take(':') {
			return false, p.fail(": is missing")
		}
		got, a, err := p.value(depth + 1)
		if err != nil {
			return false, err
		}
		altered = altered || a
		if at := indexOf(p.members[base:], name, &index); at >= 0 {
			p.members[base+at].Value, altered = got, true
		} else {
			p.members = append(p.members, Member{name, got})
		}
		p.space()
		if p.take('}') {
			v.Members = append([]Member(nil), p.members[base:]...)
			p.members = p.members[:base]
			return altered, nil
		}
		if !p.take(',') {
			return false, p.fail(", or } is missing")
		}
	}
}

// indexOf finds name among members; index is built once there are many.
func indexOf(members []Member, name string, index *map[string]int) int {
	if len(members) < smallObject {
		for i := range members {
			if members[i].Name == name {
				return i
			}
		}
		return -1
	}
	if *index == nil {
		*index = make(map[string]int, 2*len(members))
	}
	for i := len(*index); i < len(members); i++ {
		(*index)[members[i].Name] = i
	}
	if at, ok := (*index)[name]; ok {
		return at
	}
	return -1
}

func (p *parser) array(v *Value, depth int) (altered bool, err error) {
	v.Kind = Array
	base := len(p.elems)
	p.i++
	if p.space(); p.take(']') {
		return false, nil
	}
	for {
		got, a, err := p.value(depth + 1)
		if err != nil {
			return false, err
		}
		altered = altered || a
		p.elems = append(p.elems, got)
		p.space()
		if p.take(']') {
			v.Elems = append([]Value(nil), p.elems[base:]...)
			p.elems = p.elems[:base]
			return altered, nil
		}
		if !p.take(',') {
			return false, p.fail(", or ] is missing")
		}
	}
}

func (p *parser) take(c byte) bool {
	if p.i < len(p.s) && p.s[p.i] == c {
		p.i++
		return true
	}
	return false
}

func (p *parser) word(w string) error {
	if !strings.HasPrefix(p.s[p.i:], w) {
		return p.fail("not a value")
	}
	p.i += len(w)
	return nil
}

func (p *parser) text() error {
	for p.i++; p.i < len(p.s); p.i++ {
		switch c := p.s[p.i]; {
		case c == '"':
			p.i++
			return nil
		case c < 0x20:
			return p.fail("a control character in a string")
		case c == '\\':
			if p.i++; p.i >= len(p.s) {
				return p.fail("ends too early")
			}
			if err := p.escape(); err != nil {
				return err
			}
		}
	}
	return p.fail("a string does not end")
}

func (p *parser) escape() error {
	switch p.s[p.i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return nil
	case 'u':
		for n := 0; n < 4; n++ {
			if p.i++; p.i >= len(p.s) || !isHex(p.s[p.i]) {
				return p.fail(`\u wants four hexadecimal digits`)
			}
		}
		return nil
	}
	return p.fail("no such escape")
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

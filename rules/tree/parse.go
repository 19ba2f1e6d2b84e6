package tree

import (
	"fmt"
	"strings"
	"sync"
	"unsafe"
)

// MaxDepth bounds nesting, which an attacker could otherwise turn into stack.
const MaxDepth = 200

// Parse reads one JSON value (RFC 8259), a byte order mark before it allowed.
// Of members with one name the last counts, as in most parsers.
func Parse(s string) (*Value, error) {
	p := parsers.Get().(*parser)
	defer p.free()
	p.s, p.lazy = strings.TrimPrefix(s, "\ufeff"), true
	return p.document()
}

// ParseShared is Parse without a copy: b must stay as it is as long as the
// value, or what [Value.Shared] returned of it, is used.
func ParseShared(b []byte) (*Value, error) {
	return Parse(unsafe.String(unsafe.SliceData(b), len(b)))
}

// expand reads what a container holds that a parser has accepted: all of it, so
// that a deep one is not read again at each level.
func expand(raw string) *kids {
	p := parsers.Get().(*parser)
	defer p.free()
	p.s = raw
	v, err := p.document()
	if err != nil {
		return nil // cannot be
	}
	return v.kids
}

// parsers spares the stacks of a parser, which hold nothing between uses.
var parsers = sync.Pool{New: func() any { return new(parser) }}

// maxSpared bounds the stacks that are spared, in children.
const maxSpared = 1024

func (p *parser) free() {
	if cap(p.members) > maxSpared || cap(p.elems) > maxSpared || !p.names.spared() {
		return
	}
	clear(p.members[:max(p.mostMembers, len(p.members))])
	clear(p.elems[:max(p.mostElems, len(p.elems))])
	p.names.reset()
	*p = parser{members: p.members[:0], elems: p.elems[:0], names: p.names}
	parsers.Put(p)
}

// parser reads a document. What is below the root's own children is checked,
// and left unread where lazy; what says a name twice is read at once.
type parser struct {
	s    string
	i    int
	lazy bool

	// Children wait on stacks until their container ends and its size is known.
	members []Member
	elems   []Value
	names   names

	mostMembers, mostElems int // of the stacks that was in use
}

// document is a root, and what it holds.
type document struct {
	Value
	kids kids
}

func (p *parser) document() (*Value, error) {
	d := &document{}
	if _, err := p.value(&d.Value, &d.kids, 0); err != nil {
		return nil, err
	}
	if p.space(); p.i < len(p.s) {
		return nil, p.fail("more after the value")
	}
	return &d.Value, nil
}

func (p *parser) fail(what string) error {
	return fmt.Errorf("JSON at byte %d: %s", p.i, what)
}

// value reads one value into v; k is for what it holds, nil: make one. altered
// says that its source bytes say a name twice.
func (p *parser) value(v *Value, k *kids, depth int) (altered bool, err error) {
	p.space()
	if p.i >= len(p.s) {
		return false, p.fail("ends too early")
	}
	if depth > MaxDepth {
		return false, p.fail("nested too deeply")
	}
	start := p.i
	switch c := p.s[p.i]; c {
	case '{', '[':
		altered, err = p.container(v, k, depth)
	case '"':
		v.Kind = String
		_, err = p.text()
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
	return altered, err
}

// container reads an object or an array; those that are not read now are
// checked only.
func (p *parser) container(v *Value, k *kids, depth int) (altered bool, err error) {
	v.Kind = Array
	if p.s[p.i] == '{' {
		v.Kind = Object
	}
	if !p.lazy || depth == 0 {
		return p.read(v, k, depth)
	}
	start := p.i
	if altered, err = p.skip(depth); err != nil || !altered {
		return false, err
	}
	p.i, p.lazy = start, false
	altered, err = p.read(v, k, depth)
	p.lazy = true
	return altered, err
}

func (p *parser) read(v *Value, k *kids, depth int) (altered bool, err error) {
	if k == nil {
		k = new(kids)
	}
	v.kids = k
	if v.Kind == Object {
		return p.object(k, depth)
	}
	return p.array(k, depth)
}

func (p *parser) object(k *kids, depth int) (altered bool, err error) {
	base, first := len(p.members), p.names.len()
	p.i++
	if p.space(); p.take('}') {
		return false, nil
	}
	for {
		name, err := p.name()
		if err != nil {
			return false, err
		}
		p.names.push(name)
		m := Member{Name: name}
		a, err := p.value(&m.Value, nil, depth+1)
		if err != nil {
			return false, err
		}
		altered = altered || a
		p.members = append(p.members, m)
		p.space()
		if p.take('}') {
			break
		}
		if !p.take(',') {
			return false, p.fail(", or } is missing")
		}
	}
	p.mostMembers = max(p.mostMembers, len(p.members))
	k.members = append([]Member(nil), p.members[base:]...)
	p.members = p.members[:base]
	if p.names.pop(first) {
		k.members, altered = lastOf(k.members), true
	}
	return altered, nil
}

// lastOf leaves one member of each name, where the first was: the last.
func lastOf(members []Member) []Member {
	at := make(map[string]int, len(members))
	kept := members[:0]
	for _, m := range members {
		if i, again := at[m.Name]; again {
			kept[i].Value = m.Value
			continue
		}
		at[m.Name] = len(kept)
		kept = append(kept, m)
	}
	return kept
}

func (p *parser) array(k *kids, depth int) (altered bool, err error) {
	base := len(p.elems)
	p.i++
	if p.space(); p.take(']') {
		return false, nil
	}
	for {
		var e Value
		a, err := p.value(&e, nil, depth+1)
		if err != nil {
			return false, err
		}
		altered = altered || a
		p.elems = append(p.elems, e)
		p.space()
		if p.take(']') {
			break
		}
		if !p.take(',') {
			return false, p.fail(", or ] is missing")
		}
	}
	p.mostElems = max(p.mostElems, len(p.elems))
	k.elems = append([]Value(nil), p.elems[base:]...)
	p.elems = p.elems[:base]
	return altered, nil
}

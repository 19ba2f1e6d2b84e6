package tree

import (
	"fmt"
	"math"
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
const maxSpared = 4096

func (p *parser) free() {
	if cap(p.found) > maxSpared || cap(p.made) > maxSpared || cap(p.places) > 2*maxSpared {
		return
	}
	clear(p.made)
	*p = parser{found: p.found[:0], made: p.made[:0], twice: p.twice}
	parsers.Put(p)
}

// parser reads a document. What is below the root's own children is checked,
// and left unread where lazy; what says a name twice is read at once.
type parser struct {
	s    string
	i    int
	lazy bool
	err  error
	like []Member // what the root may say too

	found []child // waiting until their container ends and their number is known
	made  []*kids // what children hold that were read, each for good

	twice
}

// child is where one child stands in the source.
type child struct {
	name, nameEnd int32 // without quotes; of an element 0
	raw, end      int32
	made          int32 // what it holds: its place in made, from 1; 0: not read
	like          int32 // the place of the same in like, from 1; 0: none
	kind          Kind
	escaped       bool // the name has a backslash
	altered       bool // the source says a name twice
}

// document is a root, and what it holds.
type document struct {
	Value
	kids kids
}

func (p *parser) document() (*Value, error) {
	if len(p.s) > math.MaxInt32 {
		return nil, fmt.Errorf("JSON of %d bytes is too long", len(p.s))
	}
	d := &document{}
	c, ok := p.value(0, &d.kids)
	if p.space(); ok && p.i < len(p.s) {
		ok = p.fail("more after the value")
	}
	if !ok {
		return nil, p.err
	}
	p.fill(&d.Value, &c)
	return &d.Value, nil
}

func (p *parser) fail(what string) bool {
	if p.err == nil {
		p.err = fmt.Errorf("JSON at byte %d: %s", p.i, what)
	}
	return false
}

// value reads one value; root is for what the root holds, else nil.
func (p *parser) value(depth int, root *kids) (c child, ok bool) {
	p.space()
	if p.i >= len(p.s) {
		return c, p.fail("ends too early")
	}
	if depth > MaxDepth {
		return c, p.fail("nested too deeply")
	}
	c.raw = int32(p.i)
	switch p.s[p.i] {
	case '{', '[':
		ok = p.container(&c, depth, root)
	case '"':
		c.kind = String
		_, ok = p.text()
	case 't':
		c.kind, ok = Bool, p.word("true")
	case 'f':
		c.kind, ok = Bool, p.word("false")
	case 'n':
		c.kind, ok = Null, p.word("null")
	default:
		c.kind, ok = Number, p.number()
	}
	c.end = int32(p.i)
	return c, ok
}

// container reads an object or an array; those that are not read now are
// checked only.
func (p *parser) container(c *child, depth int, root *kids) bool {
	c.kind = Array
	if p.s[p.i] == '{' {
		c.kind = Object
	}
	if !p.lazy || root != nil {
		return p.read(c, depth, root)
	}
	start := p.i
	if twice, ok := p.skip(depth); !ok || !twice {
		return ok
	}
	p.i, p.lazy = start, false
	ok := p.read(c, depth, nil)
	p.lazy = true
	return ok
}

func (p *parser) read(c *child, depth int, k *kids) bool {
	if k == nil {
		k = new(kids)
	}
	p.made = append(p.made, k)
	c.made = int32(len(p.made))
	first := len(p.found)
	if !p.children(c.kind, depth) {
		return false
	}
	list := p.found[first:]
	p.found = p.found[:first]
	if c.kind == Array {
		k.elems = make([]Value, len(list))
		for i := range list {
			p.fill(&k.elems[i], &list[i])
			c.altered = c.altered || list[i].altered
		}
		return true
	}
	k.members = make([]Member, len(list))
	for i := range list {
		m, from := &k.members[i], &list[i]
		if from.like > 0 {
			*m = p.like[from.like-1]
			continue
		}
		m.Name = p.nameOf(from)
		p.fill(&m.Value, from)
		c.altered = c.altered || from.altered
	}
	if p.twice.among(p, list) {
		k.members, c.altered = lastOf(k.members), true
	}
	return true
}

// children puts those of an object or an array on found.
func (p *parser) children(kind Kind, depth int) bool {
	end := byte(']')
	if kind == Object {
		end = '}'
	}
	p.i++
	if p.space(); p.take(end) {
		return true
	}
	for n := 0; ; n++ {
		at := len(p.found)
		p.found = append(p.found, child{})
		switch {
		case kind == Object && depth == 0 && n < len(p.like) && p.same(n, &p.found[at]):
		case kind == Object && !p.name(&p.found[at]) || !p.child(at, depth+1):
			return false
		}
		if p.space(); p.take(end) {
			return true
		}
		if !p.take(',') {
			return p.fail(", or the end is missing")
		}
	}
}

// child reads the value of the child that is at that place of found.
func (p *parser) child(at, depth int) bool {
	if p.space(); p.i < len(p.s) && p.s[p.i] == '"' && depth <= MaxDepth { // most are
		c := &p.found[at]
		c.kind, c.raw = String, int32(p.i)
		_, ok := p.text()
		c.end = int32(p.i)
		return ok
	}
	v, ok := p.value(depth, nil)
	c := &p.found[at]
	v.name, v.nameEnd, v.escaped = c.name, c.nameEnd, c.escaped
	*c = v
	return ok
}

func (p *parser) nameOf(c *child) string {
	if c.escaped {
		return unquote(p.s[c.name-1 : c.nameEnd+1])
	}
	return p.s[c.name:c.nameEnd]
}

// fill makes v, which is zero, what c stands for.
func (p *parser) fill(v *Value, c *child) {
	v.Kind = c.kind
	if !c.altered {
		v.raw = p.s[c.raw:c.end]
	}
	if c.made > 0 {
		v.kids = p.made[c.made-1]
	}
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

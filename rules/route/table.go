package route

import (
	"slices"
	"strings"
)

// Table finds the value of the most specific pattern that a path matches:
// literal before parameter, a parameter with more text around it before one
// with less, decided left to right; what takes all that is left comes last.
type Table[T any] struct{ root node[T] }

type node[T any] struct {
	literals []*node[T]
	params   []*node[T] // most text first
	rest     *node[T]   // what takes all that is left; nil: nothing does
	segment  segment
	entries  []entry[T]
}

type entry[T any] struct {
	method  string
	pattern *Pattern
	value   T
}

// Put adds value under method and pattern. If an equally specific pattern has
// one for that method already, Put returns it and adds nothing.
func (t *Table[T]) Put(method string, p *Pattern, value T) (there T, taken bool) {
	n := &t.root
	for _, s := range p.segments {
		n = n.child(s)
	}
	for _, e := range n.entries {
		if e.method == method {
			return e.value, true
		}
	}
	n.entries = append(n.entries, entry[T]{method, p, value})
	return there, false
}

func (n *node[T]) child(s segment) *node[T] {
	if s.rest {
		if n.rest == nil {
			n.rest = &node[T]{segment: s}
		}
		return n.rest
	}
	list := &n.literals
	if s.param != "" {
		list = &n.params
	}
	for _, c := range *list {
		if c.segment.prefix == s.prefix && c.segment.suffix == s.suffix {
			return c
		}
	}
	c := &node[T]{segment: s}
	*list = append(*list, c)
	slices.SortStableFunc(n.params, func(a, b *node[T]) int {
		return len(b.segment.prefix) + len(b.segment.suffix) - len(a.segment.prefix) - len(a.segment.suffix)
	})
	return c
}

// Find returns the value for method and an escaped path, with the pattern that
// it was put under. It allocates nothing.
func (t *Table[T]) Find(method, path string) (value T, p *Pattern, ok bool) {
	if len(path) == 0 || path[0] != '/' {
		return value, nil, false
	}
	e := t.root.find(method, trimPath(path), maxSegments)
	if e == nil {
		return value, nil, false
	}
	return e.value, e.pattern, true
}

func (n *node[T]) find(method, rest string, depth int) *entry[T] {
	if depth == 0 {
		return nil
	}
	part, below, more := strings.Cut(rest, "/")
	for _, list := range [...][]*node[T]{n.literals, n.params} {
		for _, c := range list {
			if !c.segment.matches(part) {
				continue
			}
			if !more {
				if e := c.entry(method); e != nil {
					return e
				}
				continue
			}
			if e := c.find(method, below, depth-1); e != nil {
				return e
			}
		}
	}
	if n.rest != nil && isParts(rest) {
		return n.rest.entry(method)
	}
	return nil
}

func (n *node[T]) entry(method string) *entry[T] {
	for i := range n.entries {
		if n.entries[i].method == method {
			return &n.entries[i]
		}
	}
	return nil
}

// Values reads the parameters of a path that Find found under p.
func Values(p *Pattern, path string) map[string]string {
	values, _ := p.Match(path)
	return values
}

package content

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/sidehook/sidehook/rules/tree"
)

// Bounds of a form, against names made to cost.
const (
	maxFields = 1000
	maxNested = 8
)

// Form reads application/x-www-form-urlencoded. Every value is a string;
// a[b]=c makes an object, a[]=c and a repeated name an array; a[][b]=c makes
// objects of one, each of what comes before its first field comes again.
func Form(body string) (*tree.Value, error) {
	root := &node{}
	n := 0
	for pair := range strings.SplitSeq(body, "&") {
		if pair == "" {
			continue
		}
		if n++; n > maxFields {
			return nil, fmt.Errorf("form: more than %d fields", maxFields)
		}
		name, value, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(name)
		if err != nil {
			return nil, fmt.Errorf("form: %w", err)
		}
		value, err = url.QueryUnescape(value)
		if err != nil {
			return nil, fmt.Errorf("form: %w", err)
		}
		names := FieldNames(name)
		if len(names) > maxNested {
			return nil, fmt.Errorf("form: a name nests more than %d levels", maxNested)
		}
		root.put(names, tree.Text(value))
	}
	v := root.object()
	return &v, nil
}

// FieldNames returns the names in a form field's name: a[b][] is a, b and "".
func FieldNames(field string) []string {
	first, rest, _ := strings.Cut(field, "[")
	names := []string{first}
	for rest != "" {
		name, more, ok := strings.Cut(rest, "]")
		if !ok || more != "" && more[0] != '[' {
			return []string{field} // not nested at all: one name with brackets
		}
		names = append(names, name)
		rest = strings.TrimPrefix(more, "[")
	}
	return names
}

// node collects one value of a form.
type node struct {
	own   []tree.Value
	list  bool
	names []string
	below map[string]*node
}

func (n *node) put(names []string, value tree.Value) {
	if len(names) == 0 {
		n.own = append(n.own, value)
		return
	}
	name := names[0]
	switch {
	case name == "" && len(names) > 1:
		name = n.element(names[1:])
	case name == "" && n.below == nil:
		n.list, n.own = true, append(n.own, value)
		return
	}
	if n.below == nil {
		n.below = make(map[string]*node)
	}
	child := n.below[name]
	if child == nil {
		child = &node{}
		n.below[name] = child
		n.names = append(n.names, name)
	}
	child.put(names[1:], value)
}

// element returns the name, a number, of the element of a list to which a field
// below [] belongs: the last one, unless that has such a field already.
func (n *node) element(names []string) string {
	last := len(n.names) - 1
	if last < 0 || n.below[n.names[last]].has(names) {
		last++
	}
	return strconv.Itoa(last)
}

// has reports whether there is a value at names, and no list to which another can
// be added.
func (n *node) has(names []string) bool {
	switch {
	case n == nil:
		return false
	case len(names) == 0:
		return len(n.own) > 0 || n.below != nil
	case names[0] == "":
		return false
	}
	return n.below[names[0]].has(names[1:])
}

func (n *node) value() tree.Value {
	switch {
	case len(n.names) > 0:
		members := make([]tree.Member, len(n.names))
		elems := make([]tree.Value, len(n.names))
		indexed := true
		for i, name := range n.names {
			elems[i] = n.below[name].value()
			members[i] = tree.Member{Name: name, Value: elems[i]}
			indexed = indexed && name == strconv.Itoa(i)
		}
		if indexed {
			return tree.NewArray(elems)
		}
		return tree.NewObject(members)
	case n.list || len(n.own) > 1:
		return tree.NewArray(n.own)
	case len(n.own) == 1:
		return n.own[0]
	}
	return tree.Value{}
}

// object returns the value of a whole form.
func (n *node) object() tree.Value {
	if v := n.value(); v.Kind == tree.Object {
		return v
	}
	return tree.NewObject(nil)
}

// EncodeForm writes what Form read.
func EncodeForm(v *tree.Value) string {
	var b strings.Builder
	encodeForm(&b, "", v)
	return b.String()
}

func encodeForm(b *strings.Builder, name string, v *tree.Value) {
	switch v.Kind {
	case tree.Object:
		for m := range tree.Each(v.Members()) {
			below := m.Name
			if name != "" {
				below = name + "[" + below + "]"
			}
			encodeForm(b, below, &m.Value)
		}
	case tree.Array:
		for i := range v.Elems() {
			below := name + "[]"
			if v.Elems()[i].Kind == tree.Object || v.Elems()[i].Kind == tree.Array {
				below = name + "[" + strconv.Itoa(i) + "]"
			}
			encodeForm(b, below, &v.Elems()[i])
		}
	case tree.String:
		if b.Len() > 0 {
			b.WriteByte('&')
		}
		text, _ := v.Text()
		b.WriteString(url.QueryEscape(name) + "=" + url.QueryEscape(text))
	}
}

package lang

import (
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
)

func (c *compiler) identifier(n *ast.IdentifierNode) (node, error) {
	for _, v := range slices.Backward(c.lets) {
		if v.name == n.Value {
			slot := v.slot
			return func(f *frame) any { return f.lets[slot] }, nil
		}
	}
	if err := c.env.checkName(n.Value); err != nil {
		return nil, errorAt(n, "%w", err)
	}
	if c.holdsHeaders(n.Value) {
		return nil, errorAt(n, "%s as a whole is not kept: write what you need of it, like %s.body", n.Value, n.Value)
	}
	return c.read(n.Value), nil
}

// read returns the node of a name of the environment.
func (c *compiler) read(name string) node {
	i := slices.Index(c.expr.names, name)
	if i < 0 {
		i = len(c.expr.names)
		c.expr.names = append(c.expr.names, name)
	}
	return func(f *frame) any { return f.name(i) }
}

func (c *compiler) member(n *ast.MemberNode) (node, error) {
	if root, ok := inner(n.Node).(*ast.IdentifierNode); ok && !c.isLet(root.Value) {
		return c.memberOf(root, n)
	}
	if done, v, err := c.headerField(n); done {
		return v, err
	}
	of, err := c.compile(n.Node)
	if err != nil {
		return nil, err
	}
	return c.access(of, n.Property)
}

// memberOf compiles a member of a name of the environment.
func (c *compiler) memberOf(root *ast.IdentifierNode, n *ast.MemberNode) (node, error) {
	if err := c.env.checkName(root.Value); err != nil {
		return nil, errorAt(root, "%w", err)
	}
	name, fixed := n.Property.(*ast.StringNode)
	if fixed {
		if err := c.env.checkMember(root.Value, name.Value); err != nil {
			return nil, errorAt(n, "%w", err)
		}
	}
	if c.holdsHeaders(root.Value) && (!fixed || name.Value == "header") {
		return nil, errorAt(n, "%s.header wants the name of one field in quotes: write %s.header[\"X-Space-Id\"]", root.Value, root.Value)
	}
	return c.access(c.read(root.Value), n.Property)
}

// access compiles of[property].
func (c *compiler) access(of node, property ast.Node) (node, error) {
	switch p := property.(type) {
	case *ast.StringNode:
		name := p.Value
		return func(f *frame) any { return fieldOf(of(f), name) }, nil
	case *ast.IntegerNode:
		at := int64(p.Value)
		return func(f *frame) any { return elementOf(of(f), at) }, nil
	}
	key, err := c.compile(property)
	if err != nil {
		return nil, err
	}
	return func(f *frame) any {
		v := of(f)
		switch k := key(f).(type) {
		case string:
			f.spendText(len(k))
			return fieldOf(v, k)
		case int64:
			return elementOf(v, k)
		case unknown:
			if v != nil {
				return Unknown
			}
		}
		return nil
	}, nil
}

func fieldOf(v any, name string) any {
	switch v := v.(type) {
	case map[string]any:
		return v[name]
	case Object:
		return value(v.Field(name))
	case unknown:
		return v
	}
	return nil
}

// elementOf counts from the end for a negative index.
func elementOf(v any, at int64) any {
	switch v := v.(type) {
	case []any:
		if at < 0 {
			at += int64(len(v))
		}
		if at >= 0 && at < int64(len(v)) {
			return v[at]
		}
	case unknown:
		return v
	}
	return nil
}

func (c *compiler) slice(n *ast.SliceNode) (node, error) {
	of, err := c.compile(n.Node)
	if err != nil {
		return nil, err
	}
	from, to := constant(int64(0)), constant(nil)
	if n.From != nil {
		if from, err = c.compile(n.From); err != nil {
			return nil, err
		}
	}
	if n.To != nil {
		if to, err = c.compile(n.To); err != nil {
			return nil, err
		}
	}
	open := n.To == nil
	return func(f *frame) any {
		v, a, b := of(f), from(f), to(f)
		if IsUnknown(v) || IsUnknown(a) || IsUnknown(b) {
			return Unknown
		}
		if s, ok := v.(string); ok && !f.spendText(len(s)) {
			return Unknown
		}
		return cut(v, a, b, open)
	}, nil
}

// cut returns v[from:to]; bounds beyond the ends are moved to them.
func cut(v, from, to any, open bool) any {
	size := 0
	switch v := v.(type) {
	case []any:
		size = len(v)
	case string:
		size = len(v)
	default:
		return nil
	}
	a, ok := from.(int64)
	b, ok2 := to.(int64)
	if open {
		b, ok2 = int64(size), true
	}
	if !ok || !ok2 {
		return nil
	}
	lo, hi := bound(a, size), bound(b, size)
	lo = min(lo, hi)
	if s, ok := v.(string); ok {
		return strings.ToValidUTF8(s[lo:hi], "")
	}
	return v.([]any)[lo:hi:hi]
}

func bound(i int64, size int) int {
	if i < 0 {
		i += int64(size)
	}
	return int(min(max(i, 0), int64(size)))
}

func (c *compiler) isLet(name string) bool {
	return slices.ContainsFunc(c.lets, func(v variable) bool { return v.name == name })
}

// inner looks through the wrapper that ?. leaves.
func inner(n ast.Node) ast.Node {
	for {
		chain, ok := n.(*ast.ChainNode)
		if !ok {
			return n
		}
		n = chain.Node
	}
}

// elementsOf returns the path of the array whose elements n comes to, if it is
// one array and they keep their order.
func elementsOf(n ast.Node) (root string, p Path, ok bool) {
	switch n := inner(n).(type) {
	case *ast.BuiltinNode:
		if n.Name == "filter" && len(n.Arguments) > 0 {
			return elementsOf(n.Arguments[0])
		}
		return "", p, false
	case *ast.SliceNode:
		return elementsOf(n.Node)
	case *ast.CallNode:
		name, _ := n.Callee.(*ast.IdentifierNode)
		if name == nil || len(n.Arguments) != 1 {
			return "", p, false
		}
		root, ok = map[string]string{"additions": "after", "removals": "before"}[name.Value]
		lit, isText := n.Arguments[0].(*ast.StringNode)
		if !ok || !isText {
			return "", p, false
		}
		p, err := ParsePath(lit.Value)
		return root, p, err == nil
	}
	return plainPath(n)
}

// plainPath returns the path that n is, if it is nothing else.
func plainPath(n ast.Node) (root string, p Path, ok bool) {
	switch n := inner(n).(type) {
	case *ast.IdentifierNode:
		return n.Value, p, true
	case *ast.MemberNode:
		root, p, ok = plainPath(n.Node)
		switch name := n.Property.(type) {
		case *ast.StringNode:
			return root, p.Child(name.Value), ok
		case *ast.IntegerNode:
			return root, p.Child(text(int64(name.Value)).(string)), ok && name.Value >= 0
		}
	}
	return "", Path{}, false
}

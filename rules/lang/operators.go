package lang

import (
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"
)

func (c *compiler) unary(n *ast.UnaryNode) (node, error) {
	of, err := c.compile(n.Node)
	if err != nil {
		return nil, err
	}
	switch n.Operator {
	case "!", "not":
		return func(f *frame) any { return truthy(of(f)).Not().value() }, nil
	case "-":
		return func(f *frame) any { return arithmetic(f, "-", int64(0), of(f)) }, nil
	case "+":
		return func(f *frame) any { return arithmetic(f, "+", int64(0), of(f)) }, nil
	}
	return nil, errorAt(n, "there is no operator %s", n.Operator)
}

func (c *compiler) binary(n *ast.BinaryNode) (node, error) {
	if n.Operator == "==" || n.Operator == "!=" {
		if v, err, ok := c.nilTest(n); ok {
			return v, err
		}
	}
	if n.Operator == "matches" {
		return c.matches(n)
	}
	if err := c.constants(n); err != nil {
		return nil, err
	}
	if of, field, ok := c.dashed(n); ok && strings.Contains(field, "-") {
		return nil, errorAt(n, "%s.header.%s is read as a subtraction: write %s.header[%q]", of, field, of, field)
	}
	both, err := c.all([]ast.Node{n.Left, n.Right})
	if err != nil {
		return nil, err
	}
	a, b := both[0], both[1]
	if op, ok := operators[n.Operator]; ok {
		return func(f *frame) any { return op(f, a(f), b(f)) }, nil
	}
	switch n.Operator {
	case "&&", "and":
		return func(f *frame) any {
			t := truthy(a(f))
			if t != False {
				t = t.And(truthy(b(f)))
			}
			return t.value()
		}, nil
	case "||", "or":
		return func(f *frame) any {
			t := truthy(a(f))
			if t != True {
				t = t.Or(truthy(b(f)))
			}
			return t.value()
		}, nil
	case "??":
		return func(f *frame) any {
			if v := a(f); v != nil {
				return v
			}
			return b(f)
		}, nil
	}
	return nil, errorAt(n, "there is no operator %s", n.Operator)
}

// dashed returns the header field that n was meant to be, if it is one written
// like request.header.X-Space-Id.
func (c *compiler) dashed(n ast.Node) (root, field string, ok bool) {
	switch n := inner(n).(type) {
	case *ast.BinaryNode:
		if root, field, ok = c.dashed(n.Left); !ok || n.Operator != "-" {
			return "", "", false
		}
		switch right := n.Right.(type) {
		case *ast.IdentifierNode:
			return root, field + "-" + right.Value, true
		case *ast.IntegerNode:
			return root, field + "-" + strconv.Itoa(right.Value), true
		}
	case *ast.MemberNode:
		root, path, plain := plainPath(n)
		names := path.Names()
		if plain && len(names) == 2 && names[0] == "header" && c.holdsHeaders(root) && !c.isLet(root) {
			return root, names[1], true
		}
	}
	return "", "", false
}

// operators are those that always look at both sides.
var operators = map[string]func(f *frame, a, b any) any{
	"==": func(f *frame, a, b any) any { return equalValues(f, a, b).value() },
	"!=": func(f *frame, a, b any) any { return equalValues(f, a, b).Not().value() },
	"<":  ordered(func(c int) bool { return c < 0 }),
	">":  ordered(func(c int) bool { return c > 0 }),
	"<=": ordered(func(c int) bool { return c <= 0 }),
	">=": ordered(func(c int) bool { return c >= 0 }),
	"in": func(f *frame, a, b any) any { return contained(f, a, b).value() },
	"contains": func(f *frame, a, b any) any {
		if _, ok := a.([]any); ok {
			return contained(f, b, a).value()
		}
		return texts(f, a, b, strings.Contains).value()
	},
	"startsWith": func(f *frame, a, b any) any { return texts(f, a, b, strings.HasPrefix).value() },
	"endsWith":   func(f *frame, a, b any) any { return texts(f, a, b, strings.HasSuffix).value() },
	"+":          calculate("+"),
	"-":          calculate("-"),
	"*":          calculate("*"),
	"/":          calculate("/"),
	"%":          calculate("%"),
	"**":         calculate("**"),
	"^":          calculate("**"),
	"..":         interval,
}

func calculate(op string) func(f *frame, a, b any) any {
	return func(f *frame, a, b any) any { return arithmetic(f, op, a, b) }
}

// nilTest compiles x == nil and x != nil: true for null and absent.
func (c *compiler) nilTest(n *ast.BinaryNode) (_ node, _ error, ok bool) {
	of := n.Left
	if _, left := n.Left.(*ast.NilNode); left {
		of = n.Right
	} else if _, right := n.Right.(*ast.NilNode); !right {
		return nil, nil, false
	}
	x, err := c.compile(of)
	wanted := n.Operator == "=="
	return func(f *frame) any {
		v := x(f)
		if IsUnknown(v) {
			return v
		}
		return (v == nil) == wanted
	}, err, true
}

func (c *compiler) matches(n *ast.BinaryNode) (node, error) {
	of, err := c.compile(n.Left)
	if err != nil {
		return nil, err
	}
	pattern, ok := n.Right.(*ast.StringNode)
	if !ok {
		return nil, errorAt(n, "matches wants its pattern in quotes: a pattern is read once, when the configuration is")
	}
	re, weight, err := compileRegexp(pattern.Value)
	if err != nil {
		return nil, errorAt(n, "matches %q: %w", pattern.Value, err)
	}
	c.expr.regexps += weight
	return func(f *frame) any {
		switch s := of(f).(type) {
		case string: // at worst each byte meets each instruction
			return f.spend(len(s)*(1+weight/4)) && re.MatchString(s)
		case unknown:
			return s
		}
		return false
	}, nil
}

// equalValues is ==: false with null.
func equalValues(f *frame, a, b any) Truth {
	if a == nil || b == nil {
		return False
	}
	return same(a, b, f)
}

// ordered compares numbers with numbers and strings with strings; anything
// else is false.
func ordered(test func(int) bool) func(f *frame, a, b any) any {
	return func(f *frame, a, b any) any {
		if !hasOrder(a) || !hasOrder(b) {
			return false
		}
		if IsUnknown(a) || IsUnknown(b) {
			return Unknown
		}
		c, ok := compare(f, a, b)
		return ok && test(c)
	}
}

// hasOrder reports whether v may have an order.
func hasOrder(v any) bool {
	switch v.(type) {
	case int64, float64, string, unknown:
		return true
	}
	return false
}

// contained is a in b: an element of an array, a key of an object.
func contained(f *frame, a, b any) Truth {
	if a == nil || b == nil {
		return False
	}
	switch b := plain(b).(type) {
	case unknown:
		return Undecided
	case []any:
		t := False
		for _, e := range b {
			if t = t.Or(same(a, e, f)); t == True || !f.spend(1) {
				return t
			}
		}
		return t
	case map[string]any:
		if IsUnknown(a) {
			return truthOf(len(b) > 0).And(Undecided)
		}
		key, ok := a.(string)
		if !f.spendText(len(key)) {
			return Undecided
		}
		v, there := b[key]
		if ok && there && IsUnknown(v) {
			return Undecided
		}
		return truthOf(ok && there)
	}
	return False
}

// texts tests two strings; anything else is false.
func texts(f *frame, a, b any, test func(a, b string) bool) Truth {
	if a == nil || b == nil {
		return False
	}
	s, ok := a.(string)
	t, ok2 := b.(string)
	switch {
	case !ok && !IsUnknown(a) || !ok2 && !IsUnknown(b):
		return False
	case !ok || !ok2:
		return Undecided
	}
	return truthOf(f.spendText(len(s)) && test(s, t))
}

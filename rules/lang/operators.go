package lang

import (
	"math"
	"math/big"
	"regexp"
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
		return func(f *frame) any { return Truthy(of(f)).Not().value() }, nil
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
	both, err := c.all([]ast.Node{n.Left, n.Right})
	if err != nil {
		return nil, err
	}
	a, b := both[0], both[1]
	switch op := n.Operator; op {
	case "&&", "and":
		return func(f *frame) any {
			t := Truthy(a(f))
			if t != False {
				t = t.And(Truthy(b(f)))
			}
			return t.value()
		}, nil
	case "||", "or":
		return func(f *frame) any {
			t := Truthy(a(f))
			if t != True {
				t = t.Or(Truthy(b(f)))
			}
			return t.value()
		}, nil
	case "??":
		return func(f *frame) any {
			v := a(f)
			if v == nil {
				return b(f)
			}
			return v
		}, nil
	case "==":
		return func(f *frame) any { return equalValues(f, a(f), b(f)).value() }, nil
	case "!=":
		return func(f *frame) any { return equalValues(f, a(f), b(f)).Not().value() }, nil
	case "<", ">", "<=", ">=":
		test := orders[op]
		return func(f *frame) any { return ordered(f, a(f), b(f), test).value() }, nil
	case "in":
		return func(f *frame) any { return contained(f, a(f), b(f)).value() }, nil
	case "contains":
		return func(f *frame) any {
			l, r := a(f), b(f)
			if _, ok := l.([]any); ok {
				return contained(f, r, l).value()
			}
			return texts(f, l, r, strings.Contains).value()
		}, nil
	case "startsWith":
		return func(f *frame) any { return texts(f, a(f), b(f), strings.HasPrefix).value() }, nil
	case "endsWith":
		return func(f *frame) any { return texts(f, a(f), b(f), strings.HasSuffix).value() }, nil
	case "+", "-", "*", "/", "%", "**", "^":
		return func(f *frame) any { return arithmetic(f, op, a(f), b(f)) }, nil
	case "..":
		return func(f *frame) any { return interval(f, a(f), b(f)) }, nil
	}
	return nil, errorAt(n, "there is no operator %s", n.Operator)
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
	re, err := regexp.Compile(pattern.Value)
	if err != nil {
		return nil, errorAt(n, "matches %q: %w", pattern.Value, err)
	}
	return func(f *frame) any {
		switch s := of(f).(type) {
		case string:
			return f.spend(len(s)) && re.MatchString(s)
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

var orders = map[string]func(int) bool{
	"<":  func(c int) bool { return c < 0 },
	">":  func(c int) bool { return c > 0 },
	"<=": func(c int) bool { return c <= 0 },
	">=": func(c int) bool { return c >= 0 },
}

func ordered(f *frame, a, b any, test func(int) bool) Truth {
	if !hasOrder(a) || !hasOrder(b) {
		return False
	}
	if IsUnknown(a) || IsUnknown(b) {
		return Undecided
	}
	c, ok := compare(a, b)
	return truthOf(ok && test(c))
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

// interval is a..b, both ends included.
func interval(f *frame, a, b any) any {
	if IsUnknown(a) || IsUnknown(b) {
		return Unknown
	}
	lo, ok := a.(int64)
	hi, ok2 := b.(int64)
	if !ok || !ok2 {
		return nil
	}
	if hi < lo {
		return []any{}
	}
	size := new(big.Int).Sub(big.NewInt(hi), big.NewInt(lo))
	if !size.IsInt64() || size.Int64() >= maxSteps || !f.spend(int(size.Int64())+1) {
		f.spend(maxSteps + 1)
		return Unknown
	}
	out := make([]any, 0, size.Int64()+1)
	for i := range size.Int64() + 1 {
		out = append(out, lo+i)
	}
	return out
}

// arithmetic works on two numbers; + joins two strings. Anything else gives
// null, as does what JSON has no number for. Integers that overflow go on as
// floats; / always gives a float.
func arithmetic(f *frame, op string, a, b any) any {
	if s, ok := a.(string); ok && op == "+" {
		switch t := b.(type) {
		case string:
			if !f.spendText(len(s) + len(t)) {
				return Unknown
			}
			return s + t
		case unknown:
			return t
		}
		return nil
	}
	if !numeric(a) && !IsUnknown(a) || !numeric(b) && !(IsUnknown(b)) && !(op == "+" && IsUnknown(a) && isText(b)) {
		return nil
	}
	if IsUnknown(a) || IsUnknown(b) {
		return Unknown
	}
	i, ok := a.(int64)
	j, ok2 := b.(int64)
	if ok && ok2 {
		if v, ok := integers(op, i, j); ok {
			return v
		}
	}
	return finite(floats(op, toFloat(a), toFloat(b)))
}

func numeric(v any) bool {
	switch v.(type) {
	case int64, float64:
		return true
	}
	return false
}

func isText(v any) bool { _, ok := v.(string); return ok }

func toFloat(v any) float64 {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case float64:
		return v
	}
	return math.NaN()
}

// integers reports false where the result is no int64.
func integers(op string, a, b int64) (any, bool) {
	switch op {
	case "+":
		if s := a + b; (s > a) == (b > 0) {
			return s, true
		}
	case "-":
		if s := a - b; (s < a) == (b > 0) {
			return s, true
		}
	case "*":
		if a == 0 || b == 0 {
			return int64(0), true
		}
		if s := a * b; s/b == a && !(a == -1 && b == math.MinInt64) && !(b == -1 && a == math.MinInt64) {
			return s, true
		}
	case "%":
		if b == 0 {
			return nil, true
		}
		if b == -1 {
			return int64(0), true
		}
		return a % b, true
	}
	return nil, false
}

func floats(op string, a, b float64) float64 {
	switch op {
	case "+":
		return a + b
	case "-":
		return a - b
	case "*":
		return a * b
	case "/":
		return a / b
	case "%":
		return math.Mod(a, b)
	}
	return math.Pow(a, b)
}

func finite(v float64) any {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return v
}

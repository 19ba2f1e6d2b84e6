package lang

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
)

// node is a compiled piece of an expression.
type node func(f *frame) any

// compiler turns the tree of expr-lang's parser into nodes. The language is
// expr-lang's; what its operators do with null and unknown is ours, so its
// checker and its virtual machine have no part in it.
type compiler struct {
	env   Environment
	expr  *Expr
	lets  []variable // visible, innermost last
	depth int        // of closures
	nodes int
}

type variable struct {
	name string
	slot int
}

func compile(src string, env Environment) (*Expr, error) {
	if strings.TrimSpace(src) == "" {
		return nil, errors.New("it is empty: write one like entity.status == \"open\"")
	}
	if len(src) > MaxSource {
		return nil, fmt.Errorf("it has %d bytes: at most %d", len(src), MaxSource)
	}
	tree, err := parse(src)
	if err != nil {
		return nil, err
	}
	return compileTree(src, tree, env)
}

func compileTree(src string, tree ast.Node, env Environment) (x *Expr, err error) {
	x = &Expr{source: src, env: env}
	c := &compiler{env: env, expr: x}
	if x.run, err = c.compile(tree); err != nil {
		return nil, err
	}
	if x.choice, err = choiceOf(src, tree, env); err != nil {
		return nil, err
	}
	x.nodes = c.nodes
	slices.Sort(x.requestHeaders)
	slices.Sort(x.responseHeaders)
	x.requestHeaders, x.responseHeaders = slices.Compact(x.requestHeaders), slices.Compact(x.responseHeaders)
	x.root, x.path, x.bare = plainPath(tree)
	x.listRoot, x.listPath, x.lists = elementsOf(tree)
	return x, nil
}

// parserConfig is how expr-lang's parser works. Its maps are only read.
var parserConfig = func() *conf.Config {
	config := conf.CreateNew()
	config.MaxNodes = maxNodes
	for name := range builtin.Index {
		config.Disabled[name] = true // functions are ours
	}
	return config
}()

// parse runs expr-lang's parser. A panic in it is an error of the text.
func parse(src string) (tree ast.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("it cannot be read: %v", r)
		}
	}()
	config := *parserConfig // it has a cache
	t, err := parser.ParseWithConfig(src, &config)
	if err == nil {
		return t.Node, nil
	}
	var at *file.Error
	if errors.As(err, &at) {
		return nil, fmt.Errorf("column %d: %s%s", at.Column+1, at.Message, hint(src, at.Message))
	}
	return nil, err
}

// errorAt says where in the text the mistake is.
func errorAt(n ast.Node, format string, args ...any) error {
	return fmt.Errorf("column %d: %w", n.Location().From+1, fmt.Errorf(format, args...))
}

func (c *compiler) compile(n ast.Node) (node, error) {
	c.nodes++
	switch n := n.(type) {
	case *ast.NilNode:
		return constant(nil), nil
	case *ast.BoolNode:
		return constant(n.Value), nil
	case *ast.IntegerNode:
		return constant(int64(n.Value)), nil
	case *ast.FloatNode:
		return constant(n.Value), nil
	case *ast.StringNode:
		return constant(n.Value), nil
	case *ast.IdentifierNode:
		return c.identifier(n)
	case *ast.PointerNode:
		return c.pointer(n)
	case *ast.ChainNode:
		return c.compile(n.Node)
	case *ast.MemberNode:
		return c.member(n)
	case *ast.SliceNode:
		return c.slice(n)
	case *ast.UnaryNode:
		return c.unary(n)
	case *ast.BinaryNode:
		return c.binary(n)
	case *ast.ConditionalNode:
		return c.conditional(n)
	case *ast.CallNode:
		return c.call(n)
	case *ast.BuiltinNode:
		return c.closure(n)
	case *ast.VariableDeclaratorNode:
		return c.let(n)
	case *ast.ArrayNode:
		return c.array(n)
	case *ast.MapNode:
		return c.object(n)
	case *ast.SequenceNode:
		return nil, errorAt(n, "one expression is wanted: write && between conditions instead of ;")
	}
	return nil, errorAt(n, "%s is not part of the language here", n.String())
}

func constant(v any) node { return func(*frame) any { return v } }

// all compiles each of ns.
func (c *compiler) all(ns []ast.Node) ([]node, error) {
	out := make([]node, len(ns))
	for i, n := range ns {
		var err error
		if out[i], err = c.compile(n); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (c *compiler) conditional(n *ast.ConditionalNode) (node, error) {
	parts, err := c.all([]ast.Node{n.Cond, n.Exp1, n.Exp2})
	if err != nil {
		return nil, err
	}
	cond, yes, no := parts[0], parts[1], parts[2]
	return func(f *frame) any {
		switch truthy(cond(f)) {
		case True:
			return yes(f)
		case False:
			return no(f)
		}
		// It does not matter what the condition is if both come to the same.
		if v := yes(f); same(v, no(f), f) == True {
			return v
		}
		return Unknown
	}, nil
}

func (c *compiler) let(n *ast.VariableDeclaratorNode) (node, error) {
	if err := c.freeName(n.Name); err != nil {
		return nil, errorAt(n, "%w", err)
	}
	value, err := c.compile(n.Value)
	if err != nil {
		return nil, err
	}
	slot := c.expr.lets
	c.expr.lets++
	c.lets = append(c.lets, variable{n.Name, slot})
	body, err := c.compile(n.Expr)
	c.lets = c.lets[:len(c.lets)-1]
	if err != nil {
		return nil, err
	}
	return func(f *frame) any {
		f.lets[slot] = value(f)
		return body(f)
	}, nil
}

// freeName says what is wrong with name as the name of a variable.
func (c *compiler) freeName(name string) error {
	if _, taken := environments[c.env][name]; taken {
		return fmt.Errorf("let %s: the name is taken; choose another", name)
	}
	if _, taken := functions[name]; taken {
		return fmt.Errorf("let %s: there is a function of that name; choose another", name)
	}
	return nil
}

func (c *compiler) array(n *ast.ArrayNode) (node, error) {
	elements, err := c.all(n.Nodes)
	if err != nil {
		return nil, err
	}
	return func(f *frame) any {
		if !f.spend(len(elements)) {
			return Unknown
		}
		out := make([]any, len(elements))
		for i, e := range elements {
			out[i] = plain(e(f))
		}
		return out
	}, nil
}

func (c *compiler) object(n *ast.MapNode) (node, error) {
	keys, values := make([]node, len(n.Pairs)), make([]node, len(n.Pairs))
	for i, p := range n.Pairs {
		pair, ok := p.(*ast.PairNode)
		if !ok {
			return nil, errorAt(p, "write an object as {\"key\": value}")
		}
		both, err := c.all([]ast.Node{pair.Key, pair.Value})
		if err != nil {
			return nil, err
		}
		keys[i], values[i] = both[0], both[1]
	}
	return func(f *frame) any {
		if !f.spend(len(keys)) {
			return Unknown
		}
		out := make(map[string]any, len(keys))
		for i := range keys {
			k := f.text(keys[i](f))
			if k == nil || IsUnknown(k) {
				return Unknown
			}
			out[k.(string)] = plain(values[i](f))
		}
		return out
	}, nil
}

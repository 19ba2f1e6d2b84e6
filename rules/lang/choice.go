package lang

import "github.com/expr-lang/expr/ast"

// choice is an expression that comes to one of two others.
type choice struct {
	cond    *Expr // nil: yes, unless that is null
	yes, no *Expr
}

// choiceOf returns what n is a choice between; nil if it is none.
func choiceOf(src string, n ast.Node, env Environment) (*choice, error) {
	var cond, yes, no ast.Node
	switch n := inner(n).(type) {
	case *ast.ConditionalNode:
		cond, yes, no = n.Cond, n.Exp1, n.Exp2
	case *ast.BinaryNode:
		if n.Operator == "??" {
			yes, no = n.Left, n.Right
		}
	}
	if yes == nil {
		return nil, nil
	}
	c := &choice{}
	for _, part := range []struct {
		to   **Expr
		tree ast.Node
	}{{&c.cond, cond}, {&c.yes, yes}, {&c.no, no}} {
		if part.tree == nil {
			continue
		}
		x, err := compileTree(src, part.tree, env)
		if err != nil {
			return nil, err
		}
		*part.to = x
	}
	return c, nil
}

// of returns what is chosen; nil if that cannot be told.
func (c *choice) of(v Vars, change *Change) (*Expr, error) {
	if c.cond == nil {
		value, err := c.yes.Eval(v, change)
		if value != nil {
			return c.yes, err
		}
		return c.no, err
	}
	truth, err := c.cond.Truth(v, change)
	switch truth {
	case True:
		return c.yes, err
	case False:
		return c.no, err
	}
	return nil, err
}

package lang

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"

	"github.com/sidehook/sidehook/webhook"
)

// The values of operation. No rule is about a gap.
var (
	operations    = []string{string(webhook.Created), string(webhook.Updated), string(webhook.Deleted), string(webhook.Called)}
	allOperations = append(slices.Clone(operations), string(webhook.Missed))
)

// compared are the operators that test a value against others.
var compared = []string{"==", "!=", "<", "<=", ">", ">=", "in"}

// constants is an error if n compares what is known of every call with a
// constant that it can never be.
func (c *compiler) constants(n *ast.BinaryNode) error {
	if !slices.Contains(compared, n.Operator) {
		return nil
	}
	left, isText := inner(n.Left).(*ast.StringNode)
	if _, fixed := literal(n.Right); isText && fixed {
		return errorAt(n.Left, "%s is a text that is written out, and so is what it is compared with: write the name of a value without quotes, like entity.status", left)
	}
	if n.Operator == "==" || n.Operator == "in" {
		c.noteStatus(n.Left, n.Right)
		c.noteStatus(n.Right, n.Left)
	}
	if err := c.against(n.Left, n.Right); err != nil || n.Operator == "in" {
		return err
	}
	return c.against(n.Right, n.Left)
}

// noteStatus notes the numbers that subject, if it is response.status, may be.
func (c *compiler) noteStatus(subject, constant ast.Node) {
	root, path, ok := plainPath(subject)
	if !ok || c.isLet(root) || root != "response" || !slices.Equal(path.Names(), []string{"status"}) {
		return
	}
	for _, one := range oneOrAll(constant) {
		if v, ok := literal(one); ok {
			if n, ok := v.(int); ok {
				c.expr.statuses = append(c.expr.statuses, n)
			}
		}
	}
}

// oneOrAll returns the elements of a list that is written out, or n alone.
func oneOrAll(n ast.Node) []ast.Node {
	if all, ok := inner(n).(*ast.ArrayNode); ok {
		return all.Nodes
	}
	return []ast.Node{n}
}

// against is an error if subject can never be constant, or an element of it.
func (c *compiler) against(subject, constant ast.Node) error {
	root, path, ok := plainPath(subject)
	if !ok || c.isLet(root) {
		return nil
	}
	check := c.checkOf(root, path.Names())
	if check == nil {
		return nil
	}
	for _, one := range oneOrAll(constant) {
		v, ok := literal(one)
		if !ok {
			continue
		}
		if problem := check(v); problem != "" {
			return errorAt(one, "%s can never be %s: %s", subject, one, problem)
		}
	}
	return nil
}

// checkOf returns what says why a constant is never the value of a name of the
// environment, or of what is below it; nil where anything may be.
func (c *compiler) checkOf(root string, names []string) func(v any) string {
	_, holds := environments[c.env][root]
	if !holds {
		return nil
	}
	switch at := strings.Join(append([]string{root}, names[:min(1, len(names))]...), "."); {
	case at == "operation" || at == "event.operation":
		if c.env == EnvEvent {
			return operation(allOperations)
		}
		return operation(operations)
	case at == "response.status" && c.env != EnvEvent:
		return status
	case at == "request.method":
		return method
	case len(names) == 2 && slices.Contains([]string{"request.query", "request.header", "response.header"}, at),
		root == "params" && len(names) == 1:
		return onlyText
	}
	return nil
}

// literal returns the value of n if it is a constant other than nil.
func literal(n ast.Node) (v any, ok bool) {
	switch n := inner(n).(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.IntegerNode:
		return n.Value, true
	case *ast.FloatNode:
		return n.Value, true
	case *ast.BoolNode:
		return n.Value, true
	}
	return nil, false
}

func operation(known []string) func(v any) string {
	return func(v any) string {
		s, ok := v.(string)
		switch {
		case ok && slices.Contains(known, s):
			return ""
		case ok && nearest(s, known) != "":
			return fmt.Sprintf("did you mean %q?", nearest(s, known))
		}
		return `write one of "` + strings.Join(known, `", "`) + `"`
	}
}

func status(v any) string {
	switch v := v.(type) {
	case string:
		if _, err := strconv.Atoi(v); err == nil {
			return "it is a number: write " + v
		}
		return "it is a number: write one like 201, or >= 200 && … < 300"
	case bool:
		return "it is a number: write one like 201"
	}
	return ""
}

func method(v any) string {
	s, ok := v.(string)
	switch {
	case !ok:
		return `it is a text: write one like "POST"`
	case s != strings.ToUpper(s):
		return fmt.Sprintf("write %q", strings.ToUpper(s))
	}
	return ""
}

func onlyText(v any) string {
	if isText(v) {
		return ""
	}
	return fmt.Sprintf("it is a text: write %q, or int(…) around the name to compare it as a number", fmt.Sprint(v))
}

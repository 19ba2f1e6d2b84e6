package lang

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/sidehook/sidehook/webhook"
)

// Vars gives an expression the values of the names that it reads. Lookup is
// called at most once for each of them in an evaluation, and only if it is
// needed. It returns a value of the language, an [Object], or nil; int, uint64,
// []string, map[string]string and json.RawMessage are turned into values.
type Vars interface {
	Lookup(name string) any
}

// Change is what predicates look at.
type Change struct {
	Operation webhook.Operation

	// Before and After are decoded; nil: not there, [Unknown]: not known.
	Before, After any

	// Ignored reports whether changed() looks past a path; nil: past none.
	Ignored func(path string) bool

	// Key returns, for an array at path, the path of the key in its elements;
	// nil: no array has one.
	Key func(path string) (Path, bool)
}

// Bounds of one expression and of one evaluation of it.
const (
	MaxSource = 16 << 10 // bytes of text
	maxNodes  = 2_000
	MaxSteps  = 1 << 22 // nodes evaluated and values looked at; 8 bytes of text are one
)

// ErrTooMuch says that an evaluation reached its bound.
var ErrTooMuch = errors.New("the expression takes too long on this document")

// Expr is a compiled expression. It may be used by several goroutines.
type Expr struct {
	source string
	env    Environment
	run    node

	names    []string // read, in order of first use
	lets     int      // variables
	scopes   int      // depth of nested any(), filter()…
	nodes    int      // in its text
	regexps  int      // weight of its regular expressions
	compares bool     // has a predicate

	requestHeaders, responseHeaders []string

	statuses []int // that response.status is said to be, or to be among

	root string
	path Path
	bare bool

	listRoot string
	listPath Path
	lists    bool

	choice *choice // what x is a choice between; nil: it is none
}

// Compile reads src, or says what is wrong with it and what to write instead.
func Compile(src string, env Environment) (*Expr, error) {
	x, err := compile(src, env)
	if err != nil {
		return nil, fmt.Errorf("expression `%s`: %w", src, err)
	}
	return x, nil
}

// String returns the expression as it was written.
func (x *Expr) String() string { return x.source }

// Eval returns x's value; c may be nil outside rules. The only error is
// [ErrTooMuch].
func (x *Expr) Eval(v Vars, c *Change) (any, error) {
	f := frame{vars: v, change: c, expr: x, most: MaxSteps}
	out := f.run(x)
	if f.steps > f.most {
		return nil, fmt.Errorf("expression `%s`: %w", x.source, ErrTooMuch)
	}
	return out, nil
}

// TruthWithin is [Expr.Truth] with a bound of its own on the steps it takes, each
// of which costs some tens of nanoseconds at most. It returns how many it took:
// more than most if that was not enough, and then x is undecided.
func (x *Expr) TruthWithin(v Vars, c *Change, most int) (t Truth, steps int) {
	f := frame{vars: v, change: c, expr: x, most: min(most, MaxSteps)}
	out := f.run(x)
	if f.steps > f.most {
		return Undecided, most + 1
	}
	return truthy(out), f.steps
}

// Weight returns how large x is: the nodes of its text, how deep its loops are
// nested, and what its regular expressions weigh: the instructions that they are
// compiled to.
func (x *Expr) Weight() (nodes, loops, regexps int) {
	nodes = x.nodes
	if c := x.choice; c != nil { // compiled twice
		for _, part := range []*Expr{c.cond, c.yes, c.no} {
			if part != nil {
				more, _, _ := part.Weight()
				nodes += more
			}
		}
	}
	return nodes, x.scopes, x.regexps
}

// Truth returns x's value as a condition: only true is true.
func (x *Expr) Truth(v Vars, c *Change) (Truth, error) {
	out, err := x.Eval(v, c)
	if err != nil {
		return Undecided, err
	}
	return truthy(out), nil
}

// Reads returns the names that x may read, in order of first use.
func (x *Expr) Reads() []string { return slices.Clone(x.names) }

// ReadsBefore reports whether x depends on the state before: by before,
// previous, changes, or a predicate.
func (x *Expr) ReadsBefore() bool {
	return x.compares || slices.ContainsFunc(x.names, func(n string) bool {
		return n == "before" || n == "previous" || n == "changes"
	})
}

// Headers returns the canonical names of the request's and the response's
// header fields that x reads, sorted.
func (x *Expr) Headers() (request, response []string) {
	return slices.Clone(x.requestHeaders), slices.Clone(x.responseHeaders)
}

// CheckCondition is an error if x is the same value for all calls, and none that a
// condition has: a number, say, which is never true.
func (x *Expr) CheckCondition() error {
	if len(x.names) > 0 || x.compares {
		return nil
	}
	v, err := x.Eval(noVars{}, nil)
	if _, ok := v.(bool); ok || err != nil || IsUnknown(v) {
		return nil
	}
	if n, err := strconv.Atoi(x.source); err == nil && x.env == EnvSuccess {
		return fmt.Errorf("%d is no condition, and never true: write response.status == %[1]d", n)
	}
	return fmt.Errorf("%s is no condition, and never true: compare it with something, like entity.status == \"open\"", x.source)
}

// noVars has no names.
type noVars struct{}

// Lookup implements [Vars].
func (noVars) Lookup(string) any { return nil }

// HasStatus reports whether x names status: whether it asks if response.status is
// that number (==), or one of a list that has it (in).
func (x *Expr) HasStatus(status int) bool { return slices.Contains(x.statuses, status) }

// Branch returns the expression that x comes to: of a choice (a ? b : c, or
// a ?? b) what is chosen, and x itself if it is none or nothing decides it. So a
// chosen path is seen to be one.
func (x *Expr) Branch(v Vars, c *Change) (*Expr, error) {
	for x.choice != nil {
		chosen, err := x.choice.of(v, c)
		if err != nil {
			return nil, err
		}
		if chosen == nil {
			break
		}
		x = chosen
	}
	return x, nil
}

// PlainPath returns, if x is only a path, like entity.budget.total, its first
// name and the path below it.
func (x *Expr) PlainPath() (root string, p Path, ok bool) { return x.root, x.path, x.bare }

// Elements returns, if all that x can come to are elements of one array, in
// their order, like additions("labels"), filter(after.rows, .open) or after.rows,
// the array's name and the path below it.
func (x *Expr) Elements() (root string, p Path, ok bool) { return x.listRoot, x.listPath, x.lists }

package dialect

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/caddymodule/strict"
	"github.com/sidehook/sidehook/caddymodule/subscription"
	"github.com/sidehook/sidehook/caddymodule/words"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/rules/lang"
)

// field is a field of ours and where it comes from.
type field struct {
	names       []string // of ours, outermost first
	expr        *lang.Expr
	theirs      string // the name in the body, if it is simply that; {resource} stands for one
	one         bool   // it is a list of that alone
	perResource bool
}

// perResourceFields are those that may be otherwise for each resource.
var perResourceFields = slices.Sorted(slices.Values(slices.DeleteFunc(strict.Names(reflect.TypeFor[subscription.ForResource]()),
	func(name string) bool { return name == "filter" || name == "headers" })))

// field compiles one field of an action.
func (a *action) field(f rules.Field) (out field, err error) {
	out.names = strings.Split(f.Key, ".")
	if err := a.checkName(out.names[0]); err != nil {
		return out, err
	}
	if f.Expr == "" {
		return out, fmt.Errorf("it has no value: write an expression, like request.body.%s", out.names[0])
	}
	if out.expr, err = lang.Compile(f.Expr, lang.EnvDialect); err != nil {
		return out, err
	}
	reads := out.expr.Reads()
	if i := slices.Index(reads, "resource"); i >= 0 {
		if !slices.Contains(perResourceFields, out.names[0]) {
			return out, fmt.Errorf("it cannot differ by resource: only %s can", words.OrList(perResourceFields))
		}
		out.perResource = true
		reads = slices.Delete(reads, i, i+1)
	}
	out.theirs, out.one = passedOn(f.Expr)
	return out, onlyReads(reads)
}

// passed matches an expression that is a member of the body, and brackets those
// in it.
var (
	passed   = regexp.MustCompile(`^request\.body((?:\.\w+|\["[\w-]+"\]|\[resource\])+)$`)
	brackets = strings.NewReplacer(`["`, ".", `"]`, "", "[resource]", ".{resource}")
)

// passedOn returns the name of the member of the body that expr passes on as it
// came, "" if it does not; one says that it makes a list of it.
func passedOn(expr string) (theirs string, one bool) {
	expr = strings.TrimSpace(expr)
	if inner, is := strings.CutPrefix(expr, "[request.body"); is {
		expr, one = "request.body"+strings.TrimSuffix(inner, "]"), true
	}
	m := passed.FindStringSubmatch(expr)
	if m == nil {
		return "", false
	}
	return strings.TrimPrefix(brackets.Replace(m[1]), "."), one
}

func (a *action) checkName(name string) error {
	if name == "filter" {
		return fmt.Errorf("no filter is made of what a subscriber sends: write filter EXPR, over the event and subscription.options")
	}
	known := a.fields
	if known == nil {
		known = append(slices.DeleteFunc(slices.Clone(subscription.CallerFields), func(f string) bool { return f == "filter" }), "secret", subscription.Insecure)
		if a.status {
			known = append(known, "status")
		}
		slices.Sort(known)
	}
	if slices.Contains(known, name) {
		return nil
	}
	if len(known) == 0 {
		return fmt.Errorf("this action takes no fields")
	}
	return fmt.Errorf("there is no such field: there are %s", words.OrList(known))
}

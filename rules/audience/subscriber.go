// Package audience answers which subscriptions want an event, and what each is sent of it.
// It sees nothing but the event: how it came about is no matter here.
//
// Begin with [Subscribers]. Want (want.go) asks those that may want an event, which an
// index by tenant and scope finds (audience.go); each is then asked by its filter, its
// on_change and its skip keys (subscriber.go). Judge (judgement.go) asks all of them, and
// says why. Render (render.go) makes the payload.
package audience

import (
	"fmt"
	"slices"

	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/rules/mapping"
	"github.com/sidehook/sidehook/rules/payload"
	"github.com/sidehook/sidehook/webhook"
)

// subscriber is a subscription, compiled.
type subscriber struct {
	*webhook.Subscription
	filter   *lang.Expr
	onChange lang.Globs
	shape    payload.Shape
	of       map[string]*subscriber // what it is for some resources, where that is something else
	place    uint64                 // in the order in which they were given
	broken   error                  // of one made through the API: why nothing can be rendered for it
}

// Check returns an error that says what is wrong with sub, or nil.
func Check(sub *webhook.Subscription, payloads map[string]mapping.Payload) error {
	bodies, err := payload.CompileAll(payloads)
	if err != nil {
		return err
	}
	_, err = compileSubscription(sub, bodies)
	return err
}

// compileSubscription always returns a subscriber, as far as it compiles.
func compileSubscription(sub *webhook.Subscription, bodies payload.Bodies) (*subscriber, error) {
	c := &subscriber{Subscription: sub}
	wrap := func(option string, err error) error {
		return fmt.Errorf("subscription %s: %s: %w", sub.ID, option, err)
	}
	if len(sub.Scopes) == 0 {
		return c, wrap("scopes", fmt.Errorf("there are none: write scopes project.** or scopes **"))
	}
	var err error
	for _, p := range sub.Scopes {
		if err := p.Check(); err != nil {
			return c, fmt.Errorf("subscription %s: %w", sub.ID, err)
		}
	}
	if sub.Filter != "" {
		if c.filter, err = lang.Compile(sub.Filter, lang.EnvEvent); err != nil {
			return c, wrap("filter", err)
		}
	}
	if c.onChange, err = lang.ParseGlobs(sub.OnChange); err != nil {
		return c, wrap("on_change", err)
	}
	if c.shape, err = payload.Compile(sub, bodies, wrap); err != nil {
		return c, err
	}
	for resource, v := range sub.For {
		if c.of == nil {
			c.of = make(map[string]*subscriber, len(sub.For))
		}
		if c.of[resource], err = compileSubscription(v, bodies); err != nil {
			return c, fmt.Errorf("for %s: %w", resource, err)
		}
	}
	return c, payload.CheckTemplates(sub, wrap)
}

// as returns what c is for the events of a resource.
func (c *subscriber) as(resource string) *subscriber {
	if c.of == nil || c.broken != nil {
		return c
	}
	if v := c.of[resource]; v != nil {
		return v
	}
	return c
}

// concerned reports whether on_change names one of e's changes.
func (c *subscriber) concerned(e *webhook.Event) lang.Truth {
	if len(c.onChange) == 0 || e.Operation != webhook.Updated {
		return lang.True
	}
	if !payload.BeforeKnown(e) {
		return lang.Undecided
	}
	for _, change := range e.Changes {
		if c.onChange.Match(change.Path) || changedWithin(change, c.onChange) {
			return lang.True
		}
	}
	if slices.ContainsFunc(e.Provenance.Unknown, func(p string) bool { return fieldsTouch(p, c.onChange) }) {
		return lang.Undecided
	}
	return lang.False
}

// changedWithin looks into a change of a whole object for the paths below it
// that globs select.
func changedWithin(change webhook.FieldChange, globs lang.Globs) bool {
	rest, _ := globs.Below(change.Path)
	if len(rest) == 0 {
		return false
	}
	before, _ := lang.Decode(payload.Select(nil, change.Old, rest))
	after, _ := lang.Decode(payload.Select(nil, change.New, rest))
	return !lang.Equal(before, after)
}

// fieldsTouch reports whether globs select path, something in it, or something
// that contains it.
func fieldsTouch(path string, globs lang.Globs) bool {
	rest, whole := globs.Below(path)
	return whole || len(rest) > 0
}

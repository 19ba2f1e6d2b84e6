package rules

import (
	"fmt"
	"slices"

	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/webhook"
)

// subscriber is a subscription, compiled.
type subscriber struct {
	*webhook.Subscription
	filter   *lang.Expr
	onChange lang.Globs
	fields   lang.Globs
	body     body
	of       map[string]*subscriber // what it is for some resources, where that is something else
	place    uint64                 // in the order in which they were given
	broken   error                  // of one made through the API: why nothing can be rendered for it
}

// CheckSubscription returns an error that says what is wrong with sub, or nil.
func CheckSubscription(sub *webhook.Subscription, payloads map[string]Payload) error {
	bodies, err := compilePayloads(payloads)
	if err != nil {
		return err
	}
	_, err = compileSubscription(sub, bodies)
	return err
}

// compileSubscription always returns a subscriber, as far as it compiles.
func compileSubscription(sub *webhook.Subscription, bodies map[string]body) (*subscriber, error) {
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
	if c.fields, err = lang.ParseGlobs(sub.Fields); err != nil {
		return c, wrap("fields", err)
	}
	if c.body, err = findBody(sub.Payload, bodies); err != nil {
		return c, wrap("payload", err)
	}
	if err := CheckShape(sub.Payload, sub.ContentType, sub.Chunk); err != nil {
		return c, wrap("payload", err)
	}
	switch sub.ContentType {
	case "", contentJSON, contentForm:
	default:
		return c, wrap("content_type", fmt.Errorf("%q: write json or form", sub.ContentType))
	}
	for resource, v := range sub.For {
		if c.of == nil {
			c.of = make(map[string]*subscriber, len(sub.For))
		}
		if c.of[resource], err = compileSubscription(v, bodies); err != nil {
			return c, fmt.Errorf("for %s: %w", resource, err)
		}
	}
	return c, checkTemplates(sub, wrap)
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
	if !beforeKnown(e) {
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

// beforeKnown reports whether an update says what it changed.
func beforeKnown(e *webhook.Event) bool { return e.Before != nil || len(e.Changes) > 0 }

// changedWithin looks into a change of a whole object for the paths below it
// that globs select.
func changedWithin(change webhook.FieldChange, globs lang.Globs) bool {
	rest, _ := globsBelow(change.Path, globs)
	if len(rest) == 0 {
		return false
	}
	before, _ := lang.Decode(projectFields(nil, change.Old, rest))
	after, _ := lang.Decode(projectFields(nil, change.New, rest))
	return !lang.Equal(before, after)
}

// fieldsTouch reports whether globs select path, something in it, or something
// that contains it.
func fieldsTouch(path string, globs lang.Globs) bool {
	rest, whole := globsBelow(path, globs)
	return whole || len(rest) > 0
}

// globsBelow returns what globs select below path; whole says all of it.
func globsBelow(path string, globs lang.Globs) (rest lang.Globs, whole bool) {
	p, err := lang.ParsePath(path)
	if err != nil {
		return globs, path == "" && len(globs) > 0
	}
	for !p.IsRoot() && len(globs) > 0 {
		var name string
		name, p = p.Cut()
		if globs, whole = globs.Step(name); whole {
			return nil, true
		}
	}
	return globs, false
}

package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/webhook"
)

// Subscribers answers which subscriptions want an event, and what its payload
// says to each. It is read-only; a changed subscription needs a new one. It may
// be used by several goroutines.
type Subscribers struct {
	all  []*subscriber
	byID map[webhook.SubscriptionID]*subscriber

	// Indexes into all, ascending: by exact scope, by the first part of
	// patterns such as project.**, and those of patterns such as *.created.
	exact map[string][]int
	first map[string][]int
	any   []int
}

// subscriber is a subscription, compiled.
type subscriber struct {
	*webhook.Subscription
	filter   *lang.Expr
	onChange lang.Globs
	fields   lang.Globs
	body     body
	of       map[string]*subscriber // what it is for some resources, where that is something else
	broken   error                  // of one made through the API: why nothing can be rendered for it
}

// Want is one subscription that wants an event.
type Want struct {
	Subscription *webhook.Subscription

	// Unjudged says that the filter or on_change read something unknown, and so
	// let the event through.
	Unjudged bool
}

// NewSubscribers compiles subs. An error names the subscription of the
// configuration and the option, and says what to write. A subscription made
// through the API that does not compile (any more) is no error: what it selects
// is still owed to it, unjudged, and rendering for it fails; see
// [CheckSubscription].
func NewSubscribers(subs []*webhook.Subscription, payloads map[string]Payload) (*Subscribers, error) {
	bodies, err := compilePayloads(payloads)
	if err != nil {
		return nil, err
	}
	s := &Subscribers{
		byID:  make(map[webhook.SubscriptionID]*subscriber, len(subs)),
		exact: map[string][]int{},
		first: map[string][]int{},
	}
	for i, sub := range subs {
		c, err := compileSubscription(sub, bodies)
		if err != nil {
			if sub.Static {
				return nil, err
			}
			c.broken = err
		}
		if s.byID[sub.ID] != nil {
			return nil, fmt.Errorf("subscription %s: there are two of that name", sub.ID)
		}
		s.all = append(s.all, c)
		s.byID[sub.ID] = c
		s.index(i, sub.Scopes)
	}
	return s, nil
}

// Has reports whether s knows a subscription.
func (s *Subscribers) Has(id webhook.SubscriptionID) bool { return s.byID[id] != nil }

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

// index files subscription i under the scopes that it may want.
func (s *Subscribers) index(i int, scopes []webhook.Pattern) {
	file := func(list []int) []int {
		if len(list) > 0 && list[len(list)-1] == i {
			return list
		}
		return append(list, i)
	}
	for _, p := range scopes {
		first := firstPart(string(p))
		switch {
		case !p.Wild():
			// A pattern's separators match either way, so one spelling is filed.
			scope := strings.ReplaceAll(string(p), "/", ".")
			s.exact[scope] = file(s.exact[scope])
		case strings.Contains(first, "*"):
			s.any = file(s.any)
		default:
			s.first[first] = file(s.first[first])
		}
	}
}

func firstPart(scope string) string {
	if i := strings.IndexAny(scope, "./"); i >= 0 {
		return scope[:i]
	}
	return scope
}

// Want returns the subscriptions that want e, in the order in which they were
// given: those whose scopes select it, that may see it, that do not skip the
// key of its call, whose on_change one of its changes concerns (updates only),
// and whose filter holds. What cannot be judged, because it depends on
// something unknown or takes too long, lets the event through. Events of a dry
// run want nobody. There is no error today.
func (s *Subscribers) Want(e *webhook.Event) ([]Want, error) {
	if e.DryRun {
		return nil, nil
	}
	var wants []Want
	var vars *eventVars // one for all, so that nothing is decoded twice
	filed := s.filed(e.Scope)
	for c := s.next(&filed); c != nil; c = s.next(&filed) {
		if !c.Wants(e.Scope) || !c.Sees(e) {
			continue
		}
		if c = c.as(e.Key.Resource); c.Skips(e.SkipKey) {
			continue
		}
		if vars == nil && c.filter != nil {
			vars = &eventVars{event: e, judging: true}
		}
		switch c.judge(e, vars) {
		case lang.True:
			wants = append(wants, Want{Subscription: c.Subscription})
		case lang.Undecided:
			wants = append(wants, Want{Subscription: c.Subscription, Unjudged: true})
		}
	}
	return wants, nil
}

// Wanted is [Subscribers.Want] for one subscription.
func (s *Subscribers) Wanted(e *webhook.Event, id webhook.SubscriptionID) (w Want, wanted bool, err error) {
	c := s.byID[id]
	if c == nil || !c.Wants(e.Scope) || !c.Sees(e) {
		return w, false, nil
	}
	wants, err := s.Want(e)
	for _, w := range wants {
		if w.Subscription.ID == id {
			return w, true, err
		}
	}
	return w, false, err
}

// filed returns the lists in which the subscribers are that may want scope.
func (s *Subscribers) filed(scope string) [3][]int {
	exact := s.exact[scope]
	if strings.Contains(scope, "/") {
		exact = s.exact[strings.ReplaceAll(scope, "/", ".")]
	}
	return [3][]int{exact, s.first[firstPart(scope)], s.any}
}

// next takes the first subscriber off lists, nil if there is none left.
func (s *Subscribers) next(lists *[3][]int) *subscriber {
	next := len(s.all)
	for _, l := range lists {
		if len(l) > 0 {
			next = min(next, l[0])
		}
	}
	if next == len(s.all) {
		return nil
	}
	for i, l := range lists {
		if len(l) > 0 && l[0] == next {
			lists[i] = l[1:]
		}
	}
	return s.all[next]
}

// judge applies on_change and filter, which reads vars.
func (c *subscriber) judge(e *webhook.Event, vars *eventVars) lang.Truth {
	if c.broken != nil {
		return lang.Undecided
	}
	t := c.concerned(e)
	if t == lang.False || c.filter == nil {
		return t
	}
	vars.sub = c.Subscription
	passes, err := c.filter.Truth(vars, nil)
	if err != nil {
		passes = lang.Undecided
	}
	return t.And(passes)
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

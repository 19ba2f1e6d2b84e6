package rules

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"

	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/webhook"
)

// Subscribers answers which subscriptions want an event, and what its payload
// says to each. It is read-only: a changed subscription needs a new one, which
// [Subscribers.With] makes of it at little cost, however many there are. It may
// be used by several goroutines.
type Subscribers struct {
	bodies    map[string]body
	last      uint64 // place of the one that was added last
	byID      [shards]map[webhook.SubscriptionID]*subscriber
	audiences [shards]map[string]*audience // by tenant
}

// shards is in how many parts what there is of all subscriptions is kept: a
// change copies one of them.
const shards = 256

func shardOf(text string) int {
	h := fnv.New32a()
	h.Write([]byte(text))
	return int(h.Sum32() % shards)
}

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

// Want is one subscription that wants an event.
type Want struct {
	Subscription *webhook.Subscription

	// Unjudged says that the filter or on_change read something unknown, and so
	// let the event through.
	Unjudged bool

	by *subscriber
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
	s := &Subscribers{bodies: bodies}
	for _, sub := range subs {
		if s.find(sub.ID) != nil {
			return nil, fmt.Errorf("subscription %s: there are two of that name", sub.ID)
		}
		c, err := s.add(sub, nil)
		if err != nil {
			return nil, err
		}
		n := shardOf(sub.Tenant)
		if s.audiences[n][sub.Tenant] == nil {
			put(&s.audiences[n], sub.Tenant, (*audience)(nil).clone())
		}
		s.audiences[n][sub.Tenant].append(c)
	}
	return s, nil
}

// With returns s with sub in it, in the place of the one of that id if there is
// one, else behind all others. Errors are as those of [NewSubscribers].
func (s *Subscribers) With(sub *webhook.Subscription) (*Subscribers, error) {
	out := s.apart(sub.ID)
	was := out.find(sub.ID)
	if was != nil {
		out.forget(was)
	}
	c, err := out.add(sub, was)
	if err != nil {
		return nil, err
	}
	out.audience(sub.Tenant, func(a *audience) { a.add(c) })
	return out, nil
}

// Without returns s without the subscription of an id.
func (s *Subscribers) Without(id webhook.SubscriptionID) *Subscribers {
	out := s.apart(id)
	if was := out.find(id); was != nil {
		out.forget(was)
	}
	return out
}

// apart returns a copy of s in which what is known of id may be changed.
func (s *Subscribers) apart(id webhook.SubscriptionID) *Subscribers {
	out := *s
	n := shardOf(string(id))
	out.byID[n] = maps.Clone(out.byID[n])
	return &out
}

// add compiles sub and makes it known in s, in the place of another if that is
// not nil; it has no audience yet.
func (s *Subscribers) add(sub *webhook.Subscription, was *subscriber) (*subscriber, error) {
	c, err := compileSubscription(sub, s.bodies)
	if err != nil {
		if sub.Static {
			return nil, err
		}
		c.broken = err
	}
	if was != nil {
		c.place = was.place
	} else {
		s.last++
		c.place = s.last
	}
	put(&s.byID[shardOf(string(sub.ID))], sub.ID, c)
	return c, nil
}

// forget takes c out of s.
func (s *Subscribers) forget(c *subscriber) {
	delete(s.byID[shardOf(string(c.ID))], c.ID)
	s.audience(c.Tenant, func(a *audience) { a.remove(c) })
}

// audience replaces the audience of a tenant by a copy that change has changed.
func (s *Subscribers) audience(tenant string, change func(*audience)) {
	n := shardOf(tenant)
	all := maps.Clone(s.audiences[n])
	a := all[tenant].clone()
	if change(a); a.size == 0 {
		delete(all, tenant)
	} else {
		put(&all, tenant, a)
	}
	s.audiences[n] = all
}

func put[K comparable, V any](m *map[K]V, k K, v V) {
	if *m == nil {
		*m = map[K]V{}
	}
	(*m)[k] = v
}

// find returns the subscriber of an id, or nil.
func (s *Subscribers) find(id webhook.SubscriptionID) *subscriber {
	return s.byID[shardOf(string(id))][id]
}

// all returns all subscribers, in the order in which they were given.
func (s *Subscribers) all() (list []*subscriber) {
	for _, part := range s.byID {
		for _, c := range part {
			list = append(list, c)
		}
	}
	slices.SortFunc(list, byPlace)
	return list
}

func byPlace(a, b *subscriber) int { return cmp.Compare(a.place, b.place) }

// Has reports whether s knows a subscription.
func (s *Subscribers) Has(id webhook.SubscriptionID) bool { return s.find(id) != nil }

// Subscription returns the subscription of an id, nil if s does not know it.
func (s *Subscribers) Subscription(id webhook.SubscriptionID) *webhook.Subscription {
	if c := s.find(id); c != nil {
		return c.Subscription
	}
	return nil
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

package audience

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"

	"github.com/sidehook/sidehook/rules/mapping"
	"github.com/sidehook/sidehook/rules/payload"
	"github.com/sidehook/sidehook/webhook"
)

// Subscribers answers which subscriptions want an event, and what its payload
// says to each. It is read-only: a changed subscription needs a new one, which
// [Subscribers.With] makes of it at little cost, however many there are. It may
// be used by several goroutines.
type Subscribers struct {
	bodies    payload.Bodies
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

// Want is one subscription that wants an event.
type Want struct {
	Subscription *webhook.Subscription

	// Unjudged says that the filter or on_change read something unknown, and so
	// let the event through.
	Unjudged bool

	by *subscriber
}

// New compiles subs. An error names the subscription of the
// configuration and the option, and says what to write. A subscription made
// through the API that does not compile (any more) is no error: what it selects
// is still owed to it, unjudged, and rendering for it fails; see
// [Check].
func New(subs []*webhook.Subscription, payloads map[string]mapping.Payload) (*Subscribers, error) {
	bodies, err := payload.CompileAll(payloads)
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
// one, else behind all others. Errors are as those of [New].
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

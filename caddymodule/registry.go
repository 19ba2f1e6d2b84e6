package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// maxKept bounds the subscriptions made through the API: each is held in memory,
// and a change looks at all.
const maxKept = 10_000

// errTooMany says that there are maxKept.
var errTooMany = fmt.Errorf("there are %d subscriptions, as many as there may be: delete one first", maxKept)

// keptList is all kept subscriptions. It is replaced, never changed; nil is
// empty.
type keptList struct {
	byID map[webhook.SubscriptionID]*keptSubscription
}

// get returns one, deleted or not, or nil.
func (l *keptList) get(id webhook.SubscriptionID) *keptSubscription {
	if l == nil {
		return nil
	}
	return l.byID[id]
}

// all returns those that are not deleted, oldest first.
func (l *keptList) all() (list []*keptSubscription) {
	if l == nil {
		return nil
	}
	for _, k := range l.byID {
		if k.sub != nil {
			list = append(list, k)
		}
	}
	slices.SortFunc(list, func(a, b *keptSubscription) int { return int(a.sub.Number) - int(b.sub.Number) })
	return list
}

// inUse returns those that are not deleted, as subscriptions.
func (l *keptList) inUse() (subs []*webhook.Subscription) {
	for _, k := range l.all() {
		subs = append(subs, k.sub)
	}
	return subs
}

// put returns a list with k in it.
func (l *keptList) put(k *keptSubscription) *keptList {
	out := &keptList{byID: map[webhook.SubscriptionID]*keptSubscription{}}
	if l != nil {
		out.byID = maps.Clone(l.byID)
	}
	out.byID[k.ID] = k
	return out
}

// without returns a list that does not have id.
func (l *keptList) without(id webhook.SubscriptionID) *keptList {
	out := &keptList{byID: maps.Clone(l.byID)}
	delete(out.byID, id)
	return out
}

// deleted returns those that are deleted and not forgotten yet.
func (l *keptList) deleted() (list []*keptSubscription) {
	if l == nil {
		return nil
	}
	for _, k := range l.byID {
		if !k.Deleted.IsZero() {
			list = append(list, k)
		}
	}
	return list
}

// openKept reads the kept subscriptions, and seals them anew if they are not
// sealed as s does. e.mu is held.
func (e *engine) openKept(ctx context.Context, s *sealer) error {
	now := time.Now()
	if e.kept.Load() != nil {
		return e.sealAgain(ctx, s)
	}
	all, err := e.store.AllKept(ctx)
	if err != nil {
		return err
	}
	list, again := &keptList{byID: map[webhook.SubscriptionID]*keptSubscription{}}, false
	for _, k := range all {
		opened, other, err := openKept(k, s, now)
		if err != nil {
			return err
		}
		list.byID[k.ID], again = opened, again || other
	}
	e.kept.Store(list)
	if e.sealer = s; again {
		e.sealer = &sealer{} // some are plain
	}
	return e.sealAgain(ctx, s)
}

// sealAgain keeps all that is kept as s seals it.
func (e *engine) sealAgain(ctx context.Context, s *sealer) error {
	if e.sealer.same(s) {
		return nil
	}
	for _, k := range e.kept.Load().all() {
		next := *k
		next.Revision++
		sealed, err := next.seal(s)
		if err == nil {
			err = e.store.PutKept(ctx, sealed)
		}
		if err != nil {
			return fmt.Errorf("encrypt subscriptions with another encryption_key: %w", err)
		}
		e.kept.Store(e.kept.Load().put(&next))
	}
	e.sealer = s
	return nil
}

// putKept makes k durable and then true: its Revision must follow the one there
// is, or the error wraps [store.ErrChanged].
func (e *engine) putKept(ctx context.Context, k keptSubscription) (*keptSubscription, error) {
	ctx = context.WithoutCancel(ctx) // what is begun has an end that we know
	e.mu.Lock()
	defer e.mu.Unlock()
	now, list := time.Now().UTC(), e.kept.Load()
	was := list.get(k.ID)
	if k.Changed = now; was == nil {
		if len(list.all()) >= maxKept {
			return nil, errTooMany
		}
		k.Created = now
	}
	k.sub = nil
	if k.Deleted.IsZero() {
		k.sub = k.build(now)
	}
	states := e.deliverer.States()
	if err := e.numberKept(ctx, &k, was, &states); err != nil {
		return nil, err
	}
	next := list.put(&k)
	s, err := e.configs[len(e.configs)-1].with(next.inUse())
	if err != nil {
		return nil, err
	}
	sealed, err := k.seal(e.sealer)
	if err == nil {
		err = e.store.PutKept(ctx, sealed)
	}
	if err != nil {
		if was == nil {
			err = errors.Join(err, e.store.DropKept(ctx, k.ID))
		}
		return nil, err
	}
	if was == nil && e.sealer.aead == nil {
		e.plainly.Do(func() {
			e.logger.Warn("encryption_key is not set: subscriptions made through the API are kept with their secrets as they are; write encryption_key {env.NAME}")
		})
	}
	e.kept.Store(next)
	poke(e.tended)
	return &k, e.enforce(s, states)
}

// numberKept gives a new subscription its number and adds its state to states.
func (e *engine) numberKept(ctx context.Context, k, was *keptSubscription, states *[]webhook.SubscriptionState) error {
	if k.sub == nil {
		return nil
	}
	if was != nil && was.sub != nil {
		k.sub.Number = was.sub.Number
		return nil
	}
	st, err := e.store.PutState(ctx, webhook.NewState(k.ID, 0, time.Now()))
	if err != nil {
		return fmt.Errorf("keep subscription %s: %w", k.ID, err)
	}
	k.sub.Number, *states = st.Number, append(*states, st)
	return nil
}

// deleteKept deletes k. What it is owed is cancelled behind.
func (e *engine) deleteKept(ctx context.Context, k *keptSubscription) error {
	next := keptSubscription{Kept: k.Kept}
	next.Revision++
	next.Deleted = time.Now().UTC()
	_, err := e.putKept(ctx, next)
	return err
}

// poke fills a channel of one without waiting.
func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Package replay sends again what was recorded: one goroutine works off the replays of
// a store, slowly, in the order of the events, behind what is live.
//
// [Replays] has them all. It takes them in turns (turn.go): a turn makes some more
// deliveries of a replay due, as many as its rate and what its receiver has in flight allow,
// and keeps in the same commit how far it is, so that it goes on there after a restart.
// select.go chooses which deliveries these are, share.go divides a caller's rate among its
// replays, and end.go ends or cancels one.
package replay

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

const (
	// mostReplayed is how many deliveries of one replay are owed at once, those
	// that wait for another attempt included: a receiver that refuses them all
	// ends up with so many retries, not with all there ever was.
	mostReplayed = 100

	// Of the [view.MostReplays] that are known, as many are the operator's at any time as callers may not have, in
	// all; one caller may have some of them, and of those fewer that run.
	callersReplays = 400
	callerReplays  = 50
	runningReplays = 20

	// callerReplayed is how many deliveries all replays of one caller send in a second
	// at most, whatever their rates are: all its receivers may be one stranger's.
	callerReplayed = 200
)

// Store is what replays need of the store.
type Store interface {
	store.Replays
	Events(ctx context.Context, q store.EventQuery) ([]webhook.Event, error)
	EventHead(ctx context.Context, id webhook.EventID) (*webhook.Event, error)
	Delivery(ctx context.Context, id webhook.DeliveryID) (*webhook.Delivery, error)
	Deliveries(ctx context.Context, q store.DeliveryQuery) ([]webhook.Delivery, error)
	Settle(ctx context.Context, all ...webhook.Settlement) error
}

// Subscribers tells of the subscriptions that replays send to.
type Subscribers interface {
	// State returns how one stands; there is false if it was deleted.
	State(id webhook.SubscriptionID) (st webhook.SubscriptionState, there bool)

	// Now is the time by which a state says how long its subscription waits.
	Now() time.Time

	// Subscription returns one as it is in force; nil if it is not.
	Subscription(id webhook.SubscriptionID) *webhook.Subscription

	// Missed returns how one wants an event of which it was not told when that was
	// recorded; wanted is false if it does not want it, or may not be told of it.
	Missed(ev *webhook.Event, id webhook.SubscriptionID) (w rules.Want, wanted bool, err error)
}

// Replays are the replays of a store: what one goroutine works off.
type Replays struct {
	store Store
	to    Subscribers
	log   *slog.Logger
	wake  chan struct{}

	mu  sync.Mutex
	all []*Replay // oldest first
}

// New returns the replays of a store, none of which is read yet.
func New(s Store, to Subscribers, log *slog.Logger) *Replays {
	return &Replays{store: s, to: to, log: log, wake: make(chan struct{}, 1)}
}

// Replay is a replay, and what memory knows of one that runs.
type Replay struct {
	webhook.Replay
	Waits  string               // why it does not go on; "": it does
	Owed   []webhook.DeliveryID // that it made due, and that are not settled
	fresh  int                  // of owed, those that were not attempted yet
	found  bool                 // owed was looked for after a start
	tokens float64
	turn   time.Time // the last one; zero: none yet
}

// Load reads what replays there are.
func (p *Replays) Load(ctx context.Context) error {
	all, err := p.store.AllReplays(ctx)
	for _, r := range all {
		p.all = append(p.all, &Replay{Replay: r})
	}
	return err
}

// running returns those that go on.
func (p *Replays) running() (all []*Replay) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.all {
		if r.Status == webhook.ReplayRunning {
			all = append(all, r)
		}
	}
	return all
}

// Get returns the replay of an id as it is now.
func (p *Replays) Get(id webhook.ReplayID) (Replay, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.all {
		if r.ID == id {
			return *r, true
		}
	}
	return Replay{}, false
}

// List returns them as they are now, newest first.
func (p *Replays) List() (all []Replay) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range slices.Backward(p.all) {
		all = append(all, *r)
	}
	return all
}

// Start keeps r and lets it run. There is one at a time of a subscription.
func (p *Replays) Start(ctx context.Context, r webhook.Replay) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	drop, err := p.room(&r)
	if err != nil {
		return err
	}
	if drop >= 0 {
		if err := p.store.DropReplay(ctx, p.all[drop].ID); err != nil {
			return err
		}
		p.all = slices.Delete(p.all, drop, drop+1)
	}
	if _, err := p.store.PutReplay(ctx, r, time.Now().UTC()); err != nil {
		return err
	}
	p.all = append(p.all, &Replay{Replay: r, found: true})
	p.log.Info("replay begins", "replay", string(r.ID), "subscription", string(r.Subscription), "low", r.Low, "high", r.High, "asked", r.Asked)
	select {
	case p.wake <- struct{}{}:
	default:
	}
	return nil
}

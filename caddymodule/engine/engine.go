// Package engine is everything behind the request path, for one data directory: it
// wires journal, store, deriver and deliverer, lives across reloads, and keeps the
// subscriptions that are made through the API.
//
// A configuration is a [settings.Set]. It joins a [Place], one of [All], and is activated
// there on an [Engine] (activate.go), which is opened for it; while that cannot be opened,
// calls have its front (front.go, line.go; opening.go tries again). What it keeps beside is
// in a file each: registry.go and tend.go (kept subscriptions), erase.go, failing.go (who is
// told that a subscription fails).
package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sidehook/sidehook/caddymodule/eventtype"
	"github.com/sidehook/sidehook/caddymodule/kept"
	"github.com/sidehook/sidehook/caddymodule/look"
	"github.com/sidehook/sidehook/caddymodule/missed"
	"github.com/sidehook/sidehook/caddymodule/replay"
	"github.com/sidehook/sidehook/caddymodule/settings"
	"github.com/sidehook/sidehook/deliver"
	"github.com/sidehook/sidehook/derive"
	"github.com/sidehook/sidehook/internal/version"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/badger"
	"github.com/sidehook/sidehook/store/journal"
	"github.com/sidehook/sidehook/webhook"
)

// drainTime is how long attempts in flight may go on when the process stops;
// with what closing needs, shutdown stays within 5 s.
const drainTime = 3 * time.Second

// CloseTime is how long closing an engine takes at most.
const CloseTime = 5*time.Second - CallsTime

// finishTime is how long GETs on their way, and then what they told, are waited
// for.
const finishTime = time.Second

// CallsTime is how long calls in flight may go on when the process stops. That
// is Caddy's business and not ours: its grace_period, which has no end by
// default. With what closing needs (drainTime), shutdown stays within 5 s.
const CallsTime = time.Second

// Engine is everything behind the request path, for one data directory. It
// lives across reloads: a configuration is activated on it and taken off it.
type Engine struct {
	*front

	Store     store.Store
	Journal   *journal.Journal
	Deriver   *derive.Deriver
	Deliverer *deliver.Deliverer
	Learned   eventtype.Learned
	Replays   *replay.Replays
	erased    chan struct{} // something was, and may be in files still
	looker    look.Looker

	mu      sync.Mutex
	configs []*settings.Set              // activated, oldest first; the last one counts
	active  atomic.Pointer[settings.Set] // the last of configs; set before anything runs
	earlier atomic.Pointer[settings.Set] // what was active before, or nil
	coming  atomic.Pointer[settings.Set] // what is being put into force, or nil

	kept   atomic.Pointer[kept.List] // changed under mu; nil: not read yet
	sealer *kept.Sealer              // that kept was read, or sealed, with
	mixed  bool                      // some of kept are sealed otherwise
	tended chan struct{}             // kept has changed, or a subscription's status

	told map[webhook.ExchangeID]bool // what tend has told of failing subscriptions

	plainly  sync.Once  // says that what is kept is not encrypted
	examples sync.Mutex // held while one is made like an event, and while an entity is erased
	beside   sync.Map   // what users keep with it: its type -> it

	stopDeriving, stopDelivering, stopTicking context.CancelFunc
	deriving, delivering                      sync.WaitGroup
}

// openBehind opens the store, and makes of f, which is open, an engine. If it fails, f
// stays as it is.
func (f *front) openBehind() (e *Engine, err error) {
	e = &Engine{front: f, Journal: f.journal.Load(), tended: make(chan struct{}, 1), erased: make(chan struct{}, 1)}
	dir := filepath.Join(f.Dir, "store")
	if badger.IsNew(dir) && e.Journal.Stats().First > 1 { // calls that only the store knew
		e.missed.Lose(missed.ErrStoreAnew)
	}
	s, err := badger.Open(badger.Options{Dir: dir, Logger: e.Logger, Free: control.free})
	if err != nil {
		return nil, err
	}
	e.Store = s
	ahead, err := s.MarkedFrom(e.Journal.Own())
	if ahead {
		e.missed.Lose(missed.ErrJournalBehind)
	}
	if err == nil {
		err = e.load(context.Background())
	}
	if err != nil {
		return nil, errors.Join(err, e.Store.Close())
	}
	e.Deriver = derive.New(derive.Options{
		Journal: e.Journal, Store: e.Store, Traffic: e.traffic, Recovered: e.Journal.RecoveredEnd(),
		Want: e.want, Resources: e.resources, Observer: deriveObserver{e}, Logger: e.Logger,
		Service: func(x *webhook.Exchange) derive.Get { return e.Current().Handlers.Service(x) },
		Ahead:   e.ahead,
	})
	e.looker.Memory = e.Store
	e.looker.Items = func(ev *webhook.Event, name string) (*look.Item, string) { return e.Current().Handlers.Item(ev, name) }
	e.looker.ID = func(api, resource string, entity json.RawMessage) string {
		return e.Current().Handlers.IDIn(api, resource, entity)
	}
	reached, err := e.reached(context.Background())
	if err != nil {
		return nil, errors.Join(err, e.Store.Close())
	}
	e.Deliverer = deliver.New(deliver.Options{
		Queue: e.queue(), Renderer: e, States: e.Store, Observer: deliverObserver{e},
		Log: e.Logger, Version: version.Number, Drain: drainTime, Newest: e.Newest, Reached: reached, KeepClock: e.keepClock,
	})
	f.store.Store(&e.Store)
	return e, nil
}

// load reads what is kept in memory of the store.
func (e *Engine) load(ctx context.Context) error {
	// Marks that a crash left behind when their segment was gone already.
	if err := e.Store.DropMarksBelow(ctx, e.Journal.Stats().First); err != nil {
		return fmt.Errorf("forget old marks: %w", err)
	}
	e.Replays = replay.New(e.Store, replayedTo{e}, e.Logger)
	if err := e.Replays.Load(ctx); err != nil {
		return err
	}
	return e.Learned.Load(ctx, e.Store)
}

// abandon closes the store of an engine that was not started.
func (e *Engine) abandon() error {
	e.front.store.Store(nil)
	return e.Store.Close()
}

// start runs what works behind the request path. It is called once the first
// configuration is active, so that no event is recorded while nobody subscribes.
func (e *Engine) start() {
	var deriving, delivering, ticking context.Context
	deriving, e.stopDeriving = context.WithCancel(context.Background())
	delivering, e.stopDelivering = context.WithCancel(context.Background())
	ticking, e.stopTicking = context.WithCancel(deriving)
	e.deriving.Go(func() { e.Deriver.Run(deriving) })
	e.deriving.Go(func() { e.maintain(ticking) })
	e.deriving.Go(func() { e.tend(ticking) })
	e.deriving.Go(func() {
		e.Learned.Keep(ticking, func() eventtype.Earned { return e.Current() }, e.Store, func(err error) {
			e.Logger.Warn("what is known of event types is not kept", "error", err)
		})
	})
	e.deriving.Go(func() { e.Replays.Run(ticking) })
	e.deriving.Go(func() { e.runPurges(ticking) })
	e.missed.Resolve(e.resources())
	e.deriving.Go(func() { e.missed.Run(ticking, e.Deriver, e.Healthy) })
	e.delivering.Go(func() {
		if err := e.Deliverer.Run(delivering); err != nil {
			e.Logger.Error("attempts were made and could not be recorded; they will be made again", "error", err)
		}
	})
}

// close ends everything in the order in which data flows: no call is in
// flight any more, GETs on their way get a moment, what they told is recorded,
// and attempts in flight are awaited meanwhile. What is unfinished then is
// taken up by the next start.
func (e *Engine) close() {
	if e.stopDeriving != nil {
		e.stopDelivering()
	}
	e.traffic.Drain(finishTime)
	err := e.closeJournal() // the deriver ends when it has recorded what it has read
	if e.stopDeriving != nil {
		cut := time.AfterFunc(finishTime, e.stopDeriving)
		e.stopTicking()
		e.deriving.Wait()
		cut.Stop()
		e.stopDeriving()
		e.recordMissed()
		e.delivering.Wait()
	}
	if err := errors.Join(err, e.Store.Close(), e.front.close()); err != nil {
		e.Logger.Error("closing the store", "dir", e.Dir, "error", err)
	}
}

// recordMissed records what gaps are left, whatever the journal's health: the store may
// have room. What cannot be recorded is for the next process.
func (e *Engine) recordMissed() {
	ctx, cancel := context.WithTimeout(context.Background(), finishTime)
	defer cancel()
	e.missed.Record(ctx, e.Deriver)
	e.missed.Leave()
}

// Newest returns the position of the newest event.
func (e *Engine) Newest(ctx context.Context) (uint64, error) {
	s, err := e.Store.Stats(ctx)
	return s.Position, err
}

// Current returns the configuration in force.
func (e *Engine) Current() *settings.Set { return e.active.Load() }

// InForce returns the subscription of an id as it is delivered to now, of the
// configuration or kept; nil if there is none.
func (e *Engine) InForce(id webhook.SubscriptionID) *webhook.Subscription {
	return e.Current().Subscribers.Subscription(id)
}

// want implements derive's question who wants an event.
func (e *Engine) want(ev *webhook.Event) ([]rules.Want, error) {
	return e.Current().Subscribers.Want(ev)
}

// State returns the state of a subscription.
func (e *Engine) State(id webhook.SubscriptionID) webhook.SubscriptionState {
	st, _ := e.Deliverer.State(id)
	return st
}

// States returns the subscriptions' states by id.
func (e *Engine) States() map[webhook.SubscriptionID]webhook.SubscriptionState {
	byID := make(map[webhook.SubscriptionID]webhook.SubscriptionState)
	for _, s := range e.Deliverer.States() {
		byID[s.ID] = s
	}
	return byID
}

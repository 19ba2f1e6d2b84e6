package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sidehook/sidehook/caddymodule/credentials"
	"github.com/sidehook/sidehook/caddymodule/metrics"
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

// closeTime is how long closing an engine takes at most.
const closeTime = 5*time.Second - callsTime

// finishTime is how long GETs on their way, and then what they told, are waited
// for.
const finishTime = time.Second

// engineOptions are fixed when a directory is opened. Whatever a reload may
// change is in settings.
type engineOptions struct {
	Logger *slog.Logger
}

// engine is everything behind the request path, for one data directory. It
// lives across reloads: a configuration is activated on it and taken off it.
type engine struct {
	dir     string
	options engineOptions
	log     swapLogger
	logger  *slog.Logger // over log

	store     store.Store
	journal   *journal.Journal
	traffic   *derive.Traffic
	deriver   *derive.Deriver
	deliverer *deliver.Deliverer
	missed    missed
	missedAny bool // an earlier process missed calls, and it is not known to which resources
	captured  metrics.Captured
	learned   learned
	seeding   seeding
	full      atomic.Bool // the store takes more than store_max, and nothing may go
	replays   replays
	streaming atomic.Int32  // streams that are open
	erased    chan struct{} // something was, and may be in files still
	callers   *credentials.Hash
	looker    looker

	mu      sync.Mutex
	configs []*settings              // activated, oldest first; the last one counts
	active  atomic.Pointer[settings] // the last of configs; set before anything runs
	earlier atomic.Pointer[settings] // what was active before, or nil
	coming  atomic.Pointer[settings] // what is being put into force, or nil

	kept   atomic.Pointer[keptList] // changed under mu; nil: not read yet
	sealer *sealer                  // that kept was read, or sealed, with
	mixed  bool                     // some of kept are sealed otherwise
	tended chan struct{}            // kept has changed, or a subscription's status

	told map[webhook.ExchangeID]bool // what tend has told of failing subscriptions

	plainly  sync.Once     // says that what is kept is not encrypted
	looks    chan struct{} // of calls that go through events or deliveries
	examples sync.Mutex    // held while one is made like an event, and while an entity is erased
	tests    testPace      // of examples that callers send themselves
	creating sync.Map      // of an Idempotency-Key whose call is under way -> true

	stopDeriving, stopDelivering, stopTicking context.CancelFunc
	deriving, delivering                      sync.WaitGroup
}

// openEngine opens the store and the journal under dir and starts deriving and
// delivering. Until a configuration is activated nobody subscribes to anything
// new, and what is owed waits.
func openEngine(dir string, o engineOptions) (*engine, error) {
	e := &engine{dir: dir, options: o, log: newSwapLogger(o.Logger), traffic: derive.NewTraffic(), tended: make(chan struct{}, 1), erased: make(chan struct{}, 1),
		looks: make(chan struct{}, mostLooks)}
	e.logger = slog.New(e.log)
	var err error
	e.store, err = badger.Open(badger.Options{Dir: filepath.Join(dir, "store"), Logger: e.logger})
	if err != nil {
		return nil, err
	}
	e.journal, err = journal.Open(journal.Options{
		Dir: filepath.Join(dir, "journal"), Logger: e.logger, OnDropped: e.dropMarks,
	})
	if err != nil {
		return nil, errors.Join(err, e.store.Close())
	}
	// Marks that a crash left behind when their segment was gone already.
	if err := e.store.DropMarksBelow(context.Background(), e.journal.Stats().First); err != nil {
		return nil, errors.Join(fmt.Errorf("forget old marks: %w", err), e.journal.Close(), e.store.Close())
	}
	if err := e.replays.load(context.Background(), e.store); err != nil {
		return nil, errors.Join(err, e.journal.Close(), e.store.Close())
	}
	if err := e.learned.load(context.Background(), e.store); err != nil {
		return nil, errors.Join(err, e.journal.Close(), e.store.Close())
	}
	key, err := credentials.OpenKey(dir)
	if err != nil {
		e.logger.Error("a repeat of a call with an Idempotency-Key will not be recognised after the next start", "error", err)
	}
	e.callers = credentials.NewHash(key)
	unknown, err := e.missed.open(dir)
	if err != nil {
		e.logger.Error("missed calls cannot be noted on disk; should the process die while the journal is down, no gap tells of them", "error", err)
	}
	e.missedAny = unknown
	e.deriver = derive.New(derive.Options{
		Journal: e.journal, Store: e.store, Traffic: e.traffic, Recovered: e.journal.RecoveredEnd(),
		Want: e.want, Resources: e.resources, Service: e.service, Observer: deriveObserver{e}, Logger: e.logger,
	})
	e.looker.memory, e.looker.items, e.looker.id = e.store, e.items, e.idIn
	e.deliverer = deliver.New(deliver.Options{
		Queue: e.store, Renderer: e, States: e.store, Observer: deliverObserver{e},
		Log: e.logger, Version: version.Number, Drain: drainTime, Newest: e.newest,
	})
	return e, nil
}

// start runs what works behind the request path. It is called once the first
// configuration is active, so that no event is recorded while nobody subscribes.
func (e *engine) start() {
	var deriving, delivering, ticking context.Context
	deriving, e.stopDeriving = context.WithCancel(context.Background())
	delivering, e.stopDelivering = context.WithCancel(context.Background())
	ticking, e.stopTicking = context.WithCancel(deriving)
	e.deriving.Go(func() { e.deriver.Run(deriving) })
	e.deriving.Go(func() { e.maintain(ticking) })
	e.deriving.Go(func() { e.tend(ticking) })
	e.deriving.Go(func() { e.keepLearned(ticking) })
	e.deriving.Go(func() { e.runReplays(ticking) })
	e.deriving.Go(func() { e.runPurges(ticking) })
	if e.missedAny {
		e.missed.addAll(e.resources(), errMissedUnreadable)
	}
	e.deriving.Go(func() { e.missed.run(ticking, e) })
	e.delivering.Go(func() {
		if err := e.deliverer.Run(delivering); err != nil {
			e.logger.Error("attempts were made and could not be recorded; they will be made again", "error", err)
		}
	})
}

// close ends everything in the order in which data flows: no call is in
// flight any more, GETs on their way get a moment, what they told is recorded,
// and attempts in flight are awaited meanwhile. What is unfinished then is
// taken up by the next start.
func (e *engine) close() {
	if e.stopDeriving != nil {
		e.stopDelivering()
	}
	e.traffic.Drain(finishTime)
	err := e.journal.Close() // the deriver ends when it has recorded what it has read
	if e.stopDeriving != nil {
		cut := time.AfterFunc(finishTime, e.stopDeriving)
		e.stopTicking()
		e.deriving.Wait()
		cut.Stop()
		e.stopDeriving()
		e.missed.flush(e)
		e.delivering.Wait()
	}
	if err := errors.Join(err, e.missed.close(), e.store.Close()); err != nil {
		e.logger.Error("closing the store", "dir", e.dir, "error", err)
	}
}

// activate makes s the configuration that counts.
func (e *engine) activate(ctx context.Context, s *settings) error {
	for _, h := range s.handlers {
		if err := e.store.PutConfig(ctx, h.config, h.canonical); err != nil {
			return fmt.Errorf("keep the configuration of api %s: %w", h.program.API(), err)
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.openKept(ctx, s.sealer); err != nil {
		return err
	}
	first := len(e.configs) == 0 && e.stopDeriving == nil
	e.configs = append(e.configs, s)
	if err := e.apply(ctx); err != nil {
		e.configs = e.configs[:len(e.configs)-1]
		return err
	}
	if err := e.sealAgain(ctx, s.sealer); err != nil { // last: who starts again after a failure has the key of before
		return errors.Join(err, e.fallBack(len(e.configs)-1))
	}
	if first {
		e.sayStart(ctx)
		e.start()
	}
	return nil
}

// deactivate takes s off; the newest of the others counts again. The last one
// stays in force until the engine closes: calls may still be in flight.
func (e *engine) deactivate(s *settings) {
	e.mu.Lock()
	defer e.mu.Unlock()
	last := len(e.configs) - 1
	for i, c := range e.configs {
		if c == s && last > 0 {
			if err := e.fallBack(i); err != nil {
				e.logger.Error("going back to the earlier configuration", "error", err)
			}
			return
		}
	}
}

// fallBack takes the configuration at i off; the newest of the others, if there is
// one, counts again. e.mu is held.
func (e *engine) fallBack(i int) error {
	e.configs = append(e.configs[:i:i], e.configs[i+1:]...)
	last := len(e.configs) - 1
	if last < 0 {
		return nil
	}
	ctx := context.Background()
	return errors.Join(e.sealAgain(ctx, e.configs[last].sealer), e.apply(ctx))
}

// apply puts the newest configuration into force, with the kept subscriptions.
// e.mu is held.
func (e *engine) apply(ctx context.Context) error {
	s, all, err := e.configs[len(e.configs)-1].with(e.kept.Load().inUse())
	if err != nil {
		return err
	}
	states, err := e.store.States(ctx)
	if err != nil {
		return fmt.Errorf("read the states of subscriptions: %w", err)
	}
	if states, err = e.number(ctx, all, states); err != nil {
		return err
	}
	e.kept.Store(newKeptList(e.kept.Load().known()))
	e.log.to.Store(s.logger)
	return e.enforce(s, all, states)
}

// enforce puts s into force, with all its subscriptions. e.mu is held.
func (e *engine) enforce(s *settings, all []*webhook.Subscription, states []webhook.SubscriptionState) error {
	e.coming.Store(s)
	defer e.coming.Store(nil)
	e.deliverer.Through(s.egress)
	if err := e.deliverer.Configure(all, states, e.absent(all, states)...); err != nil {
		return err
	}
	e.journal.SyncBegins(s.journalSync)
	e.earlier.Store(e.active.Swap(s))
	return nil
}

// number gives each subscription the number that it was given once, and those
// that are new a state.
func (e *engine) number(ctx context.Context, subs []*webhook.Subscription, states []webhook.SubscriptionState) ([]webhook.SubscriptionState, error) {
	numbers := make(map[webhook.SubscriptionID]uint64, len(states))
	for _, st := range states {
		numbers[st.ID] = st.Number
	}
	for _, sub := range subs {
		if numbers[sub.ID] == 0 {
			st, err := e.store.PutState(ctx, webhook.NewState(sub.ID, 0, time.Now()))
			if err != nil {
				return nil, fmt.Errorf("keep subscription %s: %w", sub.ID, err)
			}
			states = append(states, st)
			numbers[sub.ID] = st.Number
		}
		if sub.Number == 0 { // those of an earlier configuration are in use
			sub.Number = numbers[sub.ID]
		}
	}
	return states, nil
}

// absent returns the subscriptions that have a past and are not in subs, but for
// those that were deleted.
func (e *engine) absent(subs []*webhook.Subscription, states []webhook.SubscriptionState) (gone []webhook.SubscriptionID) {
	there := make(map[webhook.SubscriptionID]bool, len(subs))
	for _, s := range subs {
		there[s.ID] = true
	}
	kept := e.kept.Load()
	for _, st := range states {
		if !there[st.ID] && kept.get(st.ID) == nil {
			gone = append(gone, st.ID)
		}
	}
	return gone
}

// newest returns the position of the newest event.
func (e *engine) newest(ctx context.Context) (uint64, error) {
	s, err := e.store.Stats(ctx)
	return s.Position, err
}

// current returns the configuration in force.
func (e *engine) current() *settings { return e.active.Load() }

// want implements derive's question who wants an event.
func (e *engine) want(ev *webhook.Event) ([]rules.Want, error) {
	return e.current().subscribers.Want(ev)
}

// dropMarks forgets the marks of a journal segment that is gone.
func (e *engine) dropMarks(segment uint64) {
	if err := e.store.DropMarks(context.Background(), segment); err != nil {
		e.logger.Warn("marks of a journal segment stay", "segment", segment, "error", err)
	}
}

// Housekeeping of the store: how soon it begins, how often, and how long it pauses between
// two slices, so that what is live finds the store free.
const (
	keepFirst = time.Second
	keepEvery = time.Minute
	keepPause = 50 * time.Millisecond
)

// maintain does the store's housekeeping until ctx ends.
func (e *engine) maintain(ctx context.Context) {
	wait := time.NewTimer(keepFirst)
	defer wait.Stop()
	for {
		select {
		case <-wait.C:
		case <-ctx.Done():
			return
		}
		next := keepEvery
		more, err := e.store.Maintain(ctx, e.keep(time.Now()))
		switch {
		case err != nil && ctx.Err() == nil:
			e.logger.Error("store housekeeping", "error", err)
		case more:
			next = keepPause
		}
		e.seeFull(ctx)
		wait.Reset(next)
	}
}

// seeFull finds out whether new calls find room in the store.
func (e *engine) seeFull(ctx context.Context) {
	if s, err := e.store.Stats(ctx); err == nil {
		e.full.Store(s.Full)
	}
}

package derive_test

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sidehook/sidehook/derive"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// memoryJournal is a journal in memory.
type memoryJournal struct {
	mu      sync.Mutex
	entries []store.Entry
	more    chan struct{} // closed at the next entry
	over    bool
	done    map[store.Position]bool
}

func newMemoryJournal() *memoryJournal {
	return &memoryJournal{more: make(chan struct{}), done: map[store.Position]bool{}}
}

func (j *memoryJournal) add(xs ...*webhook.Exchange) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, x := range xs {
		at := store.Position{Segment: 1, Offset: int64(len(j.entries) + 1)}
		j.entries = append(j.entries, store.Entry{At: at, End: x})
	}
	close(j.more)
	j.more = make(chan struct{})
}

func (j *memoryJournal) Next(ctx context.Context, after store.Position, max int) ([]store.Entry, error) {
	for {
		j.mu.Lock()
		some, more, over := j.entries[after.Offset:], j.more, j.over
		j.mu.Unlock()
		switch {
		case len(some) > 0:
			return some[:min(max, len(some))], nil
		case over:
			return nil, io.EOF
		}
		select {
		case <-more:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (j *memoryJournal) Last() store.Position {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.entries) == 0 {
		return store.Position{}
	}
	return j.entries[len(j.entries)-1].At
}

func (j *memoryJournal) Done(at store.Position) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.done[at] = true
}

// Close ends the journal behind what is in it.
func (j *memoryJournal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.over = true
	close(j.more)
	j.more = make(chan struct{})
	return nil
}

// undone returns how many of the entries are not done.
func (j *memoryJournal) undone() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.entries) - len(j.done)
}

func (*memoryJournal) Begin(*webhook.Begin) error                                    { return nil }
func (*memoryJournal) End(context.Context, *webhook.Exchange, bool, ...func()) error { return nil }
func (*memoryJournal) DoneBegin(webhook.ExchangeID)                                  {}

// memoryStore is what deriving needs of a store, in memory. It notes the calls
// of Record.
type memoryStore struct {
	mu        sync.Mutex
	fails     error         // of Record, while it is set
	takes     time.Duration // a call of Record
	snapshots map[webhook.EntityKey]webhook.Snapshot
	events    []webhook.Event
	marks     map[webhook.ExchangeID]bool
	poison    []webhook.ExchangeID
	calls     []recordCall
}

type recordCall struct {
	at     time.Time
	n      int
	first  webhook.ExchangeID
	failed bool
}

func newMemoryStore() *memoryStore {
	return &memoryStore{snapshots: map[webhook.EntityKey]webhook.Snapshot{}, marks: map[webhook.ExchangeID]bool{}}
}

func (s *memoryStore) Record(_ context.Context, rs []store.Record) ([]store.Recorded, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, recordCall{time.Now(), len(rs), rs[0].Exchange, s.fails != nil})
	if s.fails != nil {
		return nil, s.fails
	}
	if s.takes > 0 {
		s.mu.Unlock()
		time.Sleep(s.takes)
		s.mu.Lock()
	}
	out := make([]store.Recorded, len(rs))
	for i := range rs {
		out[i] = s.record(&rs[i])
	}
	return out, nil
}

func (s *memoryStore) record(r *store.Record) (out store.Recorded) {
	if s.marks[r.Exchange] {
		return store.Recorded{Duplicate: true}
	}
	before := make([]webhook.Snapshot, len(r.Entities))
	for i, k := range r.Entities {
		before[i] = s.snapshots[k]
		before[i].Key = k
	}
	if out.Consequences, out.Err = r.Derive(before); out.Err != nil {
		return out
	}
	for _, next := range out.Snapshots {
		s.snapshots[next.Key] = next
	}
	s.events = append(s.events, out.Events...)
	s.marks[r.Exchange] = true
	return out
}

func (s *memoryStore) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fails = err
}

func (s *memoryStore) Config(context.Context, webhook.ConfigID) ([]byte, error) {
	return projects.Canonical(), nil
}

func (s *memoryStore) Quarantine(_ context.Context, q store.Quarantined) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.poison = append(s.poison, q.Exchange.ID)
	return nil
}

func (s *memoryStore) Recorded(context.Context, []webhook.ExchangeID) (map[webhook.ExchangeID]bool, error) {
	return nil, nil
}
func (s *memoryStore) Snapshot(context.Context, webhook.EntityKey) (webhook.Snapshot, error) {
	return webhook.Snapshot{}, nil
}
func (*memoryStore) PutConfig(context.Context, webhook.ConfigID, []byte) error { return nil }
func (*memoryStore) PutNotes(context.Context, ...store.Note) error             { return nil }
func (*memoryStore) Notes(context.Context, string, int) ([]store.Note, error)  { return nil, nil }
func (*memoryStore) DropMarks(context.Context, uint64) error                   { return nil }
func (*memoryStore) DropMarksBelow(context.Context, uint64) error              { return nil }
func (*memoryStore) Unquarantine(context.Context, webhook.ExchangeID) error    { return nil }
func (*memoryStore) Quarantined(context.Context, int) ([]store.Quarantined, error) {
	return nil, nil
}

// bubble is a deriver on a journal and a store in memory, in fake time.
type bubble struct {
	*testing.T
	journal *memoryJournal
	store   *memoryStore
	traffic *derive.Traffic
	deriver *derive.Deriver
	stop    context.CancelFunc
	stopped chan struct{}
}

// errPoison is why nobody can say who wants the events of project "poison".
var errPoison = errors.New("poison")

func inBubble(t *testing.T, f func(b *bubble)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bubble{T: t, journal: newMemoryJournal(), store: newMemoryStore(), traffic: derive.NewTraffic()}
		b.deriver = derive.New(derive.Options{
			Journal: b.journal, Store: b.store, Traffic: b.traffic, Observer: nobody{}, Logger: slog.New(slog.DiscardHandler),
			Want: func(e *webhook.Event) ([]rules.Want, error) {
				if e.Key.ID == "poison" {
					return nil, errPoison
				}
				if e.Key.ID == "bug" {
					panic("a bug in the rules")
				}
				return nil, nil
			},
		})
		var ctx context.Context
		ctx, b.stop = context.WithCancel(t.Context())
		b.stopped = make(chan struct{})
		go func() {
			defer close(b.stopped)
			b.deriver.Run(ctx)
		}()
		f(b)
		b.traffic.Close()
		b.stop()
		<-b.stopped
	})
}

type nobody struct{}

func (nobody) Recorded(*webhook.Exchange, *store.Recorded, *rules.Derived) {}
func (nobody) Nothing(*webhook.Exchange, string)                           {}
func (nobody) Refreshed(*webhook.Exchange, rules.Refreshed, error)         {}
func (nobody) Quarantined(*webhook.Exchange, string)                       {}

// update journals an update of a project.
func (b *bubble) update(id string, n int) *webhook.Exchange {
	x := update(id, n, webhook.ConfigID{})
	b.journal.add(x)
	return x
}

// settled waits until nothing more happens without time passing.
func (b *bubble) settled() { synctest.Wait() }

// recorded returns the events in the order in which they were recorded.
func (b *bubble) recorded() []webhook.Event {
	b.store.mu.Lock()
	defer b.store.mu.Unlock()
	return slices.Clone(b.store.events)
}

func (b *bubble) calls() []recordCall {
	b.store.mu.Lock()
	defer b.store.mu.Unlock()
	return slices.Clone(b.store.calls)
}

// wantChains checks that the events of each project are those of exchanges, in
// their order.
func (b *bubble) wantChains(xs map[string][]*webhook.Exchange) {
	b.Helper()
	got := map[string][]webhook.ExchangeID{}
	for _, e := range b.recorded() {
		id := cmp.Or(e.Key.ID, "gap")
		if got[id] = append(got[id], e.Exchange); id != "gap" && e.Sequence != uint64(len(got[id])) {
			b.Errorf("event %d of %s has sequence %d", len(got[id]), id, e.Sequence)
		}
	}
	for id, want := range xs {
		if !slices.EqualFunc(want, got[id], func(x *webhook.Exchange, id webhook.ExchangeID) bool { return x.ID == id }) {
			b.Errorf("project %s has %d events, want those of %d exchanges in their order", id, len(got[id]), len(want))
		}
	}
}

package derive_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sidehook/sidehook/derive"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/badger"
	"github.com/sidehook/sidehook/store/journal"
	"github.com/sidehook/sidehook/webhook"
)

// line is a deriver on a real journal and a real store, with one subscription
// that wants everything. It can be closed and opened again.
type line struct {
	t       *testing.T
	dir     string
	journal *journal.Journal
	store   *badger.Store
	faulty  *faulty
	damaged *damaged // nil: the journal is sound
	traffic *derive.Traffic
	deriver *derive.Deriver
	seen    *watcher
	config  webhook.ConfigID
	service derive.Get   // nil: nobody but a caller may ask
	log     bytes.Buffer // of the deriver; read once that has ended

	stop    context.CancelFunc
	stopped chan struct{}
}

// faulty is a store that fails as often as it is told to.
type faulty struct {
	*badger.Store
	mu     sync.Mutex
	fails  int // calls of Record that fail
	unread int // calls of Config that fail

	forgot bool // every configuration
}

func (f *faulty) Record(ctx context.Context, rs []store.Record) ([]store.Recorded, error) {
	f.mu.Lock()
	fail := f.fails > 0
	if fail {
		f.fails--
	}
	f.mu.Unlock()
	if fail {
		return nil, fmt.Errorf("record: %w", store.ErrFull)
	}
	return f.Store.Record(ctx, rs)
}

// Config fails as Record does.
func (f *faulty) Config(ctx context.Context, id webhook.ConfigID) ([]byte, error) {
	f.mu.Lock()
	fail := f.unread > 0
	if fail {
		f.unread--
	}
	f.mu.Unlock()
	switch {
	case fail:
		return nil, errors.New("the store is being opened again")
	case f.forgot:
		return nil, store.ErrNotFound
	}
	return f.Store.Config(ctx, id)
}

// damaged is a journal that hands out a loss before its entries, and fails to
// be read first.
type damaged struct {
	store.Journal
	fails int
	lost  bool

	down     atomic.Bool  // what deriving writes fails
	unsynced atomic.Int64 // ends that it wrote and did not have synced
}

func (d *damaged) End(ctx context.Context, x *webhook.Exchange, durable bool, meanwhile ...func()) error {
	if d.down.Load() {
		return fmt.Errorf("%w: disk full", store.ErrJournalDown)
	}
	if !durable {
		d.unsynced.Add(1)
	}
	return d.Journal.End(ctx, x, durable, meanwhile...)
}

func (d *damaged) Next(ctx context.Context, after store.Position, max int) ([]store.Entry, error) {
	if d.fails > 0 {
		d.fails--
		return nil, errors.New("too many open files")
	}
	if d.lost {
		d.lost = false
		return []store.Entry{{At: store.Position{Segment: 1, Offset: 1}, Lost: &store.Lost{Bytes: 100, Detail: "checksum"}}}, nil
	}
	return d.Journal.Next(ctx, after, max)
}

// watcher counts what deriving came to, and lets a test wait for it.
type watcher struct {
	mu      sync.Mutex
	changed chan struct{}
	count   map[string]int
}

func (w *watcher) add(what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.count[what]++
	close(w.changed)
	w.changed = make(chan struct{})
}

func (w *watcher) Recorded(_ *webhook.Exchange, r *store.Recorded, _ *rules.Derived) {
	if r.Duplicate {
		w.add("duplicate")
		return
	}
	w.add("recorded")
}
func (w *watcher) Nothing(*webhook.Exchange, string) { w.add("nothing") }
func (w *watcher) Refreshed(_ *webhook.Exchange, r rules.Refreshed, err error) {
	if err != nil {
		w.add("not refreshed")
		return
	}
	w.add("refreshed")
}
func (w *watcher) Quarantined(*webhook.Exchange, string) { w.add("quarantined") }

// counted returns how often something happened.
func (w *watcher) counted(what string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.count[what]
}

// wait waits until something happened n times.
func (w *watcher) wait(t *testing.T, what string, n int) {
	t.Helper()
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	for {
		w.mu.Lock()
		have, changed := w.count[what], w.changed
		w.mu.Unlock()
		if have >= n {
			return
		}
		select {
		case <-changed:
		case <-deadline.C:
			t.Fatalf("%s %d times, want %d", what, have, n)
		}
	}
}

var projects = &rules.Config{Resources: []rules.Resource{
	{Name: "project", Path: "/projects", Refresh: []rules.Refresh{{Resource: "project", ID: "after.parents"}}},
	{Name: "page", Path: "/pages", Item: "{slug}"},
}}

func openLine(t *testing.T, dir string) *line {
	t.Helper()
	l := &line{t: t, dir: dir, seen: &watcher{changed: make(chan struct{}), count: map[string]int{}}}
	var err error
	if l.store, err = badger.Open(badger.Options{Dir: filepath.Join(dir, "store")}); err != nil {
		t.Fatal(err)
	}
	if l.journal, err = journal.Open(journal.Options{Dir: filepath.Join(dir, "journal"), SegmentSize: 1 << 20}); err != nil {
		t.Fatal(err)
	}
	canonical := projects.Canonical()
	l.config = webhook.NewConfigID(canonical)
	if err := l.store.PutConfig(t.Context(), l.config, canonical); err != nil {
		t.Fatal(err)
	}
	l.faulty, l.traffic = &faulty{Store: l.store}, derive.NewTraffic()
	return l
}

// open makes the deriver.
func (l *line) open() {
	l.t.Helper()
	all := &webhook.Subscription{ID: "all", Scopes: []webhook.Pattern{"project.**", "project.gap"}, Tenant: webhook.AnyTenant, Order: webhook.OrderEntity}
	subs, err := rules.NewSubscribers([]*webhook.Subscription{all}, nil)
	if err != nil {
		l.t.Fatal(err)
	}
	var j store.Journal = l.journal
	if l.damaged != nil {
		l.damaged.Journal, j = l.journal, l.damaged
	}
	l.deriver = derive.New(derive.Options{
		Journal: j, Store: l.faulty, Traffic: l.traffic, Recovered: l.journal.RecoveredEnd(),
		Want: subs.Want, Observer: l.seen, Logger: slog.New(slog.NewTextHandler(&l.log, nil)),
		Service: func(*webhook.Exchange) derive.Get { return l.service },
		Resources: func() []webhook.EntityKey {
			return []webhook.EntityKey{{API: rules.DefaultAPI, Resource: "project"}}
		},
	})
}

// run starts deriving.
func (l *line) run() *line {
	l.t.Helper()
	if l.deriver == nil {
		l.open()
	}
	ctx, stop := context.WithCancel(context.Background())
	l.stop, l.stopped = stop, make(chan struct{})
	go func() {
		defer close(l.stopped)
		l.deriver.Run(ctx)
	}()
	return l
}

// close ends everything.
func (l *line) close() {
	l.t.Helper()
	l.traffic.Close()
	if l.stop != nil {
		l.stop()
		<-l.stopped
	}
	if err := l.journal.Close(); err != nil {
		l.t.Error(err)
	}
	if err := l.store.Close(); err != nil {
		l.t.Error(err)
	}
}

// patch journals an update of a project, answered with the entity.
func (l *line) patch(id string, n int) *webhook.Exchange {
	l.t.Helper()
	x := l.exchange(id, fmt.Sprintf(`{"id":%q,"n":%d,"name":"Roof","status":"open"}`, id, n))
	x.Request.Body.Bytes = fmt.Appendf(nil, `{"n":%d}`, n)
	return l.end(x)
}

// child journals an update of a project that has parents.
func (l *line) child(id, parents string) *webhook.Exchange {
	l.t.Helper()
	return l.end(l.exchange(id, fmt.Sprintf(`{"id":%q,"parents":%s,"name":"Roof","a":1,"b":2}`, id, parents)))
}

// exchange returns an update of a project, answered with the entity.
func (l *line) exchange(id, body string) *webhook.Exchange {
	now := time.Now()
	return &webhook.Exchange{
		ID: webhook.NewExchangeID(now), API: rules.DefaultAPI, Config: l.config, Started: now, Ended: now,
		Request: webhook.Request{
			Method: http.MethodPatch, Path: "/projects/" + id,
			Header: webhook.Header{"Content-Type": {"application/json"}},
			Body:   webhook.Body{Bytes: []byte(`{"name":"Roof"}`)},
		},
		Response: webhook.Response{
			Status: 200, Header: webhook.Header{"Content-Type": {"application/json"}},
			Body: webhook.Body{Bytes: []byte(body)},
		},
	}
}

// end journals an exchange.
func (l *line) end(x *webhook.Exchange) *webhook.Exchange {
	l.t.Helper()
	l.begin(x)
	if err := l.journal.End(l.t.Context(), x, true); err != nil {
		l.t.Fatal(err)
	}
	return x
}

func (l *line) begin(x *webhook.Exchange) {
	l.t.Helper()
	b := &webhook.Begin{ID: x.ID, API: x.API, Config: x.Config, Started: x.Started, Method: x.Request.Method, Path: x.Request.Path, Query: x.Request.Query}
	if err := l.journal.Begin(b); err != nil {
		l.t.Fatal(err)
	}
}

func (l *line) events() []webhook.Event {
	l.t.Helper()
	events, err := l.store.Events(l.t.Context(), store.EventQuery{Max: 10000})
	if err != nil {
		l.t.Fatal(err)
	}
	return events
}

package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/sidehook/sidehook/derive"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/badger"
	"github.com/sidehook/sidehook/store/journal"
	"github.com/sidehook/sidehook/webhook"
)

// onlyOne records one gap and then has trouble, as a full disk has.
type onlyOne struct {
	derive.Store
	mu   sync.Mutex
	done webhook.ExchangeID
}

func (s *onlyOne) Record(_ context.Context, rs []store.Record) ([]store.Recorded, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.done.IsZero() || len(rs) > 1 {
		return nil, errors.New("full")
	}
	s.done = rs[0].Exchange
	return make([]store.Recorded, 1), nil
}

func (s *onlyOne) recorded() webhook.ExchangeID {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.done
}

// soon waits until ok, or fails the test.
func soon(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(20 * time.Second); !ok(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("still not: %s", what)
		}
	}
}

// Calls may be missed while the gap of earlier ones is recorded, and the process
// may die then: the file must owe them a gap of their own.
func TestCallsMissedWhileAGapIsRecordedAreOwedOneOfTheirOwn(t *testing.T) {
	dir, log := t.TempDir(), slog.New(slog.DiscardHandler)
	all, err := badger.Open(badger.Options{Dir: filepath.Join(dir, "store"), Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	defer all.Close()
	j, err := journal.Open(journal.Options{Dir: filepath.Join(dir, "journal")})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	s := &onlyOne{Store: all}
	f := newFront(dir, log)
	defer f.close()
	f.journal.Store(j)
	e := &Engine{front: f, Journal: j}
	e.Deriver = derive.New(derive.Options{
		Journal: j, Store: s, Traffic: e.traffic, Logger: log, Observer: deriveObserver{e},
		Want:      func(*webhook.Event) ([]rules.Want, error) { return nil, nil },
		Resources: func() []webhook.EntityKey { return nil },
	})
	if err := e.missed.open(dir); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	running.Go(func() { e.Deriver.Run(ctx) })
	keys := []webhook.EntityKey{{API: "a", Resource: "x"}, {API: "a", Resource: "y"}}
	miss := func() {
		for _, k := range keys {
			e.missed.add(k, time.Now(), errors.New("no space"))
		}
	}
	miss()
	running.Go(func() { e.missed.run(ctx, e) })
	soon(t, "one gap is recorded", func() bool { return !s.recorded().IsZero() })
	miss()
	soon(t, "each resource is owed a gap that is not recorded yet", func() bool {
		var next missed // what the next process would know
		next.init()
		if err := next.open(dir); err != nil {
			t.Fatal(err)
		}
		defer next.close()
		owed := map[string]bool{}
		for _, c := range next.owed {
			if c.gap != s.recorded() {
				owed[c.key.Resource] = true
			}
		}
		return owed["x"] && owed["y"]
	})
}

// Where callers make up the names of resources, the list stays short.
func TestMissedCallsOfMadeUpResourcesShareAGap(t *testing.T) {
	var m missed
	m.init()
	if err := m.open(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	defer m.close()
	for i := range 2 * mostMissed {
		m.add(webhook.EntityKey{API: "shop", Resource: fmt.Sprint("r", i)}, time.Now(), errors.New("disk"))
	}
	m.add(webhook.EntityKey{API: "shop", Resource: "r7"}, time.Now(), errors.New("disk"))
	rest, seventh := m.calls[webhook.EntityKey{API: "shop", Resource: anyResource}], m.calls[webhook.EntityKey{API: "shop", Resource: "r7"}]
	if len(m.calls) != mostMissed+1 || rest == nil || rest.count != mostMissed || seventh.count != 2 {
		t.Errorf("%d gaps to record, the one for all others of %+v", len(m.calls), rest)
	}
}

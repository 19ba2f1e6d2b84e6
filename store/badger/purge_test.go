package badger_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/badger"
	"github.com/sidehook/sidehook/webhook"
)

// filesWith returns the files under dir that have marker in them.
func filesWith(t *testing.T, dir, marker string) (found []string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // compacted meanwhile
		}
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(data, []byte(marker)) {
			found = append(found, filepath.Base(name))
		}
	}
	return found
}

// What was erased and purged is in no file, however deep it lay: in a log, in
// tables of any level, in one piece or in many.
func TestWhatIsErasedIsInNoFile(t *testing.T) {
	const marker = "jane.roe@example.com"
	dir := t.TempDir()
	s := open(t, dir)
	ctx := context.Background()
	key := webhook.EntityKey{API: "shop", Resource: "person", ID: marker}
	put := func(body string) {
		t.Helper()
		x := webhook.NewExchangeID(start)
		got, err := s.Record(ctx, []store.Record{{Exchange: x, Entities: []webhook.EntityKey{key}, Derive: func(before []webhook.Snapshot) (c store.Consequences, err error) {
			raw, err := json.Marshal(map[string]string{"mail": marker, "text": body})
			c.Snapshots = []webhook.Snapshot{{Key: key, Sequence: before[0].Sequence + 1, Body: raw, Seen: start}}
			c.Events = []webhook.Event{{ID: webhook.NewEventID(x, key, "person.updated", ""), Scope: "person.updated", Key: key, Exchange: x, Before: before[0].Body, After: raw}}
			c.Deliveries = []webhook.Delivery{{ID: webhook.NewDeliveryID(c.Events[0].ID, "crm", 0), Event: c.Events[0].ID, Subscription: "crm", Reason: "of " + marker}}
			return c, err
		}}})
		if err != nil || got[0].Err != nil {
			t.Fatal(err, got)
		}
	}
	for round := range 3 {
		put(fmt.Sprint(round))
		put(strings.Repeat(marker, 60_000))
		large(t, s, 10_000*round, 2000, nobody)
	}
	put("the last")
	if len(filesWith(t, dir, marker)) < 2 {
		t.Fatal("it is in one file: this test is too small")
	}
	if _, err := s.Erase(ctx, store.Erasure{Resource: "person", ID: marker, Tenant: webhook.AnyTenant}); err != nil {
		t.Fatal(err)
	}
	if err := s.Purge(ctx); err != nil {
		t.Fatal(err)
	}
	if left := filesWith(t, dir, marker); len(left) > 0 {
		t.Errorf("it is in %v", left)
	}
	large(t, s, 90_000, 10, nobody)
	if events, err := s.Events(ctx, store.EventQuery{Max: 1 << 20}); err != nil || len(events) != 6010 {
		t.Errorf("%d events are left: %v", len(events), err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if left := filesWith(t, dir, marker); len(left) > 0 {
		t.Errorf("after closing it is in %v", left)
	}
}

// A store so young that Badger has compacted nothing of it yet holds what was erased
// in logs and in tables of level 0 only: from there it goes too, though the store was
// opened again in between.
func TestWhatIsErasedIsInNoFileOfAYoungStore(t *testing.T) {
	for name, between := range map[string]func(*testing.T, *badger.Store) *badger.Store{
		"at once": func(_ *testing.T, s *badger.Store) *badger.Store { return s },
		"opened again": func(t *testing.T, s *badger.Store) *badger.Store {
			dir := badger.EngineOptions(s).Dir
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			return open(t, dir)
		},
	} {
		t.Run(name, func(t *testing.T) {
			const marker = "jane.roe@example.com"
			dir := t.TempDir()
			s := open(t, dir)
			recordPerson(t, s, marker)
			if _, err := s.Erase(t.Context(), store.Erasure{Resource: "person", ID: marker, Tenant: webhook.AnyTenant}); err != nil {
				t.Fatal(err)
			}
			if s = between(t, s); len(filesWith(t, dir, marker)) == 0 {
				t.Fatal("it is in no file before: this test shows nothing")
			}
			if err := s.Purge(t.Context()); err != nil {
				t.Fatal(err)
			}
			if left := filesWith(t, dir, marker); len(left) > 0 {
				t.Errorf("it is in %v", left)
			}
		})
	}
}

// A purge is done when its own compaction is: not while another runs, which may have
// begun before the erasure, and not while somebody reads what was there before it.
func TestAPurgeWaitsForWhatKeepsTheErased(t *testing.T) {
	for name, keep := range map[string]func(*badger.Store) (func(), error){"a compaction": badger.Compact, "a reader": badger.Hold} {
		t.Run(name, func(t *testing.T) {
			const marker = "jane.roe@example.com"
			dir := t.TempDir()
			s := open(t, dir)
			recordPerson(t, s, marker)
			end, err := keep(s)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Erase(t.Context(), store.Erasure{Resource: "person", ID: marker, Tenant: webhook.AnyTenant}); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			if err := s.Purge(ctx); !errors.Is(err, context.DeadlineExceeded) || !s.Unpurged() {
				t.Errorf("it ended with %v; something is to purge: %v", err, s.Unpurged())
			}
			end()
			if err := s.Purge(t.Context()); err != nil || s.Unpurged() {
				t.Errorf("then it ended with %v; something is to purge: %v", err, s.Unpurged())
			}
			if left := filesWith(t, dir, marker); len(left) > 0 {
				t.Errorf("it is in %v", left)
			}
		})
	}
}

// In a store of several levels too: what a reader sees is kept by the compactions that
// run while it reads, in tables that these move down, and goes from there when a purge
// comes after its end.
func TestAPurgeOfALargeStoreReachesWhatAReaderKept(t *testing.T) {
	const marker, some = "jane.roe@example.com", 2500 // of 8 KiB: more than a level holds before it has another below it
	dir := t.TempDir()
	s := open(t, dir)
	large(t, s, 0, some, nobody)
	recordPerson(t, s, marker)
	large(t, s, some, some, nobody)
	end, err := badger.Hold(s)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Erase(t.Context(), store.Erasure{Resource: "person", ID: marker, Tenant: webhook.AnyTenant}); err != nil {
		t.Fatal(err)
	}
	large(t, s, 2*some, some, nobody)
	if err := badger.EngineFlatten(s); err != nil {
		t.Fatal(err)
	}
	large(t, s, 3*some, some, nobody)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if err := s.Purge(ctx); !errors.Is(err, context.DeadlineExceeded) || !s.Unpurged() {
		t.Errorf("while it is read a purge ended with %v; something is to purge: %v", err, s.Unpurged())
	}
	if len(filesWith(t, dir, marker)) == 0 {
		t.Fatal("it is in no file although it is read: this test shows nothing")
	}
	end()
	if err := s.Purge(t.Context()); err != nil || s.Unpurged() {
		t.Errorf("the purge ended with %v; something is to purge: %v", err, s.Unpurged())
	}
	if left := filesWith(t, dir, marker); len(left) > 0 {
		t.Errorf("it is in %v", left)
	}
}

// recordPerson records a person whose id is marker.
func recordPerson(t *testing.T, s *badger.Store, marker string) {
	t.Helper()
	key := webhook.EntityKey{API: "shop", Resource: "person", ID: marker}
	x := webhook.NewExchangeID(start)
	got, err := s.Record(t.Context(), []store.Record{{Exchange: x, Entities: []webhook.EntityKey{key}, Derive: func([]webhook.Snapshot) (c store.Consequences, err error) {
		raw := json.RawMessage(fmt.Sprintf(`{"mail":%q}`, marker))
		c.Snapshots = []webhook.Snapshot{{Key: key, Sequence: 1, Body: raw, Seen: start}}
		c.Events = []webhook.Event{{ID: webhook.NewEventID(x, key, "person.created", ""), Scope: "person.created", Key: key, Exchange: x, After: raw}}
		return c, nil
	}}})
	if err != nil || got[0].Err != nil {
		t.Fatal(err, got)
	}
}

// Recording goes on while what was erased is taken out of files: Badger is never told
// to stop all writes until level 0 is compacted. (Measured while other programs used the
// machine: the longest of 250 records took 86 ms, one beside no purge 76 ms, and 530 ms
// when all writes stopped.)
func TestAPurgeStopsNoRecord(t *testing.T) {
	var log lines
	s, err := badger.Open(badger.Options{Dir: t.TempDir(), Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx := context.Background()
	large(t, s, 0, 3000, nobody)
	if _, err := s.Erase(ctx, store.Erasure{Resource: "order", ID: "17", Tenant: webhook.AnyTenant}); err != nil {
		t.Fatal(err)
	}
	purged := make(chan error)
	go func() { purged <- s.Purge(ctx) }()
	n := 0
	for ; ; n++ {
		large(t, s, 100_000+n, 1, nobody)
		select {
		case err = <-purged:
		default:
			continue
		}
		break
	}
	if err != nil || n == 0 {
		t.Errorf("%d records meanwhile: %v", n, err)
	}
	text := log.String()
	for _, said := range []string{"DropPrefix", "Writes flushed", "locking writes"} {
		if strings.Contains(text, said) {
			t.Errorf("Badger was told to stop writing: its log has %q", said)
		}
	}
	if !strings.Contains(text, "Flattening done") {
		t.Error("Badger says nothing of what it does: this test shows nothing")
	}
}

// lines is a log in memory.
type lines struct {
	mu sync.Mutex
	strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Builder.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Builder.String()
}

package badger

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// Badger's tables are mapped into memory: what the disk does not give of them is a
// fault. It fails what reads, and neither the process nor what comes later.
func TestADiskThatGivesNothingFailsWhatReads(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	key := webhook.EntityKey{API: "a", Resource: "r", ID: "1"}
	s := openAt(t, dir)
	mustRecord(t, s, changeOf(1, key), recordOf(300, []webhook.SubscriptionID{"crm"}, 3, "", false))
	s.Close() // which makes a table of what it has
	s = openAt(t, dir)

	next := changeOf(2, key)
	reads := map[string]func() error{
		"events": func() error { _, err := s.Events(ctx, store.EventQuery{Max: 10}); return err },
		"record": func() error { _, err := s.Record(ctx, []store.Record{next}); return err },
		"claim":  func() error { _, _, err := s.Claim(ctx, "crm", 0, time.Now(), 2); return err },
		"hold":   func() error { return s.holdThrough(ctx, "crm", 2) },
	}
	for _, it := range s.queue.fresh.items {
		it.delivery = nil // as of one of many
	}
	give := takeTables(t, dir)
	for name, read := range reads {
		if err := read(); !isTrouble(err) {
			t.Errorf("%s: %v, want the disk's trouble", name, err)
		}
	}
	give()
	mustRecord(t, s, next)
	es, err := s.Events(ctx, store.EventQuery{Max: 10})
	if err != nil || len(es) != 5 {
		t.Errorf("%d events of 5: %v", len(es), err)
	}
	ds, _, err := s.Claim(ctx, "crm", 0, time.Now(), 10)
	if err != nil || len(ds) != 3 {
		t.Errorf("%d deliveries of 3: %v", len(ds), err)
	}
}

// takeTables takes the contents of the tables in dir, until give gives them back.
func takeTables(t *testing.T, dir string) (give func()) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	contents := map[string][]byte{}
	for _, name := range names {
		if contents[name], err = os.ReadFile(name); err == nil {
			err = os.Truncate(name, 0)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return func() {
		for name, data := range contents {
			f, err := os.OpenFile(name, os.O_WRONLY, 0)
			if err == nil {
				_, err = f.Write(data)
				f.Close()
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

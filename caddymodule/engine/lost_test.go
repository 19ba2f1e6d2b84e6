package engine

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sidehook/sidehook/caddymodule/missed"
	"github.com/sidehook/sidehook/caddymodule/settings"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/journal"
	"github.com/sidehook/sidehook/webhook"
)

// projectSettings is a configuration with one resource, project.
func projectSettings(t *testing.T) *settings.Set {
	t.Helper()
	config := &rules.Config{Resources: []rules.Resource{{Name: "project", Path: "/api/projects"}}}
	program, err := rules.Compile(config)
	if err != nil {
		t.Fatal(err)
	}
	canonical := config.Canonical()
	s := emptySettings(t, "")
	s.Handlers = settings.Handlers{{Program: program, Config: webhook.NewConfigID(canonical), Canonical: canonical}}
	return s
}

// gapsAt starts on dir, waits until no gap is owed any more, and returns all that are
// recorded.
func gapsAt(t *testing.T, dir string) (gaps []webhook.Event) {
	t.Helper()
	pl, s := placeAt(t, dir), projectSettings(t)
	if err := pl.Join(t.Context(), s, false); err != nil {
		t.Fatal(err)
	}
	defer pl.Leave(s, discard())
	e, err := pl.Lease()
	if err != nil {
		t.Fatal(err)
	}
	defer pl.Release()
	soon(t, "no gap is owed", func() bool { return e.missed.Count() == 0 })
	events, err := e.Store.Events(t.Context(), store.EventQuery{})
	if err != nil {
		t.Fatal(err)
	}
	return events
}

// wantGap fails unless there is one gap, for that reason.
func wantGap(t *testing.T, gaps []webhook.Event, reason string, why error) {
	t.Helper()
	if len(gaps) != 1 || gaps[0].Scope != "project.gap" || gaps[0].Gap.Reason != reason || gaps[0].Gap.Detail != why.Error() {
		t.Errorf("recorded are %+v, want one gap that says: %v", gaps, why)
	}
}

// usedJournal leaves a journal in dir that has had a call, which is derived and gone.
func usedJournal(t *testing.T, dir string) {
	t.Helper()
	o := journal.Options{Dir: filepath.Join(dir, "journal")}
	j, err := journal.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Now().UTC()
	if err := j.End(t.Context(), &webhook.Exchange{ID: webhook.NewExchangeID(at), Started: at, Ended: at}, true); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if j, err = journal.Open(o); err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	var after store.Position
	soon(t, "its segment is dropped", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		entries, _ := j.Next(ctx, after, 10)
		for _, e := range entries {
			after = e.At
			j.Done(after)
		}
		return j.Stats().First > 1
	})
}

// A store that was moved away or deleted is a gap of each resource, once: subscribers are
// not to wait for what it owed. A first start has lost nothing.
func TestAStoreThatIsGoneIsAGap(t *testing.T) {
	dir := t.TempDir()
	if gaps := gapsAt(t, dir); len(gaps) > 0 {
		t.Errorf("a first start tells %+v", gaps)
	}
	if gaps := gapsAt(t, dir); len(gaps) > 0 {
		t.Errorf("a second start tells %+v", gaps)
	}
	dir = t.TempDir()
	usedJournal(t, dir)
	for range 2 {
		wantGap(t, gapsAt(t, dir), webhook.GapStore, missed.ErrStoreAnew)
	}
}

// So is a journal that ends before what the store has recorded of it.
func TestAJournalThatIsGoneIsAGap(t *testing.T) {
	dir := t.TempDir()
	e, err := Open(dir, discard())
	if err != nil {
		t.Fatal(err)
	}
	r := store.Record{Exchange: webhook.NewExchangeID(time.Now()), Segment: e.Journal.Own(), Derive: func([]webhook.Snapshot) (store.Consequences, error) {
		return store.Consequences{}, nil
	}}
	if _, err := e.Store.Record(t.Context(), []store.Record{r}); err != nil {
		t.Fatal(err)
	}
	e.close()
	if err := os.RemoveAll(filepath.Join(dir, "journal")); err != nil {
		t.Fatal(err)
	}
	wantGap(t, gapsAt(t, dir), webhook.GapJournal, missed.ErrJournalBehind)
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

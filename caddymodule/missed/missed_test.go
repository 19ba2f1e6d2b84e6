package missed_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sidehook/sidehook/caddymodule/missed"
	"github.com/sidehook/sidehook/webhook"
)

// gaps are those that were recorded, until there is trouble.
type gaps struct {
	mu      sync.Mutex
	got     []webhook.EntityKey
	what    []webhook.Gap
	ids     []webhook.ExchangeID
	trouble func() error // asked before each; nil: none
}

func (g *gaps) Gap(_ context.Context, x webhook.ExchangeID, key webhook.EntityKey, what webhook.Gap) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.trouble != nil {
		if err := g.trouble(); err != nil {
			return err
		}
	}
	g.got, g.what, g.ids = append(g.got, key), append(g.what, what), append(g.ids, x)
	return nil
}

// resources returns of which resources there are gaps, in order.
func (g *gaps) resources() (names []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, key := range g.got {
		names = append(names, key.Resource)
	}
	slices.Sort(names)
	return names
}

// listAt returns a list that is kept under dir.
func listAt(t *testing.T, dir string) *missed.List {
	t.Helper()
	l := missed.New(slog.New(slog.DiscardHandler))
	l.Open(dir)
	t.Cleanup(func() { l.Close() })
	return l
}

// keepsUp keeps l's file up to date until the test ends.
func keepsUp(t *testing.T, l *missed.List) {
	ctx, cancel := context.WithCancel(context.Background())
	var keeping sync.WaitGroup
	keeping.Go(func() { l.KeepUp(ctx) })
	t.Cleanup(func() {
		cancel()
		keeping.Wait()
	})
}

// owed returns what the next process would record if this one died now.
func owed(t *testing.T, dir string) *gaps {
	t.Helper()
	file, err := os.ReadFile(filepath.Join(dir, "missed"))
	if err != nil {
		t.Fatal(err)
	}
	after := t.TempDir()
	if err := os.WriteFile(filepath.Join(after, "missed"), file, 0o600); err != nil {
		t.Fatal(err)
	}
	next, g := listAt(t, after), new(gaps)
	next.Record(t.Context(), g)
	next.Close()
	return g
}

// soon waits until ok, or fails the test.
func soon(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(20 * time.Second); !ok(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("still not: %s", what)
		}
	}
}

func resource(name string) webhook.EntityKey { return webhook.EntityKey{API: "shop", Resource: name} }

var errDisk = errors.New("no space left on device")

// Calls may be missed while the gap of earlier ones is recorded, and the process
// may die then: the file must owe them a gap of their own.
func TestCallsMissedWhileAGapIsRecordedAreOwedOneOfTheirOwn(t *testing.T) {
	dir := t.TempDir()
	l := listAt(t, dir)
	keepsUp(t, l)
	miss := func() {
		for _, name := range []string{"x", "y"} {
			l.Add(resource(name), time.Now(), errDisk)
		}
	}
	miss()
	var first gaps // and then it has trouble, as a full disk has
	first.trouble = func() error {
		if len(first.got) > 0 {
			return errDisk
		}
		miss()
		return nil
	}
	l.Record(t.Context(), &first)
	soon(t, "each resource is owed a gap that is not recorded yet", func() bool {
		due := map[string]bool{}
		next := owed(t, dir)
		for i, key := range next.got {
			if next.ids[i] != first.ids[0] {
				due[key.Resource] = true
			}
		}
		return due["x"] && due["y"]
	})
}

// Where callers make up the names of resources, the list stays short.
func TestMissedCallsOfMadeUpResourcesShareAGap(t *testing.T) {
	l, g := missed.New(slog.New(slog.DiscardHandler)), new(gaps)
	const most = 4096
	for i := range 2 * most {
		l.Add(resource(fmt.Sprint("r", i)), time.Now(), errDisk)
	}
	l.Add(resource("r7"), time.Now(), errDisk)
	l.Record(t.Context(), g)
	counts := map[string]bool{"*": true, "r7": true}
	for i, key := range g.got {
		want := map[string]string{"*": "4096 calls", "r7": "2 calls"}[key.Resource]
		if want == "" {
			want = "1 calls"
		}
		delete(counts, key.Resource)
		if !strings.HasPrefix(g.what[i].Detail, want) {
			t.Fatalf("the gap of %s: %+v, want one of %s", key.Resource, g.what[i], want)
		}
	}
	if len(g.got) != most+1 || len(counts) > 0 {
		t.Errorf("%d gaps are recorded, without those of %v", len(g.got), counts)
	}
}

// What may have been missed of any resource is known to the next process, if this one dies
// before it is told.
func TestWhatIsLostOfAllIsKnownToTheNextProcess(t *testing.T) {
	dir := t.TempDir()
	l := listAt(t, dir)
	l.Lose(missed.ErrStoreAnew)
	next, g := listAt(t, dir), new(gaps)
	next.Resolve([]webhook.EntityKey{resource("x"), resource("y")})
	next.Record(t.Context(), g)
	if got := g.resources(); !slices.Equal(got, []string{"x", "y"}) || g.what[0].Detail != missed.ErrStoreAnew.Error() {
		t.Errorf("gaps of %v: %+v", got, g.what)
	}
}

// The list that could not be opened is opened once it can be.
func TestTheListOfMissedCallsIsOpenedWhenItCanBe(t *testing.T) {
	dir, behind := t.TempDir(), filepath.Join(t.TempDir(), "disk")
	if err := os.Symlink(filepath.Join(behind, "missed"), filepath.Join(dir, "missed")); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder // written to by one goroutine after the other
	l := missed.New(slog.New(slog.NewTextHandler(&log, nil)))
	defer l.Close()
	for range 3 { // as whoever waits for the directory does
		l.Open(dir)
	}
	if said := strings.Count(log.String(), "missed calls cannot be noted on disk"); said != 1 {
		t.Errorf("the operator is told %d times: %s", said, log.String())
	}
	if err := os.Mkdir(behind, 0o700); err != nil {
		t.Fatal(err)
	}
	keepsUp(t, l)
	l.Add(resource("project"), time.Now(), errDisk)
	soon(t, "it is kept", func() bool {
		list, err := os.ReadFile(filepath.Join(behind, "missed"))
		return err == nil && strings.Contains(string(list), "project")
	})
}

// The gap says whose trouble it was: the journal's, or that of a store above store_max.
func TestAGapSaysWhatTheTroubleWas(t *testing.T) {
	for reason, why := range map[string]error{webhook.GapJournal: errDisk, webhook.GapStore: missed.ErrAboveMax} {
		dir := t.TempDir()
		l, g := listAt(t, dir), new(gaps)
		keepsUp(t, l)
		l.Add(resource("order"), time.Now(), why)
		var next *gaps // if this process dies
		soon(t, "it is kept", func() bool { next = owed(t, dir); return len(next.what) == 1 })
		l.Record(t.Context(), g)
		for said, what := range map[string]webhook.Gap{"1 calls": g.what[0], "ended before their number was kept": next.what[0]} {
			if what.Reason != reason || !strings.Contains(what.Detail, said) {
				t.Errorf("after %v the gap is %+v, want one of %s", why, what, said)
			}
		}
	}
}

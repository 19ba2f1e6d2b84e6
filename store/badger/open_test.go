package badger_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/badger"
	"github.com/sidehook/sidehook/webhook"
)

func TestOpenRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(t *testing.T, dir string)
		want    []string
	}{
		"a directory that is open already": {
			func(t *testing.T, dir string) { open(t, dir) },
			[]string{"another process has it open (pid "},
		},
		"a newer format": {
			func(t *testing.T, dir string) { write(t, dir, "FORMAT", "99\n") },
			[]string{"its format is version 99", "a newer one"},
		},
		"an older format": {
			func(t *testing.T, dir string) { write(t, dir, "FORMAT", "1\n") },
			[]string{"its format is version 1", "an empty directory"},
		},
		"something else": {
			func(t *testing.T, dir string) { write(t, dir, "FORMAT", "mp4") },
			[]string{`FORMAT says "mp4"`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			c.prepare(t, dir)
			s, err := badger.Open(badger.Options{Dir: dir})
			if err == nil {
				s.Close()
				t.Fatal("it was opened")
			}
			for _, want := range append(c.want, dir) {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
		})
	}
}

// Badger's closing writes through memory maps, where a full disk is the death of the
// process: it waits for room, and the process may end before.
func TestAStoreOnAFullDiskIsClosedOnceThereIsRoom(t *testing.T) {
	dir := t.TempDir()
	var free atomic.Uint64
	free.Store(1 << 40)
	s, err := badger.Open(badger.Options{Dir: dir, Free: func() (uint64, error) { return free.Load(), nil }})
	if err != nil {
		t.Fatal(err)
	}
	free.Store(8 << 20)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := badger.Open(badger.Options{Dir: dir}); !errors.Is(err, store.ErrUnfit) {
		t.Fatal("it is closed:", err)
	}
	free.Store(1 << 40)
	openOnceClosed(t, dir)
}

// openOnceClosed opens the store in dir once it is closed.
func openOnceClosed(t *testing.T, dir string) *badger.Store {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(20 * time.Second); ; <-tick.C {
		s, err := badger.Open(badger.Options{Dir: dir})
		if err == nil {
			t.Cleanup(func() { s.Close() })
			return s
		}
		if !errors.Is(err, store.ErrUnfit) || time.Now().After(end) {
			t.Fatal("it is not closed:", err)
		}
	}
}

// What the system would not let be read is not called damaged: nobody is to move it away.
func TestAStoreThatCannotBeReadIsNotCalledDamaged(t *testing.T) {
	for _, pattern := range []string{"KEYREGISTRY", "MANIFEST", "*.sst"} {
		t.Run(pattern, func(t *testing.T) {
			dir := t.TempDir()
			if err := open(t, dir).Close(); err != nil {
				t.Fatal(err)
			}
			names, _ := filepath.Glob(filepath.Join(dir, pattern))
			for _, name := range names { // a link to itself: ELOOP, for every user
				if err := errors.Join(os.Remove(name), os.Symlink(name, name)); err != nil {
					t.Fatal(err)
				}
			}
			_, err := badger.Open(badger.Options{Dir: dir})
			if !errors.Is(err, syscall.ELOOP) || strings.Contains(err.Error(), "damaged") {
				t.Errorf("%d files: %v", len(names), err)
			}
		})
	}
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestOpenNotesTheFormat(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	open(t, dir).Close()
	text, err := os.ReadFile(filepath.Join(dir, "FORMAT"))
	if err != nil || string(text) != fmt.Sprintln(badger.Format) {
		t.Errorf("%q, %v", text, err)
	}
	open(t, dir)
}

func TestOpenAfterAKillWhileALogWasMade(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if _, err := record(s, small(1, 1)); err != nil {
		t.Fatal(err)
	}
	s.Close()
	write(t, dir, "00099.mem", "")
	s = open(t, dir)
	if st, err := s.Stats(context.Background()); err != nil || st.Position != 1 {
		t.Error(st, err)
	}
}

func TestWritesAreSynced(t *testing.T) {
	s := open(t, t.TempDir())
	if o := badger.EngineOptions(s); !o.SyncWrites || o.ValueThreshold < badger.PieceSize {
		t.Errorf("SyncWrites %v, ValueThreshold %d", o.SyncWrites, o.ValueThreshold)
	}
}

func TestFullDisk(t *testing.T) {
	var free atomic.Uint64
	free.Store(1 << 40)
	s, err := badger.Open(badger.Options{Dir: t.TempDir(), Free: func() (uint64, error) { return free.Load(), nil }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx := context.Background()
	first, err := record(s, small(1, 100))
	if err != nil {
		t.Fatal(err)
	}
	free.Store(10 << 20)
	r := small(2, 100)
	if _, err := record(s, r); !errors.Is(err, store.ErrFull) {
		t.Error("Record:", err)
	}
	settled := webhook.Settlement{Delivery: first.Deliveries[0].Cancel("", start)}
	if err := s.Settle(ctx, settled); !errors.Is(err, store.ErrFull) {
		t.Error("Settle:", err)
	}
	if marks, err := s.Recorded(ctx, []webhook.ExchangeID{r.Exchange}); err != nil || len(marks) > 0 {
		t.Error("half a record:", marks, err)
	}
	free.Store(1 << 40)
	if got, err := record(s, r); err != nil || got.Duplicate || got.Events[0].Position != first.Events[0].Position+1 {
		t.Errorf("with room again: %+v, %v", got, err)
	}
	if err := s.Settle(ctx, settled); err != nil {
		t.Error("Settle with room again:", err)
	}
}

// To a disk that takes no writes Badger writes none: it does so through memory maps, and
// a disk that hangs stops the whole process there.
func TestNothingIsWrittenToADiskThatTakesNoWrites(t *testing.T) {
	dir := t.TempDir()
	s, err := badger.Open(badger.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	format := filepath.Join(dir, "FORMAT")
	if err := errors.Join(os.Rename(format, format+".kept"), os.Symlink(format, format)); err != nil {
		t.Fatal(err)
	}
	r := small(1, 100)
	if _, err := record(s, r); !errors.Is(err, syscall.ELOOP) {
		t.Error("Record:", err)
	}
	if marks, err := s.Recorded(t.Context(), []webhook.ExchangeID{r.Exchange}); err != nil || len(marks) > 0 {
		t.Error("half a record:", marks, err)
	}
	if err := os.Rename(format+".kept", format); err != nil {
		t.Fatal(err)
	}
	if got, err := record(s, r); err != nil || got.Duplicate {
		t.Errorf("once it takes writes: %+v, %v", got, err)
	}
}

func TestAFailedCommitOpensTheStoreAgain(t *testing.T) {
	s := open(t, t.TempDir())
	ctx := context.Background()
	first, err := record(s, small(1, 100))
	if err != nil {
		t.Fatal(err)
	}
	out, _, err := s.Claim(ctx, "crm", 0, start, 10)
	if err != nil || len(out) != 1 {
		t.Fatal(out, err)
	}
	if err := badger.Break(s); err == nil {
		t.Fatal("nothing broke")
	}
	second, err := record(s, small(2, 100))
	if err != nil {
		t.Fatal(err)
	}
	if second.Events[0].Position != first.Events[0].Position+1 {
		t.Error("position", second.Events[0].Position)
	}
	ds, _, err := s.Claim(ctx, "crm", 0, start, 10)
	if err != nil || len(ds) != 1 || ds[0].ID != second.Deliveries[0].ID {
		t.Error("what was given out is given out again:", ds, err)
	}
}

// TestHeadBehindTombstones holds the low-water mark: the next delivery behind
// many deleted ones is found at once.
func TestHeadBehindTombstones(t *testing.T) {
	s := open(t, t.TempDir())
	ctx := context.Background()
	const n = 20_000
	recordMany(t, s, n, 1, 128)
	for done := 0; done < n; {
		ds, _, err := s.Claim(ctx, "crm", 0, start, 500)
		if err != nil || len(ds) == 0 {
			t.Fatal(len(ds), err)
		}
		settlements := make([]webhook.Settlement, len(ds))
		for i, d := range ds {
			settlements[i].Delivery = d.Cancel("", start)
		}
		if err := s.Settle(ctx, settlements...); err != nil {
			t.Fatal(err)
		}
		done += len(ds)
	}
	best := time.Hour
	for i := range 50 {
		if _, err := record(s, small(uint64(n+i), 5000)); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		ds, _, err := s.Claim(ctx, "crm", 0, start, 1)
		best = min(best, time.Since(begin))
		if err != nil || len(ds) != 1 {
			t.Fatal(ds, err)
		}
	}
	t.Log("claim behind", n, "settled deliveries:", best)
	if best > time.Millisecond {
		t.Error("the head was looked for among deleted keys")
	}
}

// Badger opens files by their names. Where another directory was mounted or put in the
// place of the one that is open, nothing is written into that, also as the store is closed;
// and what is open goes on once it is back.
func TestNothingIsWrittenIntoAnotherDirectory(t *testing.T) {
	base := t.TempDir()
	place, other, away := filepath.Join(base, "store"), filepath.Join(base, "other"), filepath.Join(base, "away")
	files := func(dir string) (all []string) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			all = append(all, e.Name())
		}
		return all
	}
	if err := open(t, other).Close(); err != nil {
		t.Fatal(err)
	}
	s := open(t, place)
	if err := errors.Join(os.Rename(place, away), os.Rename(other, place)); err != nil {
		t.Fatal(err)
	}
	before := files(place)
	if _, err := record(s, small(1, 100)); err == nil || !strings.Contains(err.Error(), "put back the one that is open") {
		t.Error("Record:", err)
	}
	if got := files(place); !slices.Equal(got, before) {
		t.Errorf("in the other are %v, were %v", got, before)
	}
	if err := errors.Join(os.Rename(place, other), os.Rename(away, place)); err != nil {
		t.Fatal(err)
	}
	if _, err := record(s, small(1, 100)); err != nil {
		t.Error("once it is back:", err)
	}
	if err := errors.Join(os.Rename(place, away), os.Rename(other, place)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if got := files(place); !slices.Equal(got, before) {
		t.Errorf("once it is closed in the other are %v, were %v", got, before)
	}
	if err := errors.Join(os.Rename(place, other), os.Rename(away, place)); err != nil {
		t.Fatal(err)
	}
	again := openOnceClosed(t, place)
	if events, err := again.Events(t.Context(), store.EventQuery{}); err != nil || len(events) != 1 {
		t.Errorf("in the one that is back are %d events, %v", len(events), err)
	}
}

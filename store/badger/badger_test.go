package badger_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/badger"
	"github.com/sidehook/sidehook/store/storetest"
	"github.com/sidehook/sidehook/webhook"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) func() store.Store { return opener(t, func(*badger.Store) {}) })
}

// What does not stay fresh is queued on disk, and is as good.
func TestStoreOfFewFresh(t *testing.T) {
	storetest.Run(t, func(t *testing.T) func() store.Store {
		return opener(t, func(s *badger.Store) { badger.FewFresh(s, 3, 6, 2) })
	})
}

// opener returns what opens a store in one directory, or, while that is open
// still, in a copy of it: of its files as they are, which is what a killed
// process leaves.
func opener(t *testing.T, made func(*badger.Store)) func() store.Store {
	dir := t.TempDir()
	return func() store.Store {
		s, err := badger.Open(badger.Options{Dir: dir})
		if err != nil && strings.Contains(err.Error(), "has it open") {
			dir = copyDir(t, dir)
			return opened(t, dir, made)
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		made(s)
		return s
	}
}

func opened(t *testing.T, dir string, made func(*badger.Store)) store.Store {
	s := open(t, dir)
	made(s)
	return s
}

// copyDir returns a copy of a store's directory as it was at one moment: it
// copies again if files came, went or grew meanwhile.
func copyDir(t *testing.T, from string) string {
	t.Helper()
	for range 100 {
		to, before := t.TempDir(), listing(from)
		if err := os.CopyFS(to, os.DirFS(from)); err == nil && before == listing(from) {
			return to
		}
	}
	t.Fatal("the store never rests")
	return ""
}

// listing names the files of a directory, with their sizes.
func listing(dir string) (text string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			text += fmt.Sprintln(e.Name(), info.Size())
		}
	}
	return text
}

// open opens the store in dir and closes it when the test ends.
func open(t testing.TB, dir string) *badger.Store {
	t.Helper()
	s, err := badger.Open(badger.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// record records r in a call of its own. The error is the call's or r's.
func record(s *badger.Store, r store.Record) (store.Recorded, error) {
	got, err := s.Record(context.Background(), []store.Record{r})
	if err != nil {
		return store.Recorded{}, err
	}
	return got[0], got[0].Err
}

// A bug in one commit fails that one, and neither those beside it nor the
// process.
func TestAPanicFailsOneCommit(t *testing.T) {
	s := open(t, t.TempDir())
	if err := badger.Panic(s); err == nil || !strings.Contains(err.Error(), "a bug") {
		t.Errorf("the commit that panicked returned %v", err)
	}
	if _, err := s.PutState(context.Background(), webhook.NewState("crm", 0, time.Now())); err != nil {
		t.Errorf("the next commit: %v", err)
	}
}

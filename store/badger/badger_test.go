package badger_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/badger"
	"github.com/sidehook/sidehook/store/storetest"
	"github.com/sidehook/sidehook/webhook"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) func() store.Store {
		dir := t.TempDir()
		return func() store.Store { return open(t, dir) }
	})
}

// What does not stay fresh is queued on disk, and is as good.
func TestStoreOfFewFresh(t *testing.T) {
	storetest.Run(t, func(t *testing.T) func() store.Store {
		dir := t.TempDir()
		return func() store.Store {
			s := open(t, dir)
			badger.FewFresh(s, 3, 6, 2)
			return s
		}
	})
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

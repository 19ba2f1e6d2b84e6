package badger_test

import (
	"context"
	"testing"
	"time"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/badger"
)

// A store that could not be opened again after a write that failed is opened by itself
// when the disk is well, also if nobody writes: what is owed must not wait for a call.
func TestTheStoreOpensAgainByItself(t *testing.T) {
	s := open(t, t.TempDir())
	failing := badger.NewFailing(s)
	badger.MendSoon(s)
	if _, err := record(s, small(1, 100)); err != nil {
		t.Fatal(err)
	}
	if badger.Break(s) == nil {
		t.Fatal("nothing broke")
	}
	failing.At(1)
	if err := s.PutNotes(context.Background(), store.Note{Key: "a", Value: []byte("b")}); err == nil {
		t.Fatal("it was opened on a disk that fails")
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		ds, _, err := s.Claim(context.Background(), "crm", 0, start.Add(time.Hour), 10)
		switch {
		case err == nil && len(ds) == 1:
			return
		case time.Now().After(end):
			t.Fatalf("%d deliveries are given out: %v", len(ds), err)
		}
	}
}

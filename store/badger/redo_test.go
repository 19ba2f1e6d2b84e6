package badger

import (
	"context"
	"testing"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// interrupted leaves r as a death does after which its writes are as good as done:
// in a redo log of many parts.
func interrupted(t *testing.T, s *Store, r store.Record) {
	t.Helper()
	tx := newTx(s)
	if err := tx.begin(); err != nil {
		t.Fatal(err)
	}
	defer tx.end()
	p := &recording{Record: &r, result: new(store.Recorded)}
	if err := p.derive(func(k webhook.EntityKey) (*kept, error) { f, err := s.readLatest(k); return &f, err }); err != nil {
		t.Fatal(err)
	}
	if _, err := p.put(tx, false); err != nil {
		t.Fatal(err)
	}
	tx.keep()
	tx.finish()
	tx.keep()
	log := map[string]value{}
	for k, v := range tx.group.writes {
		log[string(keyRedo(uint32(len(log))))] = value{bytes: appendWrites(nil, map[string]value{k: v})}
	}
	log[string(keyReady())] = value{bytes: []byte{0, 0, 0, byte(len(log))}}
	if err := s.apply(log); err != nil {
		t.Fatal(err)
	}
}

// openAgain does what reopen does, up to what it reads.
func openAgain(s *Store) {
	s.views.renew(s.db.Load())
	s.values.clear()
	s.events.clear()
}

// A snapshot is read while the store opens again and has yet to finish a large
// member: what is read then must not outlive that.
func TestWhatIsReadDuringARedoDoesNotStay(t *testing.T) {
	ctx := context.Background()
	s := openAt(t, t.TempDir())
	key := webhook.EntityKey{API: "a", Resource: "r", ID: "1"}
	mustRecord(t, s, changeOf(1, key))
	interrupted(t, s, changeOf(2, key))
	openAgain(s)
	if _, err := s.Snapshot(ctx, key); err != nil {
		t.Fatal(err)
	}
	if err := s.recover(); err != nil {
		t.Fatal(err)
	}
	got, err := s.Snapshot(ctx, key)
	if err != nil || got.Sequence != 2 {
		t.Errorf("after the redo, the snapshot is of sequence %d: %v", got.Sequence, err)
	}
	mustRecord(t, s, changeOf(3, key))
	es, err := s.Events(ctx, store.EventQuery{Resource: "r", ID: "1"})
	if err != nil {
		t.Fatal(err)
	}
	if len(es) != 3 {
		t.Errorf("%d events of 3", len(es))
	}
}

// What is as good as done is done in the end, as often as reading it fails.
func TestARedoWhoseReadsFail(t *testing.T) {
	s := openAt(t, t.TempDir())
	f := NewFailing(s)
	key := webhook.EntityKey{API: "a", Resource: "r", ID: "1"}
	mustRecord(t, s, changeOf(1, key))
	interrupted(t, s, changeOf(2, key))
	openAgain(s)
	for n, failed := int64(1), true; failed; n++ {
		f.At(n)
		err := s.recover()
		if failed = f.At(0); failed != isTrouble(err) || !failed && err != nil {
			t.Fatalf("read %d failed: %v, %v", n, failed, err)
		}
	}
	es, err := s.Events(context.Background(), store.EventQuery{Resource: "r", ID: "1"})
	if err != nil || len(es) != 2 {
		t.Errorf("%d events of 2: %v", len(es), err)
	}
	if keys, err := Keys(s); err != nil || keys["t"]+keys["T"] > 0 {
		t.Errorf("%d parts are left, and %d decisions: %v", keys["t"], keys["T"], err)
	}
}

// A part of what is queued later never takes the place of another one.
func TestTheNumberOfARestThatCannotBeRead(t *testing.T) {
	s := openAt(t, t.TempDir())
	f := NewFailing(s)
	if err := s.apply(map[string]value{string(keyRest(7, 0)): {bytes: []byte{}}}); err != nil {
		t.Fatal(err)
	}
	s.views.renew(s.db.Load())
	tx := newTx(s)
	if err := tx.begin(); err != nil {
		t.Fatal(err)
	}
	defer tx.end()
	f.At(1)
	if err := tx.putRest(7, make([]webhook.Delivery, 1)); !isTrouble(err) {
		t.Errorf("the parts that are there cannot be read, and it says %v", err)
	}
	if n, err := tx.nextRest(7); n != 1 || err != nil {
		t.Errorf("the next number is %d, want 1: %v", n, err)
	}
}

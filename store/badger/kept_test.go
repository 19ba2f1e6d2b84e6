package badger_test

import (
	"context"
	"testing"

	"github.com/sidehook/sidehook/store/badger"
	"github.com/sidehook/sidehook/webhook"
)

// Whoever makes subscriptions and deletes them leaves no queues behind.
func TestTheQueueOfASubscriptionGoesWithIt(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	ctx := context.Background()
	if _, err := record(s, small(1, 1)); err != nil {
		t.Fatal(err)
	}
	if err := s.DropKept(ctx, "crm"); err != nil {
		t.Fatal(err)
	}
	ds, _, err := s.Claim(ctx, "crm", 0, start, 1)
	if err != nil || len(ds) != 1 {
		t.Fatalf("while something is owed it is given out: %d, %v", len(ds), err)
	}
	a := webhook.Attempt{Delivery: ds[0].ID, Number: 1, Started: start, Outcome: webhook.Accepted}
	if err := s.Settle(ctx, webhook.Settlement{Delivery: ds[0].After(a, nil), Attempt: &a}); err != nil {
		t.Fatal(err)
	}
	if n := badger.Lines(s); n != 1 {
		t.Errorf("%d queues, want 1", n)
	}
	if err := s.DropKept(ctx, "crm"); err != nil {
		t.Fatal(err)
	}
	now := badger.Lines(s)
	s.Close()
	if then := badger.Lines(open(t, dir)); now != 0 || then != 0 {
		t.Errorf("%d queues, and %d after a restart, want none", now, then)
	}
}

package badger_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/badger"
	"github.com/sidehook/sidehook/store/storetest"
	"github.com/sidehook/sidehook/webhook"
)

// Whichever read fails of whatever is done: it says so, nothing comes of it, and
// when it is done again all is as if nothing had failed.
func TestStoreOnADiskThatFails(t *testing.T) {
	storetest.Run(t, func(t *testing.T) func() store.Store {
		var f *badger.Failing
		open := opener(t, func(s *badger.Store) {
			badger.FewFresh(s, 3, 6, 2)
			f = badger.NewFailing(s)
		})
		return func() store.Store {
			return &failing{Store: open().(*badger.Store), t: t, f: f}
		}
	})
}

// failing is a store that is read from a disk that fails.
type failing struct {
	*badger.Store
	t  *testing.T
	f  *badger.Failing
	mu sync.Mutex // one deed at a time

	records atomic.Int64
}

// try does something as often as one of its first reads fails, whichever, and
// then once more.
func try[T any](s *failing, do func() (T, error)) (T, error) { return tryFrom(s, 1, do) }

// tryFrom is try from the n-th read on.
func tryFrom[T any](s *failing, n int64, do func() (T, error)) (T, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for ; ; n += 1 + n/32 {
		s.f.At(n)
		got, err := do()
		switch failed := s.f.At(0); {
		case !failed || err == nil:
			return got, err
		case !badger.IsTrouble(err):
			s.t.Errorf("read %d failed: %v", n, err)
		}
	}
}

// try is try of what returns an error only.
func (s *failing) try(do func() error) error {
	_, err := try(s, func() (struct{}, error) { return struct{}{}, do() })
	return err
}

// looking returns what has a look begin again.
func looking(l **store.Looking) (again func()) {
	if *l == nil {
		return func() {}
	}
	first := **l
	return func() { **l = first }
}

// Record reads snapshots again where that fails, and is done then: so each call begins
// with another read.
func (s *failing) Record(ctx context.Context, rs []store.Record) ([]store.Recorded, error) {
	return tryFrom(s, 1+s.records.Add(1)%16, func() ([]store.Recorded, error) { return s.Store.Record(ctx, rs) })
}

func (s *failing) DropMarks(ctx context.Context, segment uint64) error {
	return s.try(func() error { return s.Store.DropMarks(ctx, segment) })
}

func (s *failing) DropMarksBelow(ctx context.Context, segment uint64) error {
	return s.try(func() error { return s.Store.DropMarksBelow(ctx, segment) })
}

func (s *failing) Snapshot(ctx context.Context, k webhook.EntityKey) (webhook.Snapshot, error) {
	return try(s, func() (webhook.Snapshot, error) { return s.Store.Snapshot(ctx, k) })
}

func (s *failing) PutNotes(ctx context.Context, notes ...store.Note) error {
	return s.try(func() error { return s.Store.PutNotes(ctx, notes...) })
}

func (s *failing) Notes(ctx context.Context, prefix string, max int) ([]store.Note, error) {
	return try(s, func() ([]store.Note, error) { return s.Store.Notes(ctx, prefix, max) })
}

func (s *failing) Quarantined(ctx context.Context, max int) ([]store.Quarantined, error) {
	return try(s, func() ([]store.Quarantined, error) { return s.Store.Quarantined(ctx, max) })
}

func (s *failing) Quarantine(ctx context.Context, q store.Quarantined) error {
	return s.try(func() error { return s.Store.Quarantine(ctx, q) })
}

func (s *failing) Unquarantine(ctx context.Context, id webhook.ExchangeID) error {
	return s.try(func() error { return s.Store.Unquarantine(ctx, id) })
}

func (s *failing) Claim(ctx context.Context, sub webhook.SubscriptionID, through uint64, now time.Time, max int) (ds []webhook.Delivery, next time.Time, err error) {
	err = s.try(func() error {
		ds, next, err = s.Store.Claim(ctx, sub, through, now, max)
		return err
	})
	return ds, next, err
}

func (s *failing) Settle(ctx context.Context, all ...webhook.Settlement) error {
	return s.try(func() error { return s.Store.Settle(ctx, all...) })
}

func (s *failing) Retry(ctx context.Context, id webhook.DeliveryID, now time.Time) (*webhook.Delivery, error) {
	return try(s, func() (*webhook.Delivery, error) { return s.Store.Retry(ctx, id, now) })
}

// Release counts what was released before it failed.
func (s *failing) Release(ctx context.Context, sub webhook.SubscriptionID, now time.Time) (all int, err error) {
	err = s.try(func() error {
		n, err := s.Store.Release(ctx, sub, now)
		all += n
		return err
	})
	return all, err
}

func (s *failing) Backlogs(ctx context.Context) ([]webhook.Backlog, error) {
	return try(s, func() ([]webhook.Backlog, error) { return s.Store.Backlogs(ctx) })
}

func (s *failing) States(ctx context.Context) ([]webhook.SubscriptionState, error) {
	return try(s, func() ([]webhook.SubscriptionState, error) { return s.Store.States(ctx) })
}

func (s *failing) PutState(ctx context.Context, st webhook.SubscriptionState) (webhook.SubscriptionState, error) {
	return try(s, func() (webhook.SubscriptionState, error) { return s.Store.PutState(ctx, st) })
}

func (s *failing) AllKept(ctx context.Context) ([]store.Kept, error) {
	return try(s, func() ([]store.Kept, error) { return s.Store.AllKept(ctx) })
}

func (s *failing) PutKept(ctx context.Context, k store.Kept, st *webhook.SubscriptionState) error {
	return s.try(func() error { return s.Store.PutKept(ctx, k, st) })
}

func (s *failing) DropKept(ctx context.Context, id webhook.SubscriptionID) error {
	return s.try(func() error { return s.Store.DropKept(ctx, id) })
}

func (s *failing) AllReplays(ctx context.Context) ([]webhook.Replay, error) {
	return try(s, func() ([]webhook.Replay, error) { return s.Store.AllReplays(ctx) })
}

func (s *failing) PutReplay(ctx context.Context, r webhook.Replay, now time.Time, ds ...webhook.Delivery) (webhook.Replay, error) {
	return try(s, func() (webhook.Replay, error) { return s.Store.PutReplay(ctx, r, now, ds...) })
}

func (s *failing) Event(ctx context.Context, id webhook.EventID) (*webhook.Event, error) {
	return try(s, func() (*webhook.Event, error) { return s.Store.Event(ctx, id) })
}

func (s *failing) EventHead(ctx context.Context, id webhook.EventID) (*webhook.Event, error) {
	return try(s, func() (*webhook.Event, error) { return s.Store.EventHead(ctx, id) })
}

func (s *failing) Events(ctx context.Context, q store.EventQuery) ([]webhook.Event, error) {
	again := looking(&q.Looking)
	return try(s, func() ([]webhook.Event, error) { again(); return s.Store.Events(ctx, q) })
}

func (s *failing) Delivery(ctx context.Context, id webhook.DeliveryID) (*webhook.Delivery, error) {
	return try(s, func() (*webhook.Delivery, error) { return s.Store.Delivery(ctx, id) })
}

func (s *failing) Deliveries(ctx context.Context, q store.DeliveryQuery) ([]webhook.Delivery, error) {
	again := looking(&q.Looking)
	return try(s, func() ([]webhook.Delivery, error) { again(); return s.Store.Deliveries(ctx, q) })
}

func (s *failing) Attempts(ctx context.Context, id webhook.DeliveryID) ([]webhook.Attempt, error) {
	return try(s, func() ([]webhook.Attempt, error) { return s.Store.Attempts(ctx, id) })
}

func (s *failing) Sight(ctx context.Context, sub webhook.SubscriptionID, k webhook.EntityKey) (webhook.Sight, error) {
	return try(s, func() (webhook.Sight, error) { return s.Store.Sight(ctx, sub, k) })
}

// Erase counts what was erased before it failed.
func (s *failing) Erase(ctx context.Context, e store.Erasure) (all store.Erased, err error) {
	err = s.try(func() error {
		out, err := s.Store.Erase(ctx, e)
		all.Entities += out.Entities
		all.Events += out.Events
		all.Deliveries += out.Deliveries
		all.Owed += out.Owed
		all.Copies += out.Copies
		return err
	})
	return all, err
}

func (s *failing) Maintain(ctx context.Context, k store.Keep) (bool, error) {
	return try(s, func() (bool, error) { return s.Store.Maintain(ctx, k) })
}

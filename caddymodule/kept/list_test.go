package kept_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/sidehook/sidehook/caddymodule/kept"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// numbered is subscription n as it is in use; deleted, as it is until it is forgotten.
func numbered(n int, deleted bool) *kept.Subscription {
	id := webhook.SubscriptionID(fmt.Sprintf("sub_%d", n*7919%10007)) // in another order than they were made
	k := &kept.Subscription{Kept: store.Kept{ID: id}}
	if deleted {
		k.Deleted = time.Now()
		return k
	}
	k.Ready = &webhook.Subscription{ID: id, Number: uint64(n)}
	return k
}

// wantList fails unless l has the subscriptions of want, by their numbers, true: in use.
func wantList(t *testing.T, l *kept.List, want map[int]bool) {
	t.Helper()
	var used, deleted []int
	for n, use := range want {
		k := numbered(n, !use)
		if got := l.Get(k.ID); got == nil || (got.Ready != nil) != use {
			t.Fatalf("%d is %+v, want one in use: %t", n, got, use)
		}
		if use {
			used = append(used, n)
		} else {
			deleted = append(deleted, n)
		}
	}
	slices.Sort(used)
	all, subs := l.All(), l.InUse()
	if len(all) != len(used) || len(subs) != len(used) || len(l.Known()) != len(want) || len(l.Deleted()) != len(deleted) {
		t.Fatalf("%d in order, %d in use, %d known and %d deleted, want %d, %d and %d", len(all), len(subs), len(l.Known()), len(l.Deleted()), len(used), len(want), len(deleted))
	}
	for i, n := range used {
		if all[i].Ready.Number != uint64(n) || subs[i] != all[i].Ready {
			t.Fatalf("place %d has number %d and %d, want %d", i, all[i].Ready.Number, subs[i].Number, n)
		}
	}
}

// A list has what was put into it last, oldest first, without what is deleted; a list
// that was replaced stays as it was.
func TestAListIsReplaced(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var l *kept.List
	wantList(t, l, nil)
	if l.Get("sub_1") != nil {
		t.Error("an empty list has one")
	}
	want := map[int]bool{}
	for step := range 600 {
		was, had := l, len(l.Known())
		n := 1 + r.IntN(150)
		switch r.IntN(4) {
		case 0:
			l = l.Put(numbered(n, true))
			want[n] = false
		case 1:
			l = l.Without(numbered(n, true).ID)
			delete(want, n)
		default:
			l = l.Put(numbered(n, false))
			want[n] = true
		}
		if len(was.Known()) != had || l == was {
			t.Fatalf("step %d changed a list that was replaced", step)
		}
		if step%20 == 0 {
			wantList(t, l, want)
		}
	}
	known := l.Known()
	r.Shuffle(len(known), func(i, j int) { known[i], known[j] = known[j], known[i] })
	wantList(t, kept.NewList(known), want)
}

package caddymodule

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/sidehook/sidehook/webhook"
)

// manyKept keeps n subscriptions, each of a tenant of its own, without the disk.
func manyKept(t testing.TB, e *engine, n int) {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	var all []*keptSubscription
	for i := range n {
		k := newKept(newSecret("standard"))
		k.Tenant = fmt.Sprint("t", i)
		k.body.Settings.Filter = fmt.Sprintf("entity.budget > %d", i)
		k.sub = k.build(k.Created)
		all = append(all, &k)
	}
	e.kept.Store(newKeptList(all))
	if err := e.apply(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// What is made, changed and deleted while others are is in force as it is on disk.
func TestChangesAtOnceAreInForceAsTheyAreOnDisk(t *testing.T) {
	dir, bg := t.TempDir(), context.Background()
	e, err := engineWith(t, dir, firstKey)
	if err != nil {
		t.Fatal(err)
	}
	var writers sync.WaitGroup
	for range 4 {
		writers.Go(func() {
			for i := range 12 {
				k, err := e.putKept(bg, newKept(newSecret("standard")), nil)
				for range 2 {
					if err != nil {
						t.Error(err)
						return
					}
					next := *k
					next.Revision++
					settings := *k.body.Settings
					settings.PauseAfter = i + 1
					next.body.Settings = &settings
					k, err = e.putKept(bg, next, nil)
				}
				if i%3 == 0 {
					if err := e.deleteKept(bg, k); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	writers.Wait()
	inForce := func(e *engine) map[webhook.SubscriptionID]string {
		got := map[webhook.SubscriptionID]string{}
		wants, err := e.want(&webhook.Event{ID: "evt_1", Scope: "project.created", Key: webhook.EntityKey{Resource: "project"}})
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range wants {
			s := w.Subscription
			k := e.kept.Load().get(s.ID)
			st, known := e.deliverer.State(s.ID)
			if k == nil || k.sub != s || !known || st.Number != s.Number || !e.current().has(s.ID) {
				t.Errorf("%s is not what it is elsewhere: %+v, %+v", s.ID, k, st)
			}
			got[s.ID] = fmt.Sprint(s.Number, s.PauseAfter)
		}
		if len(got) != len(e.kept.Load().all()) || len(got) != 4*8 {
			t.Errorf("%d are in force, %d are listed, want 32", len(got), len(e.kept.Load().all()))
		}
		return got
	}
	before := inForce(e)
	e.close()
	if e, err = engineWith(t, dir, firstKey); err != nil {
		t.Fatal(err)
	}
	defer e.close()
	for id, want := range before {
		if got := inForce(e)[id]; got != want {
			t.Errorf("%s was %q and came back as %q", id, want, got)
		}
	}
}

// One creation beside 10,000 there are, on disk and in force.
func BenchmarkCreatingAmongTenThousand(b *testing.B) {
	e, err := openEngine(b.TempDir(), engineOptions{Logger: discard()})
	if err != nil {
		b.Fatal(err)
	}
	defer e.close()
	sealer, err := newSealer(firstKey)
	if err != nil {
		b.Fatal(err)
	}
	if err := e.activate(context.Background(), plainSettings(b, sealer)); err != nil {
		b.Fatal(err)
	}
	manyKept(b, e, maxKept-1)
	made, err := e.putKept(context.Background(), newKept(newSecret("standard")), nil)
	for b.Loop() {
		if err != nil {
			b.Fatal(err)
		}
		next := *made
		next.Revision++
		made, err = e.putKept(context.Background(), next, nil)
	}
}

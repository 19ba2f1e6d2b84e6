package engine

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/sidehook/sidehook/caddymodule/kept"
	"github.com/sidehook/sidehook/webhook"
)

// manyKept keeps n subscriptions, each of a tenant of its own, without the disk.
func manyKept(t testing.TB, e *Engine, n int) {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	var all []*kept.Subscription
	for i := range n {
		k := newKept(kept.NewSecret("standard"))
		k.Tenant = fmt.Sprint("t", i)
		k.Content.Settings.Filter = fmt.Sprintf("entity.budget > %d", i)
		k.Ready = k.Build(k.Created)
		all = append(all, &k)
	}
	e.kept.Store(kept.NewList(all))
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
				k, err := e.PutKept(bg, newKept(kept.NewSecret("standard")), nil)
				for range 2 {
					if err != nil {
						t.Error(err)
						return
					}
					next := *k
					next.Revision++
					settings := *k.Content.Settings
					settings.PauseAfter = i + 1
					next.Content.Settings = &settings
					k, err = e.PutKept(bg, next, nil)
				}
				if i%3 == 0 {
					if err := e.DeleteKept(bg, k); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	writers.Wait()
	inForce := func(e *Engine) map[webhook.SubscriptionID]string {
		got := map[webhook.SubscriptionID]string{}
		wants, err := e.want(&webhook.Event{ID: "evt_1", Scope: "project.created", Key: webhook.EntityKey{Resource: "project"}})
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range wants {
			s := w.Subscription
			k := e.Kept().Get(s.ID)
			st, known := e.Deliverer.State(s.ID)
			if k == nil || k.Ready != s || !known || st.Number != s.Number || !e.Current().Has(s.ID) {
				t.Errorf("%s is not what it is elsewhere: %+v, %+v", s.ID, k, st)
			}
			got[s.ID] = fmt.Sprint(s.Number, s.PauseAfter)
		}
		if len(got) != len(e.Kept().All()) || len(got) != 4*8 {
			t.Errorf("%d are in force, %d are listed, want 32", len(got), len(e.Kept().All()))
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
	e, err := Open(b.TempDir(), discard())
	if err != nil {
		b.Fatal(err)
	}
	defer e.close()
	sealer, err := kept.NewSealer(firstKey)
	if err != nil {
		b.Fatal(err)
	}
	if err := e.Activate(context.Background(), plainSettings(b, sealer)); err != nil {
		b.Fatal(err)
	}
	manyKept(b, e, MaxKept-1)
	made, err := e.PutKept(context.Background(), newKept(kept.NewSecret("standard")), nil)
	for b.Loop() {
		if err != nil {
			b.Fatal(err)
		}
		next := *made
		next.Revision++
		made, err = e.PutKept(context.Background(), next, nil)
	}
}

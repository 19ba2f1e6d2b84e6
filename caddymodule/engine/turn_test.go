package engine

import (
	"context"
	"errors"
	"testing"

	"github.com/sidehook/sidehook/caddymodule/kept"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// turningStore sees what is on disk right behind the commit of a kept subscription;
// or there is no such commit.
type turningStore struct {
	store.Store
	full  bool
	state webhook.SubscriptionState
}

func (s *turningStore) PutKept(ctx context.Context, k store.Kept, st *webhook.SubscriptionState) error {
	if s.full {
		return store.ErrFull
	}
	if err := s.Store.PutKept(ctx, k, st); err != nil {
		return err
	}
	all, err := s.States(ctx)
	if len(all) == 1 {
		s.state = all[0]
	}
	return err
}

// What is changed and paused at once, or changed and resumed, is in one commit: a
// crash, or a full disk, leaves neither without the other.
func TestSettingsAndStatusAreOneChange(t *testing.T) {
	bg := context.Background()
	e, err := Open(t.TempDir(), discard())
	if err != nil {
		t.Fatal(err)
	}
	defer e.close()
	disk := &turningStore{Store: e.Store}
	e.Store = disk
	if err := e.Activate(bg, emptySettings(t, firstKey)); err != nil {
		t.Fatal(err)
	}
	made, err := e.PutKept(bg, newKept(kept.NewSecret("standard")), nil)
	if err != nil {
		t.Fatal(err)
	}
	change := func(url string, active bool) error {
		next := *e.Kept().Get(made.ID)
		next.Revision++
		settings := *next.Content.Settings
		settings.URL, next.Content.Settings = url, &settings
		_, err := e.TurnKept(bg, next, Turning{Active: active, Reason: "api"})
		return err
	}
	stands := func(status webhook.Status, url string) {
		t.Helper()
		st, _ := e.Deliverer.State(made.ID)
		if now := e.Current().Subscribers.Subscription(made.ID); st.Status != status || disk.state.Status != status || now.URL != url || st.Number != 1 || now.Number != 1 {
			t.Errorf("it is %s, on disk %s, at %s, of number %d and %d; want %s at %s, of 1", st.Status, disk.state.Status, now.URL, st.Number, now.Number, status, url)
		}
	}
	for _, active := range []bool{false, true} {
		url, status := "https://a.example.com/", webhook.Paused
		if active {
			url, status = "https://b.example.com/", webhook.Active
		}
		if err := change(url, active); err != nil {
			t.Fatal(err)
		}
		stands(status, url)
	}
	disk.full = true
	if err := change("https://c.example.com/", false); !errors.Is(err, store.ErrFull) {
		t.Errorf("on a full disk: %v", err)
	}
	stands(webhook.Active, "https://b.example.com/")

	disk.full = false
	old := *made
	old.Revision++
	if _, err := e.TurnKept(bg, old, Turning{Reason: "api"}); !errors.Is(err, store.ErrChanged) {
		t.Errorf("a change of an old version: %v", err)
	}
	if err := e.DeleteKept(bg, e.Kept().Get(made.ID)); err != nil {
		t.Fatal(err)
	}
	if _, err := e.TurnKept(bg, old, Turning{Active: true}); !errors.Is(err, store.ErrChanged) {
		t.Errorf("a change of one that is deleted: %v", err)
	}
}

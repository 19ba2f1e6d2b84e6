package engine

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sidehook/sidehook/caddymodule/kept"
	"github.com/sidehook/sidehook/caddymodule/settings"
	"github.com/sidehook/sidehook/caddymodule/subscription"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// engineWith returns an engine on dir with a configuration that has only a key.
func engineWith(t *testing.T, dir string, keys ...string) (*Engine, error) {
	t.Helper()
	e, err := Open(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	err = e.Activate(context.Background(), emptySettings(t, keys...))
	return e, err
}

func emptySettings(t *testing.T, keys ...string) *settings.Set {
	t.Helper()
	s, err := kept.NewSealer(slices.DeleteFunc(keys, func(k string) bool { return k == "" })...)
	if err != nil {
		t.Fatal(err)
	}
	return plainSettings(t, s)
}

// plainSettings is a configuration that says nothing.
func plainSettings(t testing.TB, s *kept.Sealer) *settings.Set {
	t.Helper()
	subscribers, err := rules.NewSubscribers(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &settings.Set{Subscribers: subscribers, Sealer: s, Logger: discard()}
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

func newKept(secret string) kept.Subscription {
	k := kept.Subscription{Content: kept.Content{
		Settings: &subscription.Subscription{URL: "https://crm.example.com/hooks", Scopes: []string{"**"}},
		Secrets:  []kept.Secret{{Text: secret}},
	}}
	k.ID, k.Revision = kept.NewID(), 1
	return k
}

const (
	firstKey  = "the first key, of twenty-four bytes and more"
	secondKey = "the second key, of twenty-four bytes and more"
)

// What many make at once is all there after a restart, whatever the key was
// changed to meanwhile, and another key is refused.
func TestKeptSubscriptionsSurviveRestartsAndKeys(t *testing.T) {
	dir, bg := t.TempDir(), context.Background()
	e, err := engineWith(t, dir, "")
	if err != nil {
		t.Fatal(err)
	}
	const n = 20
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			made, err := e.PutKept(bg, newKept(kept.NewSecret("standard")), nil)
			if err != nil {
				t.Error(err)
			} else if !e.Current().Has(made.ID) {
				t.Error("one is not in force when it is answered")
			}
		})
	}
	all.Wait()
	for _, key := range []string{firstKey, secondKey} {
		if err := e.Activate(bg, emptySettings(t, key)); err != nil {
			t.Fatal(err)
		}
	}
	failed := emptySettings(t, firstKey) // another part of that configuration did not start
	if err := e.Activate(bg, failed); err != nil {
		t.Fatal(err)
	}
	e.Deactivate(failed)
	stored, err := e.Store.AllKept(bg)
	if err != nil {
		t.Fatal(err)
	}
	keyless, err := kept.NewSealer()
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range stored {
		if _, _, err := keyless.Open(k.ID, k.Body); err == nil || strings.Contains(string(k.Body), "whsec_") {
			t.Errorf("%s is not encrypted", k.ID)
		}
	}
	e.close()

	for _, wrong := range []string{"", firstKey} {
		e, err := engineWith(t, dir, wrong)
		if err == nil || !strings.Contains(err.Error(), "encryption_key") {
			t.Errorf("key %q: %v", wrong, err)
		}
		e.close()
	}
	e, err = engineWith(t, dir, secondKey)
	if err != nil {
		t.Fatal(err)
	}
	defer e.close()
	list := e.Kept().All()
	if len(list) != n {
		t.Fatalf("%d came back, want %d", len(list), n)
	}
	for i, k := range list {
		if k.Ready.Number != uint64(i+1) || len(k.Ready.Secrets) != 1 || !e.Current().Has(k.ID) {
			t.Errorf("%s came back as number %d with %d secrets", k.ID, k.Ready.Number, len(k.Ready.Secrets))
		}
	}
}

// A process dies while another key takes the place of the one there was: some are
// sealed by the one, some by the other. With both it starts, and once it has only
// the new one is needed.
func TestAChangeOfTheKeyMayBeCutShort(t *testing.T) {
	dir, bg := t.TempDir(), context.Background()
	e, err := engineWith(t, dir, firstKey)
	if err != nil {
		t.Fatal(err)
	}
	var made []*kept.Subscription
	for range 3 {
		k, err := e.PutKept(bg, newKept(kept.NewSecret("standard")), nil)
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, k)
	}
	cut := *made[1]
	cut.Revision++
	sealed, err := cut.Seal(emptySettings(t, secondKey).Sealer)
	if err == nil {
		err = e.Store.PutKept(bg, sealed, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	e.close()

	for _, alone := range []string{firstKey, secondKey} {
		e, err := engineWith(t, dir, alone)
		if err == nil || !strings.Contains(err.Error(), "encryption_key {env.NEW} {env.OLD}") {
			t.Errorf("with one key: %v", err)
		}
		e.close()
	}
	for _, keys := range [][]string{{secondKey, firstKey}, {secondKey}} {
		if e, err = engineWith(t, dir, keys...); err != nil {
			t.Fatal(err)
		}
		if n := len(e.Kept().All()); n != 3 {
			t.Errorf("%d came back", n)
		}
		e.close()
	}
}

// A configuration that does not come into force changes no key: who goes back to the
// one before, and starts anew, has that one's.
func TestAReloadThatFailsChangesNoKey(t *testing.T) {
	dir, bg := t.TempDir(), context.Background()
	e, err := engineWith(t, dir, firstKey)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.PutKept(bg, newKept(kept.NewSecret("standard")), nil); err != nil {
		t.Fatal(err)
	}
	bad := emptySettings(t, secondKey)
	bad.Egress = &webhook.Egress{Proxy: webhook.NewSecret("http://in valid:port")}
	if err := e.Activate(bg, bad); err == nil {
		t.Fatal("it came into force")
	}
	e.close()
	if e, err = engineWith(t, dir, firstKey); err != nil {
		t.Error(err)
	}
	e.close()
}

// Of two changes of one version one is refused, and what was deleted stays so.
func TestChangesOfKeptSubscriptionsFollowEachOther(t *testing.T) {
	dir, bg := t.TempDir(), context.Background()
	e, err := engineWith(t, dir, firstKey)
	if err != nil {
		t.Fatal(err)
	}
	made, err := e.PutKept(bg, newKept(kept.NewSecret("standard")), nil)
	if err != nil {
		t.Fatal(err)
	}
	next := *made
	next.Revision++
	if _, err := e.PutKept(bg, next, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := e.PutKept(bg, next, nil); !errors.Is(err, store.ErrChanged) {
		t.Errorf("a change of an old version: %v", err)
	}
	if err := e.DeleteKept(bg, made); !errors.Is(err, store.ErrChanged) {
		t.Errorf("a deletion of an old version: %v", err)
	}
	if err := e.DeleteKept(bg, e.Kept().Get(made.ID)); err != nil {
		t.Fatal(err)
	}
	e.close()
	if e, err = engineWith(t, dir, firstKey); err != nil {
		t.Fatal(err)
	}
	defer e.close()
	if e.Current().Has(made.ID) || len(e.Deliverer.States()) > 0 {
		t.Error("a deleted one is there")
	}
	if err := e.forgetKept(bg, e.Kept().Get(made.ID)); err != nil {
		t.Fatal(err)
	}
	if states, err := e.Store.States(bg); err != nil || len(states) > 0 {
		t.Errorf("its state stays: %v, %v", states, err)
	}
}

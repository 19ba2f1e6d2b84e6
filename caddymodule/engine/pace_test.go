package engine_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/sidehook/sidehook/caddymodule/engine"
	"github.com/sidehook/sidehook/caddymodule/problem"
	"github.com/sidehook/sidehook/webhook"
)

// Of each subscription a few tests may be sent at once, and then one after the
// other; what is refused uses nothing up, and says when to come again.
func TestTestsAreSentOneAfterTheOther(t *testing.T) {
	var p engine.TestPace
	start := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	at := func(after time.Duration, id webhook.SubscriptionID, want string) {
		t.Helper()
		err := p.Take(id, start.Add(after))
		var bad *problem.Details
		got := ""
		if errors.As(err, &bad) {
			got = fmt.Sprint(bad.Status, " ", bad.Header.Get("Retry-After"))
		}
		if got != want {
			t.Errorf("%s after %v: %q, want %q (%v)", id, after, got, want, err)
		}
	}
	for range engine.TestBurst {
		at(0, "one", "")
	}
	const refused = "429 1"
	for range 3 {
		at(0, "one", refused)
	}
	at(0, "two", "")
	at(engine.TestEvery-1, "one", refused)
	at(engine.TestEvery, "one", "")
	at(engine.TestEvery, "one", refused)
	for range engine.TestBurst {
		at(time.Hour, "one", "")
	}
	at(time.Hour, "one", refused)
}

// However many subscriptions are made, tested and deleted, no more is held than of
// as many as there may be, and those that are known go on.
func TestThePaceOfTestsIsBounded(t *testing.T) {
	var p engine.TestPace
	now := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	id := func(i int) webhook.SubscriptionID { return webhook.SubscriptionID(fmt.Sprint("sub_", i)) }
	for i := range engine.MaxKept {
		if err := p.Take(id(i), now); err != nil {
			t.Fatal(err)
		}
	}
	var bad *problem.Details
	if err := p.Take("sub_new", now); !errors.As(err, &bad) || bad.Status != http.StatusTooManyRequests {
		t.Errorf("one more: %v, want 429", err)
	}
	if err := p.Take(id(0), now); err != nil {
		t.Errorf("one that is known: %v", err)
	}
	if n := p.Held(); n != engine.MaxKept {
		t.Errorf("%d are held, want %d", n, engine.MaxKept)
	}
	if err := p.Take("sub_new", now.Add(engine.TestEvery)); err != nil {
		t.Errorf("later: %v", err)
	}
	if n := p.Held(); n != 2 {
		t.Errorf("%d are held after that, want the new one and the one that had two", n)
	}
}

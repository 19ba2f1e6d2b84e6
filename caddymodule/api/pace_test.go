package api_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/sidehook/sidehook/caddymodule/api"
	"github.com/sidehook/sidehook/caddymodule/engine"
	"github.com/sidehook/sidehook/caddymodule/problem"
	"github.com/sidehook/sidehook/webhook"
)

var paceStart = time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)

// refusalOf returns status and Retry-After of a refusal, "" if err is nil.
func refusalOf(err error) string {
	var bad *problem.Details
	if !errors.As(err, &bad) {
		return ""
	}
	return fmt.Sprint(bad.Status, " ", bad.Header.Get("Retry-After"))
}

// Of each subscription a few tests may be sent at once, and then one after the
// other; what is refused uses nothing up, and says when to come again. The operator
// is held to that too.
func TestTestsAreSentOneAfterTheOther(t *testing.T) {
	var p api.HandPace
	at := func(after time.Duration, id webhook.SubscriptionID, want string) {
		t.Helper()
		if err := p.Test(id, api.Paced{Operator: true}, paceStart.Add(after)); refusalOf(err) != want {
			t.Errorf("%s after %v: %v, want %q", id, after, err, want)
		}
	}
	for range api.TestBurst {
		at(0, "one", "")
	}
	const refused = "429 1"
	for range 3 {
		at(0, "one", refused)
	}
	at(0, "two", "")
	at(api.TestEvery-1, "one", refused)
	at(api.TestEvery, "one", "")
	at(api.TestEvery, "one", refused)
	for range api.TestBurst {
		at(time.Hour, "one", "")
	}
	at(time.Hour, "one", refused)
}

// However many subscriptions a caller has, and deletes and makes anew, no more
// requests are made for it by hand than a caller may; retries count too. Another
// caller, of the same name in another tenant even, is not held up, nor is the
// operator; and what is refused uses nothing up, of the subscription neither.
func TestManySubscriptionsOfACallerArePacedTogether(t *testing.T) {
	var p api.HandPace
	ann := api.Paced{Owner: "ann", Tenant: "acme"}
	n := 0
	test := func(who api.Paced, after time.Duration) error {
		n++
		return p.Test(webhook.SubscriptionID(fmt.Sprint("sub_", n)), who, paceStart.Add(after))
	}
	retry := func(who api.Paced, after time.Duration) error { return p.Retry(who, paceStart.Add(after)) }
	for i := range api.HandBurst {
		ask := test
		if i%2 == 0 {
			ask = retry
		}
		if err := ask(ann, 0); err != nil {
			t.Fatalf("request %d: %v", i+1, err)
		}
	}
	const refused = "429 1"
	for range 3 {
		if err := test(ann, 0); refusalOf(err) != refused {
			t.Errorf("a test of a new subscription: %v", err)
		}
		if err := retry(ann, api.HandEvery-1); refusalOf(err) != refused {
			t.Errorf("a retry: %v", err)
		}
	}
	for _, other := range []api.Paced{{Owner: "bob", Tenant: "acme"}, {Owner: "ann", Tenant: "other"}, {Tenant: "acme"}, {Operator: true}} {
		if err := errors.Join(test(other, 0), retry(other, 0)); err != nil {
			t.Errorf("%+v: %v", other, err)
		}
	}
	for range api.TestBurst {
		if err := p.Test("sub_refused", ann, paceStart); refusalOf(err) != refused {
			t.Errorf("one more: %v", err)
		}
	}
	for i := range api.TestBurst {
		if err := p.Test("sub_refused", ann, paceStart.Add(time.Hour)); err != nil {
			t.Errorf("later, test %d of a subscription that was refused: %v", i+1, err)
		}
	}
	for range 2 * api.HandBurst {
		if err := errors.Join(test(api.Paced{Operator: true}, 0), retry(api.Paced{Operator: true}, 0)); err != nil {
			t.Fatalf("the operator: %v", err)
		}
	}
}

// However many subscriptions are made, tested and deleted, no more is held than of
// as many as there may be, and those that are known go on.
func TestThePaceOfTestsIsBounded(t *testing.T) {
	var p api.HandPace
	now, operator := paceStart, api.Paced{Operator: true}
	id := func(i int) webhook.SubscriptionID { return webhook.SubscriptionID(fmt.Sprint("sub_", i)) }
	for i := range engine.MaxKept {
		if err := p.Test(id(i), operator, now); err != nil {
			t.Fatal(err)
		}
	}
	var bad *problem.Details
	if err := p.Test("sub_new", operator, now); !errors.As(err, &bad) || bad.Status != http.StatusTooManyRequests {
		t.Errorf("one more: %v, want 429", err)
	}
	if err := p.Test(id(0), operator, now); err != nil {
		t.Errorf("one that is known: %v", err)
	}
	if n := p.Held(); n != engine.MaxKept {
		t.Errorf("%d are held, want %d", n, engine.MaxKept)
	}
	if err := p.Test("sub_new", operator, now.Add(api.TestEvery)); err != nil {
		t.Errorf("later: %v", err)
	}
	if n := p.Held(); n != 2 {
		t.Errorf("%d are held after that, want the new one and the one that had two", n)
	}
}

package look

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// The gate lets no API, and no subscriber, take all there is.
func TestGatesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g gates
		in := map[gateKey]int{}
		var leaves []func(bool)
		for _, k := range []gateKey{{"one", "a"}, {"one", "b"}, {"two", "a"}} {
			for range 3 * looksOfOne {
				if _, leave := g.enter(t.Context(), k); leave != nil {
					in[k]++
					leaves = append(leaves, leave)
				}
			}
			if in[k] != looksOfOne {
				t.Errorf("%v: %d GETs at once, want %d", k, in[k], looksOfOne)
			}
		}
		begin := time.Now()
		var light []func(bool)
		for _, sub := range []webhook.SubscriptionID{"c", "d", "e", "f"} {
			for range looksOfRight { // while others are slow
				_, leave := g.enter(t.Context(), gateKey{"one", sub})
				if leave == nil || !time.Now().Equal(begin) {
					t.Fatalf("%s has no slot at once while others have all that may be shared", sub)
				}
				light = append(light, leave)
			}
		}
		if until, leave := g.enter(t.Context(), gateKey{"one", "c"}); leave != nil || time.Since(begin) < getTimeout || until.Before(time.Now()) {
			t.Errorf("beyond %d of one API one waited %v", looksOfAPI, time.Since(begin))
		}
		for _, leave := range light {
			leave(true)
		}
		for _, leave := range leaves {
			leave(false)
		}
		if until, leave := g.enter(t.Context(), gateKey{"one", "a"}); leave != nil || !until.After(time.Now()) {
			t.Error("after failures in a row it is asked at once")
		}
		if _, leave := g.enter(t.Context(), gateKey{"one", "c"}); leave == nil {
			t.Error("what others asked for makes the API look sick")
		} else {
			leave(true)
		}
		time.Sleep(2 * shutMost)
		_, leave := g.enter(t.Context(), gateKey{"one", "a"})
		if _, second := g.enter(t.Context(), gateKey{"one", "a"}); leave == nil || second != nil {
			t.Error("one tries, and one only")
		}
		leave(true)
		for _, k := range []gateKey{{"one", "b"}, {"two", "a"}} {
			_, leave := g.enter(t.Context(), k)
			leave(true)
		}
		if len(g.of) > 0 || g.all > 0 {
			t.Errorf("left behind: %d gates, %d inside", len(g.of), g.all)
		}
	})
}

// Of those that wait, who has the fewest GETs under way is next: two subscriptions
// whose GETs are slow, and succeed, hold a third back for one GET at most.
func TestGatesTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g gates
		done := map[webhook.SubscriptionID]int{}
		var mu sync.Mutex
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		for _, c := range []struct {
			sub     webhook.SubscriptionID
			workers int
		}{{"slow1", 16}, {"slow2", 16}, {"slow3", 16}, {"light", 2}} {
			for range c.workers {
				go func() {
					for ctx.Err() == nil {
						until, leave := g.enter(ctx, gateKey{"one", c.sub})
						if leave == nil {
							time.Sleep(time.Until(until))
							continue
						}
						time.Sleep(4 * time.Second)
						leave(true)
						mu.Lock()
						done[c.sub]++
						mu.Unlock()
					}
				}()
			}
		}
		time.Sleep(10 * time.Minute)
		cancel()
		time.Sleep(time.Minute)
		mu.Lock()
		defer mu.Unlock()
		if want := 2 * 10 * 60 / 4; done["light"] < want-4 {
			t.Errorf("the light one had %d GETs, want %d, all that it could make; the others %v", done["light"], want, done)
		}
		if sum := done["slow1"] + done["slow2"] + done["slow3"]; sum < 30*10*60/4 {
			t.Errorf("the others had %v: slots stay empty", done)
		}
	})
}

// However many subscriptions ask, so many GETs at most wait for one API, and so many for
// all: what is beyond them holds up no attempt. Who has some already leaves the rest to
// others, and those who wait begin in their order, as soon as another leaves.
func TestWhatWaitsForAnAPIIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g gates
		in := map[string][]*waiter{}
		admit := func(api string, sub int) *waiter {
			w, until := g.admit(gateKey{api, webhook.SubscriptionID(fmt.Sprint(sub))})
			if w != nil {
				in[api] = append(in[api], w)
			} else if !until.Equal(time.Now().Add(busyWait)) {
				t.Errorf("one that is not let in is told to come again at %v", until)
			}
			return w
		}
		for sub := range looksAtAPI - looksReserved {
			admit("one", sub)
		}
		for range looksOfRight {
			if admit("one", -1) == nil {
				t.Error("the first of a subscription are not let in")
			}
		}
		if admit("one", -1) != nil {
			t.Error("one more of a subscription takes what is left for others")
		}
		for _, api := range []string{"one", "two", "three"} {
			for sub := range looksAtAPI {
				admit(api, 1000+sub)
			}
		}
		if one, two, three := len(in["one"]), len(in["two"]), len(in["three"]); one != looksAtAPI || two != looksInAll-looksAtAPI || three != 0 {
			t.Errorf("%d, %d and %d are in, want %d of an API and %d in all", one, two, three, looksAtAPI, looksInAll)
		}
		for i, w := range in["one"] {
			if i < looksOfAPI != begun(w) {
				t.Errorf("the GET %d has begun: %t, want the first %d", i, begun(w), looksOfAPI)
			}
		}
		g.left(gateKey{"one", "0"}, true)
		if !begun(in["one"][looksOfAPI]) || begun(in["one"][looksOfAPI+1]) {
			t.Error("another leaves, and it is not the next one that begins")
		}
	})
}

func begun(w *waiter) bool {
	select {
	case <-w.begin:
		return true
	default:
		return false
	}
}

// How often one was told to wait is forgotten when the API has said something, and of no
// more than so many is it known.
func TestTriesAreForgotten(t *testing.T) {
	var tries tries
	for n := range 3 * maxTries {
		if tries.next(webhook.DeliveryID(fmt.Sprint(n))); len(tries.of) > maxTries {
			t.Fatalf("%d are known", len(tries.of))
		}
	}
	first := func(id webhook.DeliveryID) bool {
		wait := tries.next(id)
		return wait >= waitFirst && wait <= waitFirst+waitFirst/10
	}
	if !first("a") || first("a") {
		t.Error("the second wait is no longer than the first")
	}
	if tries.end("a"); !first("a") {
		t.Error("the first wait after an answer is longer than others")
	}
}

// Subscriptions that come, fail and are deleted leave nothing behind for ever, and take
// from nobody what is under way.
func TestGatesOfTheDeletedAreBounded(t *testing.T) {
	var g gates
	last := gateKey{"shop", "last"}
	if w, until := g.admit(last); w == nil {
		t.Fatal("not admitted until", until)
	}
	for i := range 3 * maxGates {
		k := gateKey{"shop", webhook.SubscriptionID(fmt.Sprint("sub_", i))}
		if w, until := g.admit(k); w == nil {
			t.Fatal("not admitted until", until)
		}
		g.left(k, false)
		if len(g.of) > maxGates {
			t.Fatalf("%d gates are known, want %d at most", len(g.of), maxGates)
		}
	}
	g.left(last, true)
	if g.all != 0 || g.apis["shop"].inside != 0 {
		t.Errorf("%d are inside still", g.all)
	}
}

// Of one API 40 GETs are made at once, of all 128 are under way or wait; one subscription
// has 16 of these: docs/delivery.md says so.
func TestHowManyGETsThereAre(t *testing.T) {
	var g gates
	begun, inside := 0, map[string]int{}
	for _, api := range []string{"one", "two", "three"} {
		for i := range 100 {
			w, _ := g.admit(gateKey{api, webhook.SubscriptionID(fmt.Sprint(i))})
			if w == nil {
				continue
			}
			inside[api]++
			select {
			case <-w.begin:
				begun++
			default:
			}
		}
	}
	if begun != 80 || inside["one"] != 64 || inside["two"] != 64 || inside["three"] != 0 {
		t.Errorf("%d are made, %v are inside; want 40 of two APIs, and 128", begun, inside)
	}
	var greedy gates // 8 of the 40 and of the 64 are for those that have fewer than two
	for i := range 400 {
		greedy.admit(gateKey{"one", webhook.SubscriptionID(fmt.Sprint(i / 100))})
		if i == 99 && greedy.all != 16 {
			t.Errorf("one subscription has %d, want 16", greedy.all)
		}
	}
	if of := greedy.apis["one"]; of.running != 36 || of.inside != 56 {
		t.Errorf("of four that ask for much %d are made and %d wait, want 36 (two of each of the last two) and 20", of.running, of.inside-of.running)
	}
}

// One whose GETs fail is asked at once four times, and now and then from the fifth on.
func TestFiveFailuresShutAGate(t *testing.T) {
	var g gates
	k := gateKey{"one", "a"}
	for i := range 5 {
		if w, until := g.admit(k); w == nil {
			t.Fatalf("after %d failures it is not asked until %v", i, until)
		}
		g.left(k, false)
	}
	if w, until := g.admit(k); w != nil || !until.After(time.Now()) {
		t.Error("after five failures it is asked at once")
	}
}

package derive_test

import (
	"context"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sidehook/sidehook/derive"
	"github.com/sidehook/sidehook/webhook"
)

var project5 = webhook.EntityKey{API: "default", Resource: "project", ID: "5"}

const gateTime = 300 * time.Millisecond

// answering returns a Fetch that takes so long and answers body.
func answering(after time.Duration, body string) derive.Fetch {
	return func(ctx context.Context) *webhook.Observation {
		select {
		case <-time.After(after):
			return &webhook.Observation{Status: 200, Body: webhook.Body{Bytes: []byte(body)}}
		case <-ctx.Done():
			return &webhook.Observation{Error: ctx.Err().Error()}
		}
	}
}

// traffic runs f in a bubble of fake time with a Traffic of its own.
func traffic(t *testing.T, f func(t *testing.T, tr *derive.Traffic)) {
	synctest.Test(t, func(t *testing.T) {
		tr := derive.NewTraffic()
		defer tr.Close()
		f(t, tr)
	})
}

func leave(c *derive.Call) webhook.ExchangeID {
	id := webhook.NewExchangeID(time.Now())
	c.Leave(id, time.Now())
	return id
}

func wantSeen(t *testing.T, tr *derive.Traffic, id webhook.ExchangeID, body string, concurrent bool) {
	t.Helper()
	seen, conc, live := tr.Wait(t.Context(), id)
	if !live {
		t.Fatal("the call is not known")
	}
	got := "nothing"
	if seen != nil {
		got = string(seen.Body.Bytes)
	}
	if got != body || conc != concurrent {
		t.Errorf("got %s, concurrent %v; want %s, concurrent %v", got, conc, body, concurrent)
	}
}

func TestAGetProvesTheCallThatWasAlone(t *testing.T) {
	traffic(t, func(t *testing.T, tr *derive.Traffic) {
		c := tr.Enter(t.Context(), project5, gateTime)
		id := leave(c)
		c.Observe(project5, answering(50*time.Millisecond, "v1"))
		wantSeen(t, tr, id, "v1", false)
	})
}

func TestTheGateHoldsTheNextCallUntilTheGetIsBack(t *testing.T) {
	traffic(t, func(t *testing.T, tr *derive.Traffic) {
		first := tr.Enter(t.Context(), project5, gateTime)
		id := leave(first)
		first.Observe(project5, answering(200*time.Millisecond, "v1"))
		start := time.Now()
		second := tr.Enter(t.Context(), project5, gateTime)
		if waited := time.Since(start); waited != 200*time.Millisecond {
			t.Errorf("the next call waited %v, want 200ms", waited)
		}
		wantSeen(t, tr, id, "v1", false)
		if leave(second); tr.Busy(webhook.EntityKey{}) {
			t.Error("an entity without calls is busy")
		}
		second.Settle()
	})
}

func TestTheGateHoldsNobodyLongerThanItMay(t *testing.T) {
	traffic(t, func(t *testing.T, tr *derive.Traffic) {
		first := tr.Enter(t.Context(), project5, gateTime)
		firstID := leave(first)
		first.Observe(project5, answering(time.Second, "stale"))
		start := time.Now()
		second := tr.Enter(t.Context(), project5, gateTime)
		if waited := time.Since(start); waited != gateTime {
			t.Errorf("the next call waited %v, want %v", waited, gateTime)
		}
		secondID := leave(second)
		second.Observe(project5, answering(100*time.Millisecond, "v2"))
		wantSeen(t, tr, firstID, "nothing", true)
		wantSeen(t, tr, secondID, "v2", false)
	})
}

func TestOfOverlappingCallsTheLastGetsTheAfter(t *testing.T) {
	traffic(t, func(t *testing.T, tr *derive.Traffic) {
		a := tr.Enter(t.Context(), project5, gateTime)
		b := tr.Enter(t.Context(), project5, gateTime)
		aID := leave(a)
		a.Observe(project5, answering(time.Millisecond, "wrong"))
		synctest.Wait()
		bID := leave(b)
		b.Observe(project5, answering(time.Millisecond, "v2"))
		wantSeen(t, tr, aID, "nothing", true)
		wantSeen(t, tr, bID, "v2", true)
	})
}

func TestACallThatChangedNothingLeavesTheAfterToTheOneBefore(t *testing.T) {
	traffic(t, func(t *testing.T, tr *derive.Traffic) {
		a := tr.Enter(t.Context(), project5, gateTime)
		refused := tr.Enter(t.Context(), project5, gateTime)
		aID := leave(a)
		a.Observe(project5, answering(time.Millisecond, "v1"))
		synctest.Wait()
		refused.Drop()
		wantSeen(t, tr, aID, "v1", true)
	})
}

func TestACallThatCameAndWentDuringAnotherIsAnOverlap(t *testing.T) {
	traffic(t, func(t *testing.T, tr *derive.Traffic) {
		long := tr.Enter(t.Context(), project5, gateTime)
		short := tr.Enter(t.Context(), project5, gateTime)
		short.Drop()
		if !long.Leave(webhook.NewExchangeID(time.Now()), time.Now()) {
			t.Error("the overlap went unnoticed")
		}
		long.Settle()
	})
}

func TestACallThatNeverEndsHoldsTheAfterFiveSecondsAtMost(t *testing.T) {
	traffic(t, func(t *testing.T, tr *derive.Traffic) {
		hung := tr.Enter(t.Context(), project5, gateTime)
		c := tr.Enter(t.Context(), project5, gateTime)
		id := leave(c)
		c.Observe(project5, answering(time.Millisecond, "wrong"))
		start := time.Now()
		wantSeen(t, tr, id, "nothing", true)
		if waited := time.Since(start); waited != derive.Patience {
			t.Errorf("waited %v, want %v", waited, derive.Patience)
		}
		hung.Drop()
	})
}

func TestACreateGetsItsEntityFromItsAnswer(t *testing.T) {
	traffic(t, func(t *testing.T, tr *derive.Traffic) {
		create := tr.EnterUnnamed(project5)
		id := leave(create)
		create.Observe(project5, answering(100*time.Millisecond, "v1"))
		start := time.Now()
		next := tr.Enter(t.Context(), project5, gateTime)
		if waited := time.Since(start); waited != 100*time.Millisecond {
			t.Errorf("the call behind the create waited %v, want 100ms", waited)
		}
		next.Drop()
		wantSeen(t, tr, id, "v1", false)
	})
}

func TestNothingIsRememberedOfForgottenCalls(t *testing.T) {
	traffic(t, func(t *testing.T, tr *derive.Traffic) {
		c := tr.Enter(t.Context(), project5, gateTime)
		id := leave(c)
		c.Settle()
		if !tr.Busy(project5) {
			t.Error("a call that is not recorded yet does not count")
		}
		tr.Forget(id)
		if tr.Busy(project5) {
			t.Error("the entity is still kept")
		}
		if _, _, live := tr.Wait(t.Context(), id); live {
			t.Error("the call is still kept")
		}
	})
}

// A deriver that lags for hours must not fill the memory.
func TestWhatIsRememberedIsBounded(t *testing.T) {
	traffic(t, func(t *testing.T, tr *derive.Traffic) {
		const calls = 20_000
		big := string(make([]byte, 1<<20))
		made, kept := 0, 0
		for i := range calls {
			key := project5
			key.ID = strconv.Itoa(i)
			c := tr.Enter(t.Context(), key, gateTime)
			id := leave(c)
			if i >= 100 {
				c.Settle()
			} else {
				c.Observe(key, func(context.Context) *webhook.Observation {
					made++
					return &webhook.Observation{Status: 200, Body: webhook.Body{Bytes: []byte(big)}}
				})
				if seen, _, _ := tr.Wait(t.Context(), id); seen != nil {
					kept++
				}
			}
		}
		if made != 100 || kept != 32 {
			t.Errorf("%d GETs, and the answers of %d are kept; want 100 and 32 of 1 MiB", made, kept)
		}
		busy := 0
		for i := range calls {
			key := project5
			key.ID = strconv.Itoa(i)
			if tr.Busy(key) {
				busy++
			}
		}
		if busy != 1<<14 {
			t.Errorf("%d entities are kept, want %d", busy, 1<<14)
		}
	})
}

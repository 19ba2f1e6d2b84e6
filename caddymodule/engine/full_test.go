package engine

import (
	"errors"
	"testing"
	"time"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// While the store is above store_max, calls are not captured, which strict and
// health are told, and the gap for them says why.
func TestCallsAreNotCapturedAboveStoreMax(t *testing.T) {
	e := &Engine{front: new(front)}
	e.full.Store(true)
	err := e.Begin(new(webhook.Begin))
	if !errors.Is(err, store.ErrJournalDown) || !errors.Is(err, store.ErrFull) {
		t.Errorf("a begin: %v", err)
	}
	if e.Healthy() {
		t.Error("it says that calls can be captured")
	}
	m := missed{fresh: make(chan struct{}, 1), calls: map[webhook.EntityKey]*missedCalls{}}
	m.add(webhook.EntityKey{API: "shop", Resource: "order"}, time.Now(), err)
	for _, died := range []bool{false, true} {
		c := m.all()[0]
		c.died = died
		if g := c.asGap(); g.Reason != webhook.GapStore {
			t.Errorf("the gap is %+v", g)
		}
	}
}

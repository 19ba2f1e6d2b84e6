package engine

import (
	"errors"
	"testing"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// While the store is above store_max, calls are not captured, which strict and
// health are told.
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
}

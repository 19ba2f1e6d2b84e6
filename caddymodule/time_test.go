package caddymodule_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sidehook/sidehook/caddymodule"
)

// A call goes on without its client for a minute; a deadline holds all the
// same, and so does a client of a stream.
func TestCallContext(t *testing.T) {
	gone := errors.New("client gone")
	tests := map[string]func(t *testing.T, c *caddymodule.CallContext, hangUp func()){
		"ends a minute after its client": func(t *testing.T, c *caddymodule.CallContext, hangUp func()) {
			time.Sleep(time.Hour)
			hangUp()
			time.Sleep(time.Minute - time.Second)
			synctest.Wait()
			if c.Err() != nil || !c.Patient() {
				t.Error("ended early")
			}
			time.Sleep(time.Second)
			synctest.Wait()
			if !errors.Is(context.Cause(c), gone) || c.Patient() {
				t.Errorf("did not end: %v", context.Cause(c))
			}
		},
		"ends with its client once attached": func(t *testing.T, c *caddymodule.CallContext, hangUp func()) {
			c.Attach()
			hangUp()
			synctest.Wait()
			if c.Err() == nil {
				t.Error("goes on")
			}
		},
		"ends when attached after its client": func(t *testing.T, c *caddymodule.CallContext, hangUp func()) {
			hangUp()
			synctest.Wait()
			c.Attach()
			if c.Err() == nil {
				t.Error("goes on")
			}
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				parent, cancel := context.WithCancelCause(context.WithValue(t.Context(), key{}, "v"))
				c := caddymodule.NewCallContext(parent)
				if c.Value(key{}) != "v" {
					t.Error("a value is lost")
				}
				test(t, c, func() { cancel(gone) })
				c.Attach()
			})
		})
	}
	t.Run("ends at its deadline", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			parent, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			c := caddymodule.NewCallContext(parent)
			if d, ok := c.Deadline(); !ok || time.Until(d) != time.Second {
				t.Errorf("deadline %v", d)
			}
			time.Sleep(time.Second)
			synctest.Wait()
			if c.Err() == nil {
				t.Error("goes on")
			}
		})
	})
}

type key struct{}

// Five failures in a row switch before-fetches off for half a minute; then one
// tells whether they come back.
func TestBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b caddymodule.Breaker
		for range 4 {
			b.Note(false)
		}
		b.Note(true)
		for range 4 {
			b.Note(false)
		}
		if !b.Closed() {
			t.Fatal("off before five in a row")
		}
		b.Note(false)
		if b.Closed() {
			t.Fatal("on after five in a row")
		}
		time.Sleep(31 * time.Second)
		if !b.Closed() {
			t.Fatal("still off")
		}
		b.Note(false)
		if b.Closed() {
			t.Fatal("on after the first try failed")
		}
		time.Sleep(31 * time.Second)
		b.Note(true)
		b.Note(false)
		if !b.Closed() {
			t.Fatal("off after one failure")
		}
	})
}

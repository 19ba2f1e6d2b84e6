package capture_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sidehook/sidehook/caddymodule/capture"
)

var gone = errors.New("client gone")

// callContexts runs tests of the context of a call; hangUp has its client gone.
func callContexts(t *testing.T, tests map[string]func(t *testing.T, c *capture.CallContext, hangUp func())) {
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				parent, cancel := context.WithCancelCause(context.WithValue(t.Context(), key{}, "v"))
				c := capture.NewCallContext(parent)
				if c.Value(key{}) != "v" {
					t.Error("a value is lost")
				}
				test(t, c, func() { cancel(gone) })
				cancel(gone) // the server does it
				c.Attach()
			})
		})
	}
}

// A call goes on without its client for a minute; a deadline holds all the
// same, and so does a client of a stream.
func TestCallContextEnds(t *testing.T) {
	callContexts(t, map[string]func(t *testing.T, c *capture.CallContext, hangUp func()){
		"ends a minute after its client": func(t *testing.T, c *capture.CallContext, hangUp func()) {
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
		"ends with its client once attached": func(t *testing.T, c *capture.CallContext, hangUp func()) {
			c.Attach()
			hangUp()
			synctest.Wait()
			if c.Err() == nil {
				t.Error("goes on")
			}
		},
		"ends when attached after its client": func(t *testing.T, c *capture.CallContext, hangUp func()) {
			hangUp()
			synctest.Wait()
			c.Attach()
			if c.Err() == nil {
				t.Error("goes on")
			}
		},
		"is over after its client": func(t *testing.T, c *capture.CallContext, hangUp func()) {
			within, cancel := context.WithCancel(c)
			defer cancel()
			hangUp()
			synctest.Wait()
			if within.Err() != nil {
				t.Error("ended early")
			}
			c.End()
			if !errors.Is(context.Cause(within), gone) || !errors.Is(context.Cause(c), gone) {
				t.Errorf("ended by %v, %v", context.Cause(within), context.Cause(c))
			}
		},
		"ends after its client": func(t *testing.T, c *capture.CallContext, hangUp func()) {
			begun, cancel := context.WithCancel(c)
			defer cancel()
			hangUp()
			synctest.Wait()
			c.Attach()
			if !errors.Is(context.Cause(begun), gone) || !errors.Is(context.Cause(c), gone) || c.Patient() {
				t.Errorf("ended by %v, %v", context.Cause(begun), context.Cause(c))
			}
		},
	})
}

func TestCallContextIsItsRequests(t *testing.T) {
	callContexts(t, map[string]func(t *testing.T, c *capture.CallContext, hangUp func()){
		"is its request's once attached": func(t *testing.T, c *capture.CallContext, hangUp func()) {
			begun, cancel := context.WithCancel(c)
			defer cancel()
			done := c.Done()
			c.Attach()
			select {
			case <-done:
				t.Errorf("ended before the request, with the error %v", c.Err())
			default:
			}
			if c.Err() != nil || begun.Err() != nil || c.Value(key{}) != "v" {
				t.Errorf("ended before the request: %v, %v", c.Err(), begun.Err())
			}
			hangUp()
			synctest.Wait()
			if !errors.Is(context.Cause(c), gone) || !errors.Is(context.Cause(begun), gone) {
				t.Errorf("goes on behind the request: %v, %v", context.Cause(c), context.Cause(begun))
			}
		},
		"is its request's once it is over, but for what began within it": func(t *testing.T, c *capture.CallContext, hangUp func()) {
			within, cancelWithin := context.WithCancel(c)
			defer cancelWithin()
			c.End()
			if within.Err() == nil {
				t.Error("what began within the call goes on behind it")
			}
			behind, cancelBehind := context.WithCancel(c)
			defer cancelBehind()
			if c.Err() != nil || context.Cause(c) != nil || behind.Err() != nil || c.Value(key{}) != "v" {
				t.Errorf("the request ended with the call: %v, %v, %v", c.Err(), context.Cause(c), behind.Err())
			}
			done := c.Done()
			hangUp()
			<-done
			if !errors.Is(context.Cause(c), gone) || !errors.Is(context.Cause(behind), gone) {
				t.Errorf("goes on behind the request: %v, %v", context.Cause(c), context.Cause(behind))
			}
		},
	})
}

func TestCallContextHasADeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		parent, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		c := capture.NewCallContext(parent)
		if d, ok := c.Deadline(); !ok || time.Until(d) != time.Second {
			t.Errorf("deadline %v", d)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if c.Err() == nil {
			t.Error("goes on")
		}
	})
}

// Nothing starts at the end of a request whose call is over.
func TestAnEndedCallWaitsForNoRequest(t *testing.T) {
	parent := &counting{Context: t.Context()}
	c := capture.NewCallContext(parent)
	if parent.waits != 1 {
		t.Fatalf("%d wait for the request while the call goes on", parent.waits)
	}
	if c.End(); parent.waits != 0 {
		t.Errorf("%d wait for the request behind the call", parent.waits)
	}
}

// counting counts what waits for its end.
type counting struct {
	context.Context
	waits int
}

func (c *counting) Done() <-chan struct{} { return make(chan struct{}) }

func (c *counting) AfterFunc(func()) (stop func() bool) {
	c.waits++
	return func() bool { c.waits--; return true }
}

type key struct{}

// Calls share the end of their patience, which is never longer than agreed.
func TestPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p capture.Patience
		first := p.Context()
		time.Sleep(time.Second - 1)
		if p.Context() != first {
			t.Error("a second context within a second")
		}
		time.Sleep(1)
		for range 50 {
			start := time.Now()
			ctx := p.Context()
			<-ctx.Done()
			if took := time.Since(start); took > capture.CommitTime || took <= capture.CommitTime-time.Second {
				t.Fatalf("a patience of %v", took)
			}
			time.Sleep(123 * time.Millisecond)
			p.Context()
			time.Sleep(456 * time.Millisecond)
		}
	})
}

// Five failures in a row switch before-fetches off for half a minute; then one
// tells whether they come back.
func TestBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b capture.Breaker
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

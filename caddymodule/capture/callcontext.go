package capture

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// capturedKey is the context key under which a captured call, and every GET
// made for it, is known: a handler of ours that finds it lets the request pass.
type capturedKey struct{}

// captured reports whether ctx belongs to a captured call.
func captured(ctx context.Context) bool { return ctx.Value(capturedKey{}) != nil }

// callContext is the context of a captured call. While it is detached, a
// client that hangs up ends it only after a grace: the API may have done, or
// be doing, what it was asked for, and its answer says so. After attach it
// ends when the client's request does. After end it is the request's own. Everything
// else is as in that one, which is why it can stay on the request for good.
type callContext struct {
	context.Context // without the request's cancellation
	parent          context.Context
	cancel          context.CancelCauseFunc
	grace           time.Duration
	stop            func() bool // what waits for the end of the request
	over            atomic.Bool

	mu       sync.Mutex
	detached bool
	timer    *time.Timer // runs once the client is gone
}

// newCallContext returns the context for a call whose request has context
// parent; with a grace of 0 it is attached from the start.
func newCallContext(parent context.Context, grace time.Duration) *callContext {
	inner, cancel := context.WithCancelCause(context.WithoutCancel(parent))
	c := &callContext{Context: inner, parent: parent, cancel: cancel, grace: grace, detached: grace > 0}
	c.stop = context.AfterFunc(parent, c.parentDone)
	return c
}

// Done, Err and Value are those of the request once the call is over: who is in
// front of us goes on with it.
func (c *callContext) Done() <-chan struct{} { return c.now().Done() }

// Err: see Done.
func (c *callContext) Err() error { return c.now().Err() }

func (c *callContext) now() context.Context {
	if c.over.Load() {
		return c.parent
	}
	return c.Context
}

// Deadline returns the deadline of the request, which holds for all.
func (c *callContext) Deadline() (time.Time, bool) { return c.parent.Deadline() }

// Value knows the call as captured. See Done.
func (c *callContext) Value(key any) any {
	if key == (capturedKey{}) {
		return c
	}
	return c.now().Value(key)
}

func (c *callContext) parentDone() {
	c.mu.Lock()
	defer c.mu.Unlock()
	cause := context.Cause(c.parent)
	if !c.detached || errors.Is(c.parent.Err(), context.DeadlineExceeded) {
		c.cancel(cause)
		return
	}
	c.timer = time.AfterFunc(c.grace, func() { c.cancel(cause) })
}

// end is called once, when the call is over. Whatever still waits within it is
// told, here and not by the goroutine that the end of the request would start.
func (c *callContext) end() {
	if !c.stop() {
		c.attach()
		return
	}
	c.over.Store(true)
	c.cancel(context.Canceled)
}

// attach ties the call to its client again.
func (c *callContext) attach() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.detached = false
	if c.timer != nil {
		c.timer.Stop()
		c.cancel(context.Cause(c.parent))
	}
}

// patient reports whether the call goes on without its client.
func (c *callContext) patient() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.detached && c.Err() == nil
}

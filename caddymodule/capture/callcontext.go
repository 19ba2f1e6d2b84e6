package capture

import (
	"context"
	"errors"
	"sync"
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
// ends when the client's request does. Everything else is as in the request's
// own context, which is why it can stay on the request for good.
type callContext struct {
	context.Context // without the request's cancellation
	parent          context.Context
	cancel          context.CancelCauseFunc
	grace           time.Duration

	mu       sync.Mutex
	detached bool
	timer    *time.Timer // runs once the client is gone
}

// newCallContext returns the context for a call whose request has context
// parent; with a grace of 0 it is attached from the start.
func newCallContext(parent context.Context, grace time.Duration) *callContext {
	inner, cancel := context.WithCancelCause(context.WithoutCancel(parent))
	c := &callContext{Context: inner, parent: parent, cancel: cancel, grace: grace, detached: grace > 0}
	context.AfterFunc(parent, c.parentDone) // at the latest when the request ends
	return c
}

// Deadline returns the deadline of the request, which holds for all.
func (c *callContext) Deadline() (time.Time, bool) { return c.parent.Deadline() }

// Value knows the call as captured.
func (c *callContext) Value(key any) any {
	if key == (capturedKey{}) {
		return c
	}
	return c.Context.Value(key)
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

// attach ties the call to its client again; after its end that is all there is
// to it.
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

package capture

import (
	"context"
	"sync"
	"time"

	"github.com/sidehook/sidehook/derive"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// maxAfterGets bounds the GETs that are made for one call. What became of the
// rest of its entities is told by its request, or without data.
const maxAfterGets = 100

// keptPlan is how much the bodies of a call may hold for its plan to be kept while
// its GETs are under way: what a plan knows of them can be 16 times as large.
const keptPlan = 64 << 10

// afterGets find out what the entities of a call are after it.
type afterGets struct {
	fetcher *fetcher
	line    Line
	x       *webhook.Exchange // as journaled: nobody changes it
	gets    []oneAfter

	mu   sync.Mutex  // GETs of one call run at once, and a plan is for one goroutine
	plan *rules.Plan // nil: not kept
}

// oneAfter is one entity of a call, and the path of the GET that would show it; ""
// if none is needed, or none may be made.
type oneAfter struct {
	key    webhook.EntityKey
	target string
}

// newAfterGets returns what finds out the after of plan's subjects.
func newAfterGets(c *call, plan *rules.Plan) (a *afterGets, needed bool) {
	a = &afterGets{fetcher: c.fetcher, line: c.line, x: c.exchange, gets: make([]oneAfter, len(plan.Subjects))}
	n := 0
	for i := range plan.Subjects {
		s := &plan.Subjects[i]
		a.gets[i].key = s.Key
		if s.Fetch != "" && n < maxAfterGets && !plan.AnswerTells(i, c.known) {
			a.gets[i].target = s.Fetch
			n++
		}
	}
	if n > 0 {
		a.fetcher = c.fetcher.outlive()
	}
	if len(a.x.Request.Body.Bytes)+len(a.x.Response.Body.Bytes) <= keptPlan {
		a.plan = plan
	}
	return a, n > 0
}

// known returns what is known of an entity before the call; ok is false while that
// is not recorded, and if it cannot be read.
func (c *call) known(key webhook.EntityKey) (snap webhook.Snapshot, ok bool) {
	if c.traffic.Behind(key) {
		return snap, false
	}
	snap, err := c.line.Snapshot(c.h.patience.context(), key)
	return snap, err == nil
}

// of returns the [derive.Fetch] of one subject, nil if it needs none.
func (a *afterGets) of(subject int) derive.Fetch {
	if a.gets[subject].target == "" {
		return nil
	}
	return func(ctx context.Context) *webhook.Observation { return a.fetch(ctx, subject) }
}

// lagWaits are the waits before an API is asked again whose answer seems to be
// from before the call: replicas lag.
var lagWaits = [...]time.Duration{50 * time.Millisecond, 250 * time.Millisecond}

// fetch is the [derive.Fetch] of one subject.
func (a *afterGets) fetch(ctx context.Context, subject int) *webhook.Observation {
	o := a.get(ctx, subject)
	for _, wait := range lagWaits {
		if !a.lags(ctx, subject, o) {
			break
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return o
		}
		if again := a.get(ctx, subject); again.Status != 0 {
			o = again
		}
	}
	return o
}

func (a *afterGets) get(ctx context.Context, subject int) (o *webhook.Observation) {
	if !a.fetcher.h.guarded(func() { o = a.fetcher.get(ctx, "after", a.gets[subject].target) }) {
		o = &webhook.Observation{Error: errBug.Error()}
	}
	return o
}

// lags reports whether o seems to be from before the call.
func (a *afterGets) lags(ctx context.Context, subject int, o *webhook.Observation) (lags bool) {
	if o.Status == 0 {
		return false
	}
	a.fetcher.h.guarded(func() {
		before, err := a.line.Snapshot(ctx, a.gets[subject].key)
		if err != nil {
			return
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		switch {
		case a.plan != nil:
			lags = a.plan.Lags(subject, &before, o)
		case len(a.gets) == 1:
			lags = a.fetcher.h.Program.Lags(a.x, &before, o)
		}
	})
	return lags
}

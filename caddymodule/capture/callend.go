package capture

import (
	"errors"
	"time"

	"github.com/sidehook/sidehook/derive"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// finish ends the call: it is on disk before its client sees its end. returned
// is false while a panic is on its way through.
func (c *call) finish(err error, returned bool) {
	defer c.giveBack()
	defer c.ctx.end() // what has ended waits for nobody
	if !c.h.guarded(func() { c.end(err, returned) }) {
		c.missed(errBug)
	}
	if c.expected != nil {
		c.expected()
	}
	c.settle() // unless that was done as it was journaled
	if c.match.Redacts() {
		c.h.guarded(func() { c.h.redactions.look(c.match) })
	}
	c.tee.release()
}

// end journals how the call ended.
func (c *call) end(err error, returned bool) {
	x := c.exchange
	now := time.Now()
	x.Ended = WallTime(now)
	x.Ending = c.ending(err, returned)
	if x.Ending == webhook.Rejected {
		c.reject()
		return
	}
	x.Overlapped = c.traffic.Leave(x.ID, now)
	c.out, c.left = true, true
	if errors.Is(c.begun, store.ErrFull) { // the journal would take it, and the store is not to
		c.missed(c.begun)
		return
	}
	c.fill()
	if err := c.journal(x, c.match.MaySucceed(x.Response.Status), c.lookOn); err != nil {
		c.missed(err)
	}
}

// reject closes the begin of a call that changed nothing.
func (c *call) reject() {
	c.drop()
	if c.begun != nil {
		return
	}
	x, status := c.exchange, c.tee.status
	if c.apiSaidNo() {
		status = c.apiStatus()
	}
	*x = webhook.Exchange{
		ID: x.ID, API: x.API, Config: x.Config, Started: x.Started, Ended: x.Ended, Ending: webhook.Rejected,
		Response: webhook.Response{Status: status},
	}
	if err := c.journal(x, false); err != nil {
		c.h.warn("the end of a call that changed nothing is not journaled", err)
	}
}

// WallTime returns t as the journal has it: in UTC and without a monotonic clock.
func WallTime(t time.Time) time.Time { return t.UTC().Round(0) }

// fill puts into the exchange what was seen of the two bodies.
func (c *call) fill() {
	x := c.exchange
	x.ClientGone = c.tee.gone != nil || c.ctx.parent.Err() != nil
	if c.body != nil {
		x.Request.Body, c.taken = c.body.finish()
	}
	x.Response = webhook.Response{Status: c.tee.status, Header: c.tee.header, Body: c.tee.seen.Captured()}
	if x.Before != nil {
		x.Before.Requested, x.Before.Received = WallTime(x.Before.Requested), WallTime(x.Before.Received)
	}
	if x.Ending != webhook.Completed && x.Response.Body.Whole() {
		x.Response.Body = webhook.Body{Missing: webhook.CutOff}
	}
	if c.match.Redacts() {
		x.Request.Body = c.h.redactions.Redact(c.match, x.Request.Body, x.Request.Header)
		x.Response.Body = c.h.redactions.Redact(c.match, x.Response.Body, x.Response.Header)
	}
}

// journal writes the end and, with durable, waits for the disk, but not for
// ever: a disk that hangs fails no call. An exchange that is larger than an
// entry may be is journaled with less in it. From here on x stays as it is.
func (c *call) journal(x *webhook.Exchange, durable bool, meanwhile ...func()) error {
	ctx := c.h.patience.context()
	err := c.line.End(ctx, x, durable, meanwhile...)
	for errors.Is(err, store.ErrTooLarge) && lighten(x) {
		err = c.line.End(ctx, x, durable, meanwhile...)
	}
	return err
}

// lighten takes the larger body out of x, or else what was seen before the
// call. It reports whether there was anything to take.
func lighten(x *webhook.Exchange) bool {
	body := &x.Request.Body
	if len(x.Response.Body.Bytes) > len(body.Bytes) {
		body = &x.Response.Body
	}
	switch {
	case len(body.Bytes) > 0:
		*body = webhook.Body{Missing: webhook.TooLarge}
	case x.Before != nil:
		x.Before = nil
	default:
		return false
	}
	return true
}

// missed hands a call that is not journaled over to a gap.
func (c *call) missed(err error) {
	if c.left {
		c.settle()
		c.line.Traffic().Forget(c.exchange.ID)
	}
	c.drop()
	c.line.Missed(&c.begin, c.match.Resource(), err)
	c.h.warn("a call is not journaled; a gap tells of it as soon as one can be recorded", err)
}

// lookOn observes while the disk works, and before the rest of the answer is
// written: a client that does not read holds up its own answer, and not what others
// are told of the call.
func (c *call) lookOn() {
	if !c.h.guarded(c.observe) {
		c.settle()
	}
}

// observe starts the after-GET, if the exchange alone does not tell what the
// entity is now. Nobody waits for it but the next call on that entity.
func (c *call) observe() {
	if !c.left || c.settled {
		return
	}
	c.lend()
	if c.traffic.WantsKeys() {
		c.traffic.About(c.h.Program.Plan(c.exchange).Keys(nil))
	}
	if c.fetcher == nil || c.match.AnswerTells(c.exchange, c.known) {
		c.settle()
		return
	}
	c.ask()
}

// ask starts the GETs that tell what the entities of the call are now.
func (c *call) ask() {
	plan := c.h.Program.Plan(c.exchange)
	a, needed := newAfterGets(c, plan)
	c.settled = true
	switch {
	case len(plan.Subjects) > 1:
		parts := make([]derive.Part, len(plan.Subjects))
		for i := range parts {
			parts[i] = derive.Part{Key: plan.Subjects[i].Key, Fetch: a.of(i)}
		}
		c.traffic.ObserveEach(parts)
	case needed:
		c.traffic.Observe(plan.Subjects[0].Key, a.of(0), plan.Subjects[0].Names()...)
	default:
		c.traffic.Settle()
	}
}

// giveBack returns the capture budget: from here on the bodies are the
// journal's, which has bounds of its own. The request's tee may be read on by
// Go's transport, and keeps nothing.
func (c *call) giveBack() {
	c.tee.seen.Release()
	if c.body != nil {
		_, more := c.body.finish() // nothing, unless it was not finished before
		c.h.Budget.Give(c.taken + more)
	}
}

// drop tells the traffic that the call changed nothing, or is not kept.
func (c *call) drop() {
	if !c.out {
		c.out = true
		c.traffic.Drop()
	}
}

// settle tells the traffic that no GET comes.
func (c *call) settle() {
	if c.left && !c.settled {
		c.settled = true
		c.traffic.Settle()
	}
}

var errBug = errors.New("a bug in sidehook; see the log")

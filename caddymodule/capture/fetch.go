package capture

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/sidehook/sidehook/caddymodule/credentials"
	"github.com/sidehook/sidehook/caddymodule/metrics"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// fetcher makes GETs for one call: as its caller, through the rest of the chain
// behind us, or, if the caller's credentials are good for its own request only,
// as the service that the origin knows.
type fetcher struct {
	h     *Handler
	match *rules.Match
	ctx   context.Context // of the call; for its values
	as    *caller         // nil: the origin is asked, and told of which tenant
	of    webhook.Header  // what tells the origin so
	known string          // the validator of what is known already, of a GET that may be answered 304
}

// newFetcher returns nil if nobody can be asked. The fetcher lies in the call.
func newFetcher(c *call, secret string) *fetcher {
	f := &c.room.fetcher
	*f = fetcher{h: c.h, match: c.match, ctx: c.ctx}
	switch {
	case credentials.Reusable(c.r.Header, secret):
		f.as = &c.room.caller
		f.as.note(c, secret)
	case c.h.Origin == nil:
		return nil
	default:
		f.of = c.h.Program.TenantHeader(&c.exchange.Request, c.exchange.Placeholders)
	}
	return f
}

// outlive returns a fetcher that may be used when the handler has returned: it
// lies by itself, and shares nothing with the request that others still change.
func (f *fetcher) outlive() *fetcher {
	g := *f
	if f.as != nil {
		g.as = f.as.outlive()
	}
	return &g
}

// before makes the GET in front of the call, which has that query, if the route
// knows where its entity is. With an etag the answer may be 304: the entity is
// what it was. It returns by until.
func (f *fetcher) before(until time.Time, query, etag string) *webhook.Observation {
	if f == nil || !f.h.breaker.closed() {
		return nil
	}
	target, ok := f.match.ItemPath(query)
	if !ok {
		return nil
	}
	ctx, cancel := context.WithDeadline(context.Background(), until)
	defer cancel()
	f.known = etag
	o := f.get(ctx, "before", target)
	f.known = ""
	if o.Status == http.StatusNotModified && o.Header.Get("Etag") == "" {
		o.Header = webhook.Header{"Etag": {etag}} // that it should have had (RFC 9110 §15.4.5)
	}
	f.h.breaker.note(answered(o))
	return o
}

// answered reports whether o is an answer of the API and not of its absence.
func answered(o *webhook.Observation) bool {
	return o.Status != 0 && o.Status < 500 && o.Status != http.StatusTooManyRequests
}

// get makes one GET of target, a path with or without a query, for the before
// or the after. Waiting for one of the few that may run at once counts into its
// time.
func (f *fetcher) get(ctx context.Context, kind, target string) *webhook.Observation {
	o := &webhook.Observation{Requested: time.Now(), Service: f.as == nil}
	defer func() { metrics.Process.Fetched(kind, o) }()
	ctx, cancel := f.bound(ctx)
	defer cancel()
	g, err := f.prepare(ctx, target)
	if err == nil {
		err = g.run(o)
	}
	o.Received = time.Now()
	f.read(o, g.answer, err)
	return o
}

// oneGet is a GET that is ready to be sent. All that send works on is its own,
// but for what is lent.
type oneGet struct {
	ctx    context.Context
	slots  chan struct{}
	answer *Answer
	send   func() error
	lent   *loan
}

func (f *fetcher) prepare(ctx context.Context, target string) (g *oneGet, err error) {
	g = &oneGet{
		ctx: ctx, slots: f.h.slots, lent: new(loan),
		answer: NewAnswer(f.h.responseHeaders.names, f.h.MaxBody, f.h.Budget),
	}
	err = errBug
	f.h.guarded(func() {
		if f.as != nil {
			g.send, err = f.as.prepare(ctx, g.answer, target, f.known, g.lent)
		} else {
			g.send, err = f.h.Origin.prepare(ctx, g.answer, target, f.known, f.of)
		}
	})
	return g, err
}

// run sends the GET in a goroutine of its own, and waits for it no longer than
// its context lasts, which not every transport heeds (FastCGI's does not). A
// GET that nobody waits for any more keeps its slot, and what it took of the
// budget, until it ends; its answer may be read only if run returns no error.
func (g *oneGet) run(o *webhook.Observation) error {
	select {
	case g.slots <- struct{}{}:
	case <-g.ctx.Done():
		return errNoSlot
	}
	o.Requested = time.Now()
	done := make(chan error, 1)
	go func() {
		defer func() { <-g.slots }()
		err := g.ask()
		g.answer.seen.Release()
		done <- err
	}()
	select {
	case err := <-done:
		return err
	case <-g.ctx.Done():
		g.lent.end()
		return errNoTime
	}
}

// bound returns a context with the values of the call, which ends with ctx and
// after the fetch timeout.
func (f *fetcher) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	own, cancel := context.WithTimeout(context.WithoutCancel(f.ctx), f.h.FetchTimeout)
	stop := context.AfterFunc(ctx, cancel)
	return own, func() { stop(); cancel() }
}

// ask sends the GET. What panics there, panics for us only: reverse_proxy does
// so whenever an answer breaks off.
func (g *oneGet) ask() (err error) {
	defer func() {
		if p := recover(); p == http.ErrAbortHandler {
			err = g.answer.brokeOff()
		} else if p != nil {
			err = fmt.Errorf("the handlers behind sidehook panicked: %v", p)
		}
	}()
	err = g.send()
	if g.ctx.Err() != nil {
		return errNoTime
	}
	return err
}

var (
	errNoTime = errors.New("no answer in the time that a fetch may take")
	errNoSlot = errors.New("too many other fetches were running")
)

// read makes of the answer what was observed; with an error it leaves it alone.
func (f *fetcher) read(o *webhook.Observation, a *Answer, err error) {
	if err != nil {
		o.Error = err.Error()
		return
	}
	o.Status, o.Header, o.Body = a.Status, a.Kept, a.seen.Captured()
	if f.match.Redacts() {
		o.Body = f.h.redactions.Redact(f.match, o.Body, o.Header)
	}
}

package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// fetcher makes GETs as the caller of one call, through the rest of the chain
// behind us. It holds what the caller sent, as it was at capture. It is nil if
// the caller's credentials are good for its own request only.
type fetcher struct {
	h      *liveHandler
	match  *rules.Match
	next   caddyhttp.Handler
	ctx    context.Context // of the call; for its values
	header http.Header     // never changed
	host   string
	path   string // of the call, where the directive stands
	secret string // the part of its query that carries credentials
	origin *http.Request
	vars   map[string]any
	repl   *caddy.Replacer
}

func newFetcher(c *call, secret string) *fetcher {
	r := c.r
	if !reusable(r.Header, secret) {
		return nil
	}
	vars, _ := r.Context().Value(caddyhttp.VarsCtxKey).(map[string]any)
	repl, _ := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	return &fetcher{
		h: c.h, match: c.match, next: c.next, ctx: c.ctx,
		header: r.Header.Clone(), host: r.Host, path: c.exchange.Request.Path, secret: secret,
		origin: r, vars: vars, repl: repl,
	}
}

// outlive returns a fetcher that may be used when the handler has returned: it
// shares nothing with the request that others still change.
func (f *fetcher) outlive() *fetcher {
	g := *f
	r := *f.origin.WithContext(f.ctx)
	r.Body, r.Trailer = http.NoBody, nil
	g.origin, g.vars = &r, maps.Clone(f.vars)
	if f.repl != nil {
		g.repl = f.repl.WithoutFile() // a copy: others may add to the original
	}
	return &g
}

// before makes the GET in front of the call, if the route knows where its
// entity is. It returns by until.
func (f *fetcher) before(until time.Time) *webhook.Observation {
	if f == nil || !f.h.breaker.closed() {
		return nil
	}
	target, ok := f.match.ItemPath()
	if !ok {
		return nil
	}
	ctx, cancel := context.WithDeadline(context.Background(), until)
	defer cancel()
	o := f.get(ctx, "before", target)
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
	o := &webhook.Observation{Requested: time.Now()}
	defer func() { stats.fetched(kind, o) }()
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

// oneGet is a GET that is ready to be sent. All that it works on is its own,
// but for what is lent.
type oneGet struct {
	f       *fetcher
	ctx     context.Context
	request *http.Request
	answer  *answer
	lent    *loan
}

func (f *fetcher) prepare(ctx context.Context, target string) (g *oneGet, err error) {
	g = &oneGet{
		f: f, ctx: ctx, lent: &loan{from: f.repl},
		answer: &answer{keep: f.h.responseHeaders, seen: capture{limit: f.h.maxBody, budget: f.h.budget}},
	}
	err = errBug
	f.h.guarded(func() { g.request, err = f.request(ctx, g.answer, target, g.lent) })
	return g, err
}

// run sends the GET in a goroutine of its own, and waits for it no longer than
// its context lasts, which not every transport heeds (FastCGI's does not). A
// GET that nobody waits for any more keeps its slot, and what it took of the
// budget, until it ends; its answer may be read only if run returns no error.
func (g *oneGet) run(o *webhook.Observation) error {
	slots := g.f.h.slots
	select {
	case slots <- struct{}{}:
	case <-g.ctx.Done():
		return errNoSlot
	}
	o.Requested = time.Now()
	done := make(chan error, 1)
	go func() {
		defer func() { <-slots }()
		err := g.ask()
		g.answer.seen.release()
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
	own, cancel := context.WithTimeout(context.WithoutCancel(f.ctx), f.h.fetchTimeout)
	stop := context.AfterFunc(ctx, cancel)
	return own, func() { stop(); cancel() }
}

// ask sends the GET through the chain. What panics there, panics for us only:
// reverse_proxy does so whenever an answer breaks off.
func (g *oneGet) ask() (err error) {
	defer func() {
		if p := recover(); p == http.ErrAbortHandler {
			err = g.answer.brokeOff()
		} else if p != nil {
			err = fmt.Errorf("the handlers behind sidehook panicked: %v", p)
		}
	}()
	err = g.f.next.ServeHTTP(g.answer, g.request)
	if g.ctx.Err() != nil {
		return errNoTime
	}
	if err != nil {
		return err
	}
	if unhandled, _ := caddyhttp.GetVar(g.request.Context(), "unhandled").(bool); unhandled || g.answer.status == 0 {
		return fmt.Errorf("no handler behind sidehook answers GET %s", g.request.URL.Path)
	}
	return nil
}

var (
	errNoTime = errors.New("no answer in the time that a fetch may take")
	errNoSlot = errors.New("too many other fetches were running")
)

// read makes of the answer what was observed; with an error it leaves it alone.
func (f *fetcher) read(o *webhook.Observation, a *answer, err error) {
	if err != nil {
		o.Error = err.Error()
		return
	}
	o.Status, o.Header, o.Body = a.status, a.kept, a.seen.body()
	if f.match.Redacts() {
		o.Body = f.match.Redact(o.Body, o.Header)
	}
}

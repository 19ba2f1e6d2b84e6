package capture

import (
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sidehook/sidehook/derive"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

const (
	// goneGrace is how long a call goes on for the API's answer after its
	// client hung up.
	goneGrace = time.Minute

	// commitTime bounds each wait for the disk. Beyond it the call goes on, without
	// what was to be read, and as missed if it could not be written.
	commitTime = 10 * time.Second
)

// call is one captured call on its way through the handler.
type call struct {
	h       *Handler
	line    Line
	match   *rules.Match
	r       *http.Request
	next    caddyhttp.Handler
	ctx     *callContext
	traffic *derive.Call

	begin    webhook.Begin
	begun    error             // of journaling begin
	expected func()            // says that the call is over, if it was not begun
	exchange *webhook.Exchange // lies by itself: the journal may keep it for longer than the call
	fetcher  *fetcher
	room     struct { // of fetcher: spares allocations
		fetcher fetcher
		caller  caller
	}

	tee     tee
	body    *teeBody // nil: the request has none
	latency any      // of an upstream in front of us, see upstreamLatency; nil: there was none

	out     bool  // told the traffic that it is over,
	left    bool  // that it may have changed the entity,
	settled bool  // and that its after is known or on its way
	taken   int64 // what the request body took of the budget
}

// newCall notes the request as it is now. It returns nil if that fails, which
// is a bug.
func (h *Handler) newCall(l Line, m *rules.Match, path string, r *http.Request, next caddyhttp.Handler) *call {
	c := &call{h: h, line: l, match: m, r: r, next: next, exchange: new(webhook.Exchange)}
	ok := h.guarded(func() { c.note(path) })
	if !ok {
		return nil
	}
	return c
}

func (c *call) note(path string) {
	h, r, x := c.h, c.r, c.exchange
	x.Started = WallTime(time.Now())
	x.ID = webhook.NewExchangeID(x.Started)
	x.API, x.Config = h.Program.API(), h.Config
	var secret string
	x.Request, secret = h.snapshotRequest(r, path)
	x.Request.Query = h.redactions.RedactQuery(c.match, x.Request.Query)
	x.Request.Caller = c.line.Caller(r.Header, secret)
	x.Placeholders = h.placeholders(r)
	c.begin = webhook.Begin{
		ID: x.ID, API: x.API, Config: x.Config, Started: x.Started,
		Method: x.Request.Method, Path: path, Query: x.Request.Query, Placeholders: x.Placeholders,
		Header: h.beginHeaders.keep(r.Header), SkipKey: x.Request.SkipKey,
	}
	grace := goneGrace
	if h.CancelOnGone {
		grace = 0
	}
	c.ctx = newCallContext(r.Context(), grace)
	c.fetcher = newFetcher(c, secret)
}

// open waits its turn on the entity, finds out its state before the call, and
// journals the begin, whose error it returns.
func (c *call) open() error {
	c.h.guarded(c.enter)
	if c.traffic == nil {
		c.traffic = c.line.Traffic().EnterUnnamed(webhook.EntityKey{})
	}
	c.begun = errBug
	c.h.guarded(func() { c.begun = c.line.Begin(&c.begin) })
	return c.begun
}

// enter takes the call's place among the calls on its entity. Waiting and
// fetching together take no longer than one fetch may.
func (c *call) enter() {
	x := c.exchange
	until := time.Now().Add(c.h.FetchTimeout)
	key, named := c.match.Entity(&x.Request, x.Placeholders)
	if !named {
		of := webhook.EntityKey{API: x.API, Resource: c.match.Resource()}
		switch c.match.Kind() {
		case rules.Call: // of no entity
		case rules.Create:
			c.traffic = c.line.Traffic().EnterUnnamed(of)
		default:
			c.traffic = c.line.Traffic().EnterList(of)
		}
		return
	}
	busy := c.line.Traffic().Busy(key)
	c.traffic = c.line.Traffic().Enter(c.ctx, key, c.h.FetchTimeout)
	if busy || !c.match.WantsBefore() {
		return
	}
	s, err := c.line.Snapshot(c.h.patience.context(), key)
	if err == nil && c.match.Trusts(&s, &x.Request, x.Placeholders, time.Since(s.Seen)) {
		return
	}
	etag := ""
	if err == nil && s.Known() && !s.Deleted && c.match.Knows(&s) {
		etag = s.ETag
	}
	x.Before = c.fetcher.before(until, x.Request.Query, etag)
}

// abandon ends a call that was not forwarded.
func (c *call) abandon() {
	c.drop()
	c.ctx.end()
}

// forward sends the call on its way and ends it, however it ended. The request
// is changed in place: what is behind us, and the placeholders, know it by its
// pointer.
func (c *call) forward(w http.ResponseWriter) (err error) {
	c.tee = tee{
		ResponseWriterWrapper: caddyhttp.ResponseWriterWrapper{ResponseWriter: w},
		ctx:                   c.ctx, match: c.match, keep: c.h.responseHeaders,
		http1: c.r.ProtoMajor == 1, length: -1,
		seen: Body{limit: c.h.MaxBody, budget: c.h.Budget},
	}
	c.latency = c.replaced(upstreamLatency)
	original := c.r.Body
	*c.r = *c.r.WithContext(c.ctx)
	if original != nil && original != http.NoBody && c.r.ContentLength != 0 {
		c.body = newTeeBody(original, c.r.ContentLength, c.h.MaxBody, c.h.Budget)
		c.r.Body = c.body
	}
	if c.begun != nil {
		c.h.guarded(func() { c.expected = c.line.Expect(&c.begin, c.match.Resource(), c.begun) })
	}
	returned := false
	defer func() {
		if c.body != nil && c.r.Body == c.body {
			c.r.Body = original
		}
		c.finish(err, returned)
	}()
	err = c.next.ServeHTTP(&c.tee, c.r)
	returned = true
	return err
}

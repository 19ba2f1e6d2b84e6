package admin

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/sidehook/sidehook/caddymodule/engine"
	"github.com/sidehook/sidehook/caddymodule/problem"
	"github.com/sidehook/sidehook/caddymodule/view"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// Bounds of a stream. It reads from the store as fast as its reader takes, so a
// slow reader costs a page of events and nothing else, and misses none.
const (
	mostStreams  = 16
	streamPage   = 32
	streamBytes  = 1 << 20 // of a page, but for its last event
	streamLooked = 1000    // events that are looked at for one
	streamPause  = 200 * time.Millisecond
	streamWrite  = 10 * time.Second // for a line; then the reader is given up
	streamTime   = 30 * time.Second // then the reader asks again, from where it was
	streamRender = webhook.SubscriptionID("stream")
)

// streams counts those of one engine that are open.
type streams struct{ atomic.Int32 }

// serveStream streams events as they are recorded, a JSON value a line, from
// behind position after (none: from now on), of the scopes that are asked for.
func serveStream(w http.ResponseWriter, r *http.Request) error {
	e, err := engine.All.Only(r.URL.Query().Get("dir"))
	if err != nil {
		return caddy.APIError{HTTPStatus: http.StatusServiceUnavailable, Err: err}
	}
	open := engine.Beside(e, func() *streams { return new(streams) })
	if open.Add(1) > mostStreams {
		open.Add(-1)
		return caddy.APIError{HTTPStatus: http.StatusServiceUnavailable, Err: errors.New("as many streams are open as there may be: end another `listen`")}
	}
	defer open.Add(-1)
	s, err := newStream(e, r)
	if err != nil {
		return apiError(err)
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("Cache-Control", "no-store")
	ctx, cancel := context.WithTimeout(r.Context(), streamTime)
	defer cancel()
	s.out, s.flush = json.NewEncoder(w), http.NewResponseController(w)
	s.run(ctx)
	return nil
}

// stream is one under way.
type stream struct {
	e      *engine.Engine
	sub    *webhook.Subscription
	render *rules.Subscribers
	after  uint64
	out    *json.Encoder
	flush  *http.ResponseController
}

func newStream(e *engine.Engine, r *http.Request) (*stream, error) {
	q := r.URL.Query()
	s := &stream{e: e, sub: &webhook.Subscription{
		ID: streamRender, Tenant: cmp.Or(q.Get("tenant"), webhook.AnyTenant), Payload: cmp.Or(q.Get("payload"), "standard"),
		Sign: webhook.Signing{Scheme: webhook.SignNone}, URL: "http://localhost/",
	}}
	for _, text := range q["scope"] {
		s.sub.Scopes = append(s.sub.Scopes, webhook.Pattern(text))
	}
	if len(s.sub.Scopes) == 0 {
		s.sub.Scopes = []webhook.Pattern{"**"}
	}
	err := rules.CheckSubscription(s.sub, e.Current().Payloads)
	if err == nil {
		s.render, err = rules.NewSubscribers([]*webhook.Subscription{s.sub}, e.Current().Payloads)
	}
	if err != nil {
		return nil, problem.New(http.StatusBadRequest, "%s", err)
	}
	if q.Get("after") == "" {
		s.after, err = e.Newest(r.Context())
		return s, err
	}
	s.after, err = number(q, "after")
	return s, err
}

// run writes lines until ctx ends, the reader is too slow, or the process exits.
func (s *stream) run(ctx context.Context) {
	tick := time.NewTicker(streamPause)
	defer tick.Stop()
	if s.write(view.Streamed{Position: s.after}) != nil {
		return
	}
	for !caddy.Exiting() {
		more, err := s.page(ctx)
		if err != nil {
			return
		}
		if more {
			continue
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			_ = s.write(view.Streamed{Position: s.after}) // the reader asks again from here
			return
		}
	}
}

// page writes what comes next, and reports whether there may be more.
func (s *stream) page(ctx context.Context) (more bool, err error) {
	look := store.Looking{Left: streamLooked}
	events, err := s.e.Store.Events(ctx, store.EventQuery{After: s.after, Scopes: s.sub.Scopes, Max: streamPage, Looking: &look, Bytes: streamBytes})
	if err != nil {
		return false, err
	}
	for i := range events {
		ev := &events[i]
		s.after = ev.Position
		if !s.sub.Sees(ev) {
			continue
		}
		if err := s.write(s.line(ev)); err != nil {
			return false, err
		}
	}
	s.after = max(s.after, look.At)
	return look.Stopped || len(events) == streamPage, nil
}

// line says of an event what a subscription would get.
func (s *stream) line(ev *webhook.Event) view.Streamed {
	l := view.Streamed{Position: ev.Position, ID: string(ev.ID), Scope: ev.Scope, Entity: ev.Key.String()}
	d := &webhook.Delivery{Event: ev.ID, Subscription: s.sub.ID, Position: ev.Position, State: webhook.Pending}
	p, err := s.render.Render(ev, d)
	if err != nil {
		l.Error = err.Error()
		return l
	}
	l.ContentType, l.Headers, l.Body = p.ContentType, p.Headers, p.Body
	return l
}

func (s *stream) write(l view.Streamed) error {
	if err := s.flush.SetWriteDeadline(time.Now().Add(streamWrite)); err != nil {
		return err
	}
	if err := s.out.Encode(l); err != nil {
		return err
	}
	return s.flush.Flush()
}

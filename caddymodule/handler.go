package caddymodule

import (
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// ServeHTTP implements [caddyhttp.MiddlewareHandler].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	return h.live.serve(w, r, next)
}

// liveHandler is a provisioned handler: what the request path reads.
type liveHandler struct {
	liveOptions
	requestHeaders   *headerKeeper
	beginHeaders     *headerKeeper
	responseHeaders  *headerKeeper
	placeholderNames []string

	slots    chan struct{} // one for each fetch that runs
	breaker  breaker
	patience patience
	warned   atomic.Int64 // when it was last said that calls pass unseen
}

// liveOptions is what a handler is made of.
type liveOptions struct {
	program *rules.Program
	config  webhook.ConfigID
	lease   leaseLine
	budget  *Budget

	// overrideHeader is the header that changes a POST's method, if any.
	overrideHeader string

	// origin is asked where the caller's credentials cannot be used again; nil:
	// then nobody is.
	origin *origin

	// looks is asked as subscribers; nil: there is no origin.
	looks *lookOrigin

	fetchTimeout time.Duration // bounds every wait that is ours
	fetchMax     int           // fetches at once
	maxBody      int64         // bytes kept of each body
	cancelOnGone bool          // on_client_abort cancel
	strict       bool
	logger       *slog.Logger
}

// newLiveHandler returns the handler that works by o.
func newLiveHandler(o liveOptions) *liveHandler {
	return &liveHandler{
		liveOptions:      o,
		requestHeaders:   newHeaderKeeper(keptNames(o.program.RequestHeaders())),
		beginHeaders:     newHeaderKeeper(keptNames(o.program.BeginHeaders())),
		responseHeaders:  newHeaderKeeper(keptNames(o.program.ResponseHeaders())),
		placeholderNames: o.program.Placeholders(),
		slots:            make(chan struct{}, max(o.fetchMax, 1)),
	}
}

// serve is the request path. A call that no route names passes with the writer
// and the request that came in.
func (h *liveHandler) serve(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	match, path := h.matching(r)
	if match == nil || captured(r.Context()) {
		return next.ServeHTTP(w, r)
	}
	line, release, err := h.lease()
	if err != nil {
		return h.unseen(w, r, next, err)
	}
	defer release()
	if h.strict && !line.Healthy() {
		return h.unavailable(w, errors.New("the journal cannot write"))
	}
	c := h.newCall(line, match, path, r, next)
	if c == nil {
		return h.unseen(w, r, next, errors.New("a bug, logged before"))
	}
	if err := c.open(); err != nil && h.strict {
		c.abandon()
		return h.unavailable(w, err)
	}
	return c.forward(w)
}

// matching returns the route that names the call, or nil. Tunnels and calls
// that ask about a resource without touching it have none. A wish to upgrade
// takes no call out of sight: should the API grant it, the tee sees that.
func (h *liveHandler) matching(r *http.Request) (*rules.Match, string) {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodConnect, http.MethodTrace:
		return nil, ""
	}
	path := r.URL.EscapedPath()
	return h.program.Match(r.Method, path), path
}

// unseen lets a call pass that nothing will be known of, or with strict, not.
func (h *liveHandler) unseen(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler, why error) error {
	if h.strict {
		return h.unavailable(w, why)
	}
	h.warn("a call passes unseen", why)
	return next.ServeHTTP(w, r)
}

// unavailable refuses a call that has not been forwarded.
func (h *liveHandler) unavailable(w http.ResponseWriter, why error) error {
	w.Header().Set("Retry-After", "1")
	return caddyhttp.Error(http.StatusServiceUnavailable, why)
}

// warn logs what, at most once in a second: it may happen on every call.
func (h *liveHandler) warn(what string, err error) {
	now := time.Now().UnixNano()
	last := h.warned.Load()
	if now-last > int64(time.Second) && h.warned.CompareAndSwap(last, now) {
		h.logger.Warn(what, "api", h.program.API(), "error", err)
	}
}

// guarded runs f. A bug of ours in it is logged and does not fail the call.
func (h *liveHandler) guarded(f func()) (ok bool) {
	defer func() {
		if p := recover(); p != nil {
			ok = false
			h.logger.Error("a bug in sidehook; the call goes on", "api", h.program.API(), "panic", p, "stack", string(debug.Stack()))
		}
	}()
	f()
	return true
}

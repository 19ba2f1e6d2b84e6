// Package capture is the request path: it matches a route, tees both bodies of a
// call, and hands its begin and its end to the [Line] behind it. What delays a call
// is here, and nothing here fails one.
//
// A call goes through handler.go (which calls), call.go (its begin, and forwarding
// it), tee.go and teebody.go (what comes by), callend.go and ending.go (its end).
// Beside it: fetch.go with subrequest.go and origin.go, the GETs that show an entity
// before and after.
package capture

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

// MostBody is the most that may be kept of one body, in bytes. An exchange that is too
// large for the journal all the same, by what was seen before it, loses bodies there.
const MostBody = 8 << 20

// Handler is a provisioned handler: what the request path reads.
type Handler struct {
	Options
	requestHeaders   *headerKeeper
	beginHeaders     *headerKeeper
	responseHeaders  *headerKeeper
	placeholderNames []string

	redactions *redactions

	slots    chan struct{} // one for each fetch that runs
	breaker  breaker
	patience patience
	warned   atomic.Int64 // when it was last said that calls pass unseen
}

// Options is what a handler is made of.
type Options struct {
	Program *rules.Program
	Config  webhook.ConfigID
	Lease   leaseLine
	Budget  *Budget

	// OverrideHeader is the header that changes a POST's method, if any.
	OverrideHeader string

	// Origin is asked where the caller's credentials cannot be used again; nil:
	// then nobody is.
	Origin *Origin

	FetchTimeout time.Duration // bounds every wait that is ours
	FetchMax     int           // fetches at once
	MaxBody      int64         // bytes kept of each body, [MostBody] at most
	CancelOnGone bool          // on_client_abort cancel
	Strict       bool
	Logger       *slog.Logger
}

// New returns the handler that works by o.
func New(o Options) *Handler {
	return &Handler{
		Options:          o,
		requestHeaders:   newHeaderKeeper(keptNames(o.Program.RequestHeaders())),
		beginHeaders:     newHeaderKeeper(keptNames(o.Program.BeginHeaders())),
		responseHeaders:  newHeaderKeeper(keptNames(o.Program.ResponseHeaders())),
		placeholderNames: o.Program.Placeholders(),
		redactions:       newRedactions(o.Program, o.Logger),
		slots:            make(chan struct{}, max(o.FetchMax, 1)),
	}
}

// KeepRequest returns what is kept of the header of a request.
func (h *Handler) KeepRequest(header http.Header) webhook.Header {
	return h.requestHeaders.keep(header)
}

// KeptOfResponses returns the names of the fields that are kept of responses.
func (h *Handler) KeptOfResponses() []string { return h.responseHeaders.names }

// Serve is the request path. A call that no route names passes with the writer
// and the request that came in.
func (h *Handler) Serve(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	match, path := h.matching(r)
	if match == nil || captured(r.Context()) {
		return next.ServeHTTP(w, r)
	}
	line, release, err := h.Lease()
	if err != nil {
		return h.unseen(w, r, next, err)
	}
	defer release()
	if h.Strict && !line.Healthy() {
		return h.unavailable(w, errors.New("the journal cannot write"))
	}
	c := h.newCall(line, match, path, r, next)
	if c == nil {
		return h.unseen(w, r, next, errors.New("a bug, logged before"))
	}
	if err := c.open(); err != nil && h.Strict {
		c.abandon()
		return h.unavailable(w, err)
	}
	return c.forward(w)
}

// matching returns the route that names the call, or nil. Tunnels and calls
// that ask about a resource without touching it have none. A wish to upgrade
// takes no call out of sight: should the API grant it, the tee sees that.
func (h *Handler) matching(r *http.Request) (*rules.Match, string) {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodConnect, http.MethodTrace:
		return nil, ""
	}
	path := r.URL.EscapedPath()
	return h.Program.Match(r.Method, path), path
}

// unseen lets a call pass that nothing will be known of, or with strict, not.
func (h *Handler) unseen(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler, why error) error {
	if h.Strict {
		return h.unavailable(w, why)
	}
	h.warn("a call passes unseen", why)
	return next.ServeHTTP(w, r)
}

// unavailable refuses a call that has not been forwarded.
func (h *Handler) unavailable(w http.ResponseWriter, why error) error {
	w.Header().Set("Retry-After", "1")
	return caddyhttp.Error(http.StatusServiceUnavailable, why)
}

// warn logs what, at most once in a second: it may happen on every call.
func (h *Handler) warn(what string, err error) {
	now := time.Now().UnixNano()
	last := h.warned.Load()
	if now-last > int64(time.Second) && h.warned.CompareAndSwap(last, now) {
		h.Logger.Warn(what, "api", h.Program.API(), "error", err)
	}
}

// guarded runs f. A bug of ours in it is logged and does not fail the call.
func (h *Handler) guarded(f func()) (ok bool) {
	defer func() {
		if p := recover(); p != nil {
			h.Logger.Error("a bug in sidehook; the call goes on", "api", h.Program.API(), "panic", p, "stack", string(debug.Stack()))
		}
	}()
	f()
	return true
}

package capture

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// caller makes GETs as the caller of one call, through the rest of the chain
// behind us. It holds what the caller sent, as it was at capture.
type caller struct {
	next     caddyhttp.Handler
	ctx      context.Context // of the call; for its values
	header   fields          // never changed
	host     string
	path     string // of the call, where the directive stands
	secret   string // the part of its query that carries credentials
	override string // the header that changes a POST's method, if any
	origin   *http.Request
	vars     map[string]any
	repl     *caddy.Replacer
}

// note keeps what the caller of c sent.
func (f *caller) note(c *call, secret string) {
	r := c.r
	vars, _ := r.Context().Value(caddyhttp.VarsCtxKey).(map[string]any)
	repl, _ := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	*f = caller{
		next: c.next, ctx: c.ctx, header: fieldsOf(r.Header), host: r.Host, path: c.exchange.Request.Path,
		secret: secret, override: c.h.OverrideHeader, origin: r, vars: vars, repl: repl,
	}
}

// outlive returns a caller that shares nothing with the request that others
// still change.
func (f *caller) outlive() *caller {
	g := *f
	r := *f.origin.WithContext(f.ctx)
	r.Body, r.Trailer = http.NoBody, nil
	g.origin, g.vars = &r, maps.Clone(f.vars)
	if f.repl != nil {
		g.repl = f.repl.WithoutFile() // a copy: others may add to the original
	}
	return &g
}

// prepare returns what sends the GET of target through the chain, on the
// condition that it is not what etag validates. Of the call
// it uses, from then on, only the replacer, as long as that is lent.
func (f *caller) prepare(ctx context.Context, a *Answer, target, etag string, lent *loan) (send func() error, err error) {
	lent.from = f.repl
	r, err := f.request(ctx, a, target, lent)
	if err != nil {
		return nil, err
	}
	if etag != "" {
		r.Header.Set("If-None-Match", etag)
	}
	return func() error {
		if err := f.next.ServeHTTP(a, r); err != nil {
			return err
		}
		if unhandled, _ := caddyhttp.GetVar(r.Context(), "unhandled").(bool); unhandled || a.Status == 0 {
			return fmt.Errorf("no handler behind sidehook answers GET %s", r.URL.Path)
		}
		return nil
	}, nil
}

// request prepares the GET of target for the chain behind us. Everything that
// routing notes on a request is new; who asks, and from where, is the caller.
func (f *caller) request(ctx context.Context, w http.ResponseWriter, target string, lent *loan) (*http.Request, error) {
	server, ok := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	if !ok {
		return nil, errors.New("the call did not come through a Caddy server")
	}
	u, err := url.ParseRequestURI(withQuery(target, f.secret))
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", target, err)
	}
	// The idle timeouts belong to the caller's connection: the timeouts
	// directive would change them there.
	ctx = context.WithValue(ctx, caddy.CtxKey("idle_timeouts"), nil)
	r := f.origin.WithContext(ctx)
	r.Method, r.Host = http.MethodGet, f.host
	r.Header = f.fetchHeader()
	r.Body, r.ContentLength, r.TransferEncoding, r.Trailer = http.NoBody, 0, nil, nil
	r.Form, r.PostForm, r.MultipartForm = nil, nil, nil
	r.GetBody, r.Close, r.Response, r.Pattern = nil, false, nil, ""

	r.URL = f.outside(u)
	r.RequestURI = r.URL.RequestURI()
	repl := caddy.NewReplacer()
	r = caddyhttp.PrepareRequest(r, repl, w, server)
	r.URL = u
	f.lend(r, repl, lent)
	return r, nil
}

// outside returns u as it would have been asked for from outside: with what
// was taken off the call's path (handle_path, uri strip_prefix) before us.
// Some backends go by that (REQUEST_URI of FastCGI).
func (f *caller) outside(u *url.URL) *url.URL {
	out := *u
	original, ok := f.ctx.Value(caddyhttp.OriginalRequestCtxKey).(http.Request)
	if !ok || original.URL == nil {
		return &out
	}
	prefix, ok := strings.CutSuffix(original.URL.EscapedPath(), f.path)
	if !ok || prefix == "" {
		return &out
	}
	path, err := url.PathUnescape(prefix)
	if err != nil {
		return &out
	}
	out.Path, out.RawPath = path+u.Path, prefix+u.EscapedPath()
	return &out
}

// lend gives r what handlers before us found out about the caller: variables,
// and placeholders that were set (http.auth.user.id).
func (f *caller) lend(r *http.Request, repl *caddy.Replacer, lent *loan) {
	if vars, ok := r.Context().Value(caddyhttp.VarsCtxKey).(map[string]any); ok {
		for name, v := range f.vars {
			if name != "unhandled" && name != "start_time" && name != "uuid" {
				vars[name] = v
			}
		}
	}
	repl.Map(func(name string) (any, bool) {
		for _, own := range []string{"http.request.", "http.response.", "http.vars.", "http.reverse_proxy."} {
			if strings.HasPrefix(name, own) {
				return nil, false
			}
		}
		return lent.get(name)
	})
}

// loan lends the call's replacer to a GET, as long as the call waits for it: a
// placeholder may be found out from the call's request.
type loan struct {
	mu   sync.Mutex
	from *caddy.Replacer // nil: there is none, or the loan has ended
}

func (l *loan) get(name string) (any, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.from == nil {
		return nil, false
	}
	return l.from.Get(name)
}

// end returns when no look-up is under way, and none comes any more.
func (l *loan) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.from = nil
}

// notForFetch are request fields that belong to the call and not to its
// caller: its body, its conditions, its effects, its connection.
var notForFetch = []string{
	"Digest", "Repr-Digest", "Transfer-Encoding", "Expect", "Range", "X-Fields", "X-Goog-Fieldmask",
	"If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range",
	"If", "Lock-Token", "Prefer", "Connection", "Upgrade", "Te", "Trailer", "Incremental",
	"X-Http-Method-Override", "X-Http-Method", "X-Method-Override", "Accept-Encoding", "Http2-Settings",
}

func (f *caller) fetchHeader() http.Header {
	h := f.header.header()
	for _, name := range notForFetch {
		delete(h, name)
	}
	maps.DeleteFunc(h, func(name string, _ []string) bool {
		return strings.HasPrefix(name, "Content-") || strings.HasSuffix(name, "Idempotency-Key")
	})
	if f.override != "" {
		h.Del(f.override)
	}
	if a := h.Get("Accept"); !strings.Contains(a, "json") && !strings.Contains(a, "*/*") {
		h.Set("Accept", "application/json, */*;q=0.1")
	}
	h.Set("Accept-Encoding", "identity")
	h.Set("Cache-Control", "no-cache")
	return h
}

// withQuery adds the raw query more to target.
func withQuery(target, more string) string {
	switch {
	case more == "":
		return target
	case strings.Contains(target, "?"):
		return target + "&" + more
	}
	return target + "?" + more
}

package capture

import (
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.opentelemetry.io/otel/trace"

	"github.com/sidehook/sidehook/caddymodule/credentials"
	"github.com/sidehook/sidehook/webhook"
)

// maxShort bounds ids and the like that a stranger may send.
const maxShort = 256

// snapshotRequest notes what is kept of r, as it is where the directive
// stands; what is behind us changes r in place. secret is the part of the
// query that is not kept.
func (h *Handler) snapshotRequest(r *http.Request, path string) (kept webhook.Request, secret string) {
	query, secret := credentials.SplitQuery(r.URL.RawQuery)
	return webhook.Request{
		Method:  r.Method,
		Path:    path,
		Query:   query,
		Header:  h.requestHeaders.keep(r.Header),
		ID:      requestID(r),
		Trace:   traceParent(r),
		SkipKey: short(r.Header[h.Program.SkipHeader()]),
	}, secret
}

// requestID returns the caller's request id, or Caddy's if somebody in front
// of us made one.
func requestID(r *http.Request) string {
	if id := short(r.Header["X-Request-Id"]); id != "" {
		return id
	}
	if id, ok := caddyhttp.GetVar(r.Context(), "uuid").(interface{ String() string }); ok {
		return id.String()
	}
	return ""
}

// traceParent returns the W3C traceparent of the span that is open (the
// tracing directive's), or the one that came with the request.
func traceParent(r *http.Request) string {
	sc := trace.SpanContextFromContext(r.Context())
	if !sc.IsValid() {
		return short(r.Header["Traceparent"])
	}
	return "00-" + sc.TraceID().String() + "-" + sc.SpanID().String() + "-" + sc.TraceFlags().String()
}

// placeholders returns the values of the placeholders that the configuration
// reads. Bodies are no values: looking one up would read it whole.
func (h *Handler) placeholders(r *http.Request) map[string]string {
	if len(h.placeholderNames) == 0 {
		return nil
	}
	repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if !ok {
		return nil
	}
	values := make(map[string]string, len(h.placeholderNames))
	for _, name := range h.placeholderNames {
		if strings.HasPrefix(name, "http.request.body") {
			continue
		}
		if v, found := repl.GetString(name); found {
			values[name] = v
		}
	}
	return values
}

// short returns the first of values, unless it is longer than any honest one.
func short(values []string) string {
	if len(values) == 0 || len(values[0]) > maxShort {
		return ""
	}
	return values[0]
}

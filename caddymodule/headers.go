package caddymodule

import (
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sidehook/sidehook/webhook"
)

// keepHeader copies the named fields of h. Names are canonical. The copy
// shares nothing with h: handlers go on changing that.
func keepHeader(h http.Header, names []string) webhook.Header {
	var kept webhook.Header
	for _, name := range names {
		v := h[name]
		if len(v) == 0 {
			continue
		}
		if kept == nil {
			kept = make(webhook.Header, len(names))
		}
		kept[name] = append(make([]string, 0, len(v)), v...)
	}
	return kept
}

// keptNames returns names in canonical form, without those that carry
// credentials: whoever asks for them, they are never kept.
func keptNames(names []string) []string {
	kept := make([]string, 0, len(names))
	for _, name := range names {
		if name = http.CanonicalHeaderKey(name); !isCredential(name) {
			kept = append(kept, name)
		}
	}
	return kept
}

// streams are the media types of bodies without an end.
var streams = map[string]bool{
	"text/event-stream":         true,
	"application/x-ndjson":      true,
	"application/ndjson":        true,
	"application/jsonl":         true,
	"application/json-seq":      true,
	"application/stream+json":   true,
	"multipart/x-mixed-replace": true,
}

// isStream reports whether a response with header h is to reach the client as
// it comes, piece by piece (RFC 10036 for Incremental).
func isStream(h http.Header) bool {
	t, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	t = strings.ToLower(strings.TrimSpace(t))
	return streams[t] || strings.HasPrefix(t, "application/grpc") || caddyhttp.IsIncremental(h)
}

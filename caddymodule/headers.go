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
	fields, values := 0, 0
	for _, name := range names {
		if n := len(h[name]); n > 0 {
			fields++
			values += n
		}
	}
	if fields == 0 {
		return nil
	}
	kept, all := make(webhook.Header, fields), make([]string, 0, values)
	for _, name := range names {
		if v := h[name]; len(v) > 0 {
			start := len(all)
			all = append(all, v...)
			kept[name] = all[start:len(all):len(all)]
		}
	}
	return kept
}

// fields is a header as a list, which is cheaper to make than a map and is
// seldom read: one entry for each value.
type fields []field

type field struct{ name, value string }

// fieldsOf copies h, and shares nothing with it.
func fieldsOf(h http.Header) fields {
	n := 0
	for _, values := range h {
		n += len(values)
	}
	list := make(fields, 0, n)
	for name, values := range h {
		for _, v := range values {
			list = append(list, field{name, v})
		}
	}
	return list
}

// header returns a header of its own.
func (f fields) header() http.Header {
	h := make(http.Header, len(f))
	for _, e := range f {
		h[e.name] = append(h[e.name], e.value)
	}
	return h
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

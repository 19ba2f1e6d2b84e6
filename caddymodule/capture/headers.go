package capture

import (
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sidehook/sidehook/caddymodule/credentials"
	"github.com/sidehook/sidehook/webhook"
)

// headerKeeper keeps the named fields of headers. Most calls of an API have the
// same ones, so it keeps the last it made, which nobody changes. It is safe for
// concurrent use.
type headerKeeper struct {
	names  []string // canonical
	wanted map[string]bool
	last   atomic.Pointer[webhook.Header]
}

func newHeaderKeeper(names []string) *headerKeeper {
	k := &headerKeeper{names: names, wanted: make(map[string]bool, len(names))}
	for _, name := range names {
		k.wanted[name] = true
	}
	return k
}

// keep returns the named fields of h. It shares nothing with h, and is not to be
// changed.
func (k *headerKeeper) keep(h http.Header) webhook.Header {
	if len(k.names) == 0 {
		return nil
	}
	if last := k.last.Load(); last != nil && k.isKept(h, *last) {
		return *last
	}
	kept := keepHeader(h, k.names)
	k.last.Store(&kept)
	return kept
}

// isKept reports whether kept is what keeping h comes to. Requests have few
// fields, and there are many that would be kept.
func (k *headerKeeper) isKept(h http.Header, kept webhook.Header) bool {
	n := 0
	for name, values := range h {
		if len(values) == 0 || !k.wanted[name] {
			continue
		}
		if !slices.Equal(values, kept[name]) {
			return false
		}
		n++
	}
	return n == len(kept)
}

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
		if name = http.CanonicalHeaderKey(name); !credentials.Is(name) {
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

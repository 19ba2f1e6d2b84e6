package capture_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// What is known with a validator is asked for on the condition that it is not
// that any more, and 304 proves it.
func TestAKnownStateIsAskedForOnACondition(t *testing.T) {
	long := time.Now().Add(-time.Hour)
	known := webhook.Snapshot{Sequence: 1, Body: []byte(`{"id":1}`), ETag: `"7"`, Seen: long}
	touched, gone, bare := known, webhook.Snapshot{Sequence: 1, Deleted: true, Seen: long}, known
	touched.Stale, bare.ETag = long, ""
	tests := map[string]struct {
		snapshot  webhook.Snapshot
		now       string // the entity's validator
		silent    bool   // a 304 has no ETag
		condition string
		status    int
		etag      string
	}{
		"unchanged":             {known, `"7"`, false, `"7"`, 304, `"7"`},
		"unchanged, not said":   {known, `"7"`, true, `"7"`, 304, `"7"`},
		"changed":               {known, `"8"`, false, `"7"`, 200, `"8"`},
		"touched since":         {touched, `"7"`, false, "", 200, `"7"`},
		"known without an etag": {bare, `"7"`, false, "", 200, `"7"`},
		"known to be deleted":   {gone, `"7"`, false, "", 200, `"7"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := &store{get: func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Etag", test.now)
				if r.Header.Get("If-None-Match") != test.now {
					w.Write([]byte(`{"id":1}`))
					return
				}
				if test.silent {
					w.Header().Del("Etag")
				}
				w.WriteHeader(http.StatusNotModified)
			}}
			l := newLine(t)
			l.snapshots = map[webhook.EntityKey]webhook.Snapshot{thing1: test.snapshot}
			at := serve(t, []object{probe(t, l), proxy(api(t, s.ServeHTTP))})
			r := request(t, "DELETE", at[0], "/things/1", nil)
			r.Header.Set("If-None-Match", `"caller"`)
			ask(t, client(t, http1), r)
			x := l.only(t)
			if got := s.asked[0].Header.Get("If-None-Match"); got != test.condition {
				t.Errorf("asked on the condition %q, want %q", got, test.condition)
			}
			if x.Before == nil || x.Before.Status != test.status || x.Before.Header.Get("Etag") != test.etag {
				t.Errorf("saw %+v", x.Before)
			}
		})
	}
}

// Where a rule reads the state before, a snapshot that another caller saw is not
// enough; a delete is content with it.
func TestWhatAnotherCallerSawIsAskedForAgain(t *testing.T) {
	rule := object{"resources": []object{{
		"name": "thing", "path": "/things", "emit": []object{{"scope": "thing.a.updated", "when": `changed("a")`}},
	}}}
	for _, test := range []struct {
		method, view, match string
		want                bool
	}{
		{"PATCH", "get", "", false},
		{"PATCH", "answer", "", false},
		{"PATCH", "get#other", "", true},
		{"PATCH", "get#other get", "", false},
		{"PATCH", "get#service", "", false},
		{"PATCH", "get;version", "", true},
		{"PATCH", "get", `"7"`, false},
		{"PATCH", "get", `"8"`, true},
		{"DELETE", "get#other", "", false},
	} {
		name := strings.Join([]string{test.method, test.view, test.match}, " ")
		t.Run(name, func(t *testing.T) {
			s := &store{thing: `{"id":1}`}
			l := newLine(t)
			l.snapshots = map[webhook.EntityKey]webhook.Snapshot{
				thing1: {Sequence: 1, Body: []byte(`{"id":1}`), Seen: time.Now(), View: test.view, ETag: `"7"`},
			}
			at := serve(t, []object{probe(t, l, rule), proxy(api(t, s.ServeHTTP))})
			r := request(t, test.method, at[0], "/things/1", strings.NewReader("{}"))
			if test.match != "" {
				r.Header.Set("If-Match", test.match)
			}
			ask(t, client(t, http1), r)
			if x := l.only(t); (x.Before != nil) != test.want {
				t.Errorf("before: %+v", x.Before)
			}
		})
	}
}

// A GET of ours asks for the version, language and tenant that the call did, by
// its header or its query, and for nothing that was the call's alone.
func TestFetchesAskForWhatTheCallerSees(t *testing.T) {
	s := &store{thing: `{"id":1}`}
	l := newLine(t)
	at := serve(t, []object{probe(t, l), proxy(api(t, s.ServeHTTP))})
	r := request(t, "DELETE", at[0], "/things/1?api-version=2&force=1&Locale=de&fields=id", strings.NewReader("{}"))
	for name, value := range map[string]string{
		"X-Api-Version": "2", "Accept-Language": "de", "Authorization": "Bearer t", "X-Tenant": "t1",
		"Idempotency-Key": "k", "X-Idempotency-Key": "k", "Prefer": "return=minimal", "Range": "bytes=0-1",
		"If-Match": `"1"`, "If-Unmodified-Since": "Sun, 22 Nov 2026 04:00:00 GMT", "Content-Type": "application/json",
		"Content-Digest": "x", "X-Http-Method-Override": "PATCH", "X-Fields": "id",
	} {
		r.Header.Set(name, value)
	}
	ask(t, client(t, http1), r)
	l.only(t)
	if got := s.calls()[0]; got != "GET /things/1?api-version=2&Locale=de" {
		t.Errorf("asked %s", got)
	}
	h := s.asked[0].Header
	for _, name := range []string{"X-Api-Version", "Accept-Language", "Authorization", "X-Tenant"} {
		if h.Get(name) == "" {
			t.Errorf("%s is missing", name)
		}
	}
	for _, name := range []string{
		"Idempotency-Key", "X-Idempotency-Key", "Prefer", "Range", "If-Match", "If-Unmodified-Since", "Content-Type",
		"Content-Digest", "Content-Length", "X-Http-Method-Override", "X-Fields",
	} {
		if h.Get(name) != "" {
			t.Errorf("%s is %q", name, h.Get(name))
		}
	}
}

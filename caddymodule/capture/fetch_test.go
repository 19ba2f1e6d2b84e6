package capture_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sidehook/sidehook/webhook"
)

// store is an API that keeps one thing, and remembers how it was asked.
type store struct {
	mu    sync.Mutex
	asked []*http.Request
	thing string
	get   http.HandlerFunc // in place of the usual GET
}

func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.asked = append(s.asked, r.Clone(context.Background()))
	thing := s.thing
	s.mu.Unlock()
	switch {
	case r.Method != "GET":
		w.WriteHeader(http.StatusNoContent)
	case s.get != nil:
		s.get(w, r)
	default:
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Etag", `"7"`)
		fmt.Fprint(w, thing)
	}
}

// calls returns method and URI of what was asked.
func (s *store) calls() (calls []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.asked {
		calls = append(calls, r.Method+" "+r.RequestURI)
	}
	return calls
}

var thing1 = webhook.EntityKey{API: "shop", Resource: "thing", ID: "1"}

// after returns what the GET behind the exchange saw.
func after(t *testing.T, l *memoryLine, x webhook.Exchange) *webhook.Observation {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	o, _, live := l.traffic.Wait(ctx, x.ID)
	if !live || ctx.Err() != nil {
		t.Fatal("the after of the call was never settled")
	}
	return o
}

// A delete is preceded by a GET, and a patch that answers nothing is followed
// by one, both as the caller, both through the rest of the chain.
func TestFetchesGoThroughTheRestOfTheChain(t *testing.T) {
	groups := 0
	grouped := func(h ...object) object {
		groups++
		return object{"handler": "subroute", "routes": []object{{"group": fmt.Sprint("g", groups), "handle": h}}}
	}
	strip := object{"handler": "rewrite", "strip_path_prefix": "/v1"}
	add := object{"handler": "rewrite", "uri": "/inner{http.request.uri}"}
	auth := object{"handler": "headers", "request": object{"set": object{"X-User": []string{"{http.auth.user.id}/{http.vars.team}"}}}}
	who := object{"handler": "map", "source": "x", "destinations": []string{"{http.auth.user.id}"}, "defaults": []string{"ann"}}
	lb := object{"load_balancing": object{"retries": 2}, "upstreams": []object{{"dial": "127.0.0.1:1"}}}
	chains := map[string]struct {
		path string
		want string
		make func(h, api object) []object
	}{
		"plain":          {"/things/1", "/things/1", func(h, api object) []object { return []object{h, api} }},
		"grouped":        {"/things/1", "/things/1", func(h, api object) []object { return []object{grouped(h, grouped(api))} }},
		"strip before":   {"/v1/things/1", "/things/1", func(h, api object) []object { return []object{strip, h, api} }},
		"rewrite behind": {"/things/1", "/inner/things/1", func(h, api object) []object { return []object{h, add, grouped(api)} }},
		"user":           {"/things/1", "/things/1", func(h, api object) []object { return []object{{"handler": "vars", "team": "blue"}, who, h, auth, api} }},
		"nested":         {"/things/1", "/things/1", func(h, api object) []object { return []object{h, h, api} }},
		"retries": {"/things/1", "/things/1", func(h, api object) []object {
			api["upstreams"] = append(lb["upstreams"].([]object), api["upstreams"].([]object)...)
			api["load_balancing"] = object{"selection_policy": object{"policy": "first"}, "retries": 3}
			api["health_checks"] = object{"passive": object{"fail_duration": "10s"}}
			return []object{h, api}
		}},
	}
	for name, chain := range chains {
		t.Run(name, func(t *testing.T) {
			s := &store{thing: `{"id":1,"name":"x"}`}
			l := newLine(t)
			at := serve(t, chain.make(probe(t, l), proxy(api(t, s.ServeHTTP))))
			for i, method := range []string{"DELETE", "PATCH"} {
				r := request(t, method, at[0], chain.path+"?a=b&api_key=k", strings.NewReader(`{"name":"y"}`))
				r.Header.Set("Authorization", "Bearer t")
				r.Header.Set("Content-Type", "application/json")
				r.Header.Set("If-Match", `"6"`)
				r.Header.Set("Idempotency-Key", "once")
				r.Header.Set("X-Kept", "yes")
				ask(t, client(t, http1), r)
				x := l.wait(t, i+1)[i]
				seen := x.Before
				if method == "PATCH" {
					seen = after(t, l, x)
				}
				l.traffic.Forget(x.ID)
				if seen == nil || seen.Status != 200 || string(seen.Body.Bytes) != s.thing || seen.Header.Get("Etag") != `"7"` {
					t.Fatalf("%s: saw %+v", method, seen)
				}
			}
			want := []string{"GET " + chain.want + "?api_key=k", "DELETE " + chain.want + "?a=b&api_key=k",
				"PATCH " + chain.want + "?a=b&api_key=k", "GET " + chain.want + "?api_key=k"}
			if diff := cmp.Diff(want, s.calls()); diff != "" {
				t.Error(diff)
			}
			for _, i := range []int{0, 3} {
				h, sent := s.asked[i].Header, s.asked[i-i%2*2+1].Header
				if h.Get("Authorization") != "Bearer t" || h.Get("X-Kept") != "yes" || h.Get("Accept-Encoding") != "identity" || h.Get("X-User") != sent.Get("X-User") {
					t.Errorf("fetched with %v, called with %v", h, sent)
				}
				for _, not := range []string{"Content-Type", "Content-Length", "If-Match", "Idempotency-Key"} {
					if h.Get(not) != "" {
						t.Errorf("fetched with %s: %s", not, h.Get(not))
					}
				}
			}
			if name == "user" && s.asked[0].Header.Get("X-User") != "ann/blue" {
				t.Error(s.asked[0].Header.Get("X-User"))
			}
		})
	}
}

// What handlers behind us do to the header of a call in place is not done twice
// to the GET that follows it.
func TestFetchesBeginWithTheHeaderAsItCame(t *testing.T) {
	s := &store{thing: `{"id":1}`}
	l := newLine(t)
	change := object{"handler": "headers", "request": object{
		"add": object{"X-Added": []string{"b"}}, "delete": []string{"X-Deleted"},
		"replace": object{"X-Replaced": []object{{"search": "a", "replace": "aa"}}},
	}}
	at := serve(t, []object{probe(t, l), change, proxy(api(t, s.ServeHTTP))})
	r := request(t, "PATCH", at[0], "/things/1", strings.NewReader("{}"))
	for _, name := range []string{"X-Added", "X-Deleted", "X-Replaced"} {
		r.Header.Set(name, "a")
	}
	ask(t, client(t, http1), r)
	after(t, l, l.only(t))
	if len(s.asked) != 2 {
		t.Fatalf("the API was asked %v", s.calls())
	}
	for name, want := range map[string][]string{"X-Added": {"a", "b"}, "X-Deleted": nil, "X-Replaced": {"aa"}} {
		for _, r := range s.asked {
			if got := r.Header.Values(name); !cmp.Equal(got, want) {
				t.Errorf("%s: %s is %q, want %q", r.Method, name, got, want)
			}
		}
	}
}

// No GET is made where it is not needed or would not be the caller's.
func TestNoFetch(t *testing.T) {
	fresh := webhook.Snapshot{Sequence: 1, Body: []byte(`{}`), Seen: time.Now()}
	stale := webhook.Snapshot{Sequence: 1, Body: []byte(`{}`), Seen: time.Now().Add(-time.Hour)}
	tests := []struct {
		name     string
		snapshot webhook.Snapshot
		busy     bool
		header   [2]string
		want     bool
	}{
		{"never seen", webhook.Snapshot{}, false, [2]string{}, true},
		{"seen long ago", stale, false, [2]string{}, true},
		{"seen just now", fresh, false, [2]string{}, false},
		{"another call under way", webhook.Snapshot{}, true, [2]string{}, false},
		{"bearer", webhook.Snapshot{}, false, [2]string{"Authorization", "Bearer t"}, true},
		{"dpop", webhook.Snapshot{}, false, [2]string{"Authorization", "DPoP t"}, false},
		{"sigv4", webhook.Snapshot{}, false, [2]string{"Authorization", "AWS4-HMAC-SHA256 Credential=x"}, false},
		{"digest", webhook.Snapshot{}, false, [2]string{"Authorization", "Digest username=x"}, false},
		{"signed", webhook.Snapshot{}, false, [2]string{"Signature-Input", "sig1=()"}, false},
		{"signed, and its signature alone", webhook.Snapshot{}, false, [2]string{"Signature", "sig1=:AA==:"}, false},
		{"proved", webhook.Snapshot{}, false, [2]string{"Dpop", "eyJ0"}, false},
		{"sigv4 in lower case", webhook.Snapshot{}, false, [2]string{"Authorization", "aws4-hmac-sha256 Credential=x"}, false},
		{"sigv4a", webhook.Snapshot{}, false, [2]string{"Authorization", "AWS4-ECDSA-P256-SHA256 Credential=x"}, false},
		{"sigv2", webhook.Snapshot{}, false, [2]string{"Authorization", "AWS AKID:c2ln"}, false},
		{"azure", webhook.Snapshot{}, false, [2]string{"Authorization", "SharedKey account:c2ln"}, false},
		{"akamai", webhook.Snapshot{}, false, [2]string{"Authorization", "EG1-HMAC-SHA256 client_token=x;signature=y"}, false},
		{"oauth 1", webhook.Snapshot{}, false, [2]string{"Authorization", `OAuth oauth_token="x", oauth_signature="y"`}, false},
		{"a vendor's signature", webhook.Snapshot{}, false, [2]string{"X-Hub-Signature-256", "sha256=00"}, false},
		{"a nonce", webhook.Snapshot{}, false, [2]string{"X-Nonce", "1"}, false},
		{"basic", webhook.Snapshot{}, false, [2]string{"Authorization", "Basic YTpi"}, true},
		{"cookie", webhook.Snapshot{}, false, [2]string{"Cookie", "session=1"}, true},
		{"key", webhook.Snapshot{}, false, [2]string{"X-Api-Key", "k"}, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := &store{thing: `{"id":1}`}
			l := newLine(t)
			l.snapshots = map[webhook.EntityKey]webhook.Snapshot{thing1: test.snapshot}
			if test.busy {
				l.traffic.Enter(t.Context(), thing1, 0)
			}
			at := serve(t, []object{probe(t, l), proxy(api(t, s.ServeHTTP))})
			r := request(t, "DELETE", at[0], "/things/1", nil)
			if test.header[0] != "" {
				r.Header.Set(test.header[0], test.header[1])
			}
			ask(t, client(t, http1), r)
			if x := l.only(t); (x.Before != nil) != test.want {
				t.Errorf("before: %+v; the API was asked %v", x.Before, s.calls())
			}
		})
	}
}

// A GET that fails delays the call by no more than the limit, and fails
// nothing; five in a row are enough for a while.
func TestFetchesThatFail(t *testing.T) {
	hang := func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	tests := map[string]struct {
		get       http.HandlerFunc
		settings  object
		status    int
		missing   webhook.Missing
		words     string
		triesOf10 int
	}{
		"hangs":     {hang, object{"fetch": 200 * time.Millisecond}, 0, 0, "no answer in the time", 5},
		"500":       {answers["server error"], nil, 500, 0, "", 5},
		"cut":       {answers["cut"], nil, 0, 0, "the answer broke off", 5},
		"too large": {answers["larger than max_body"], nil, 200, webhook.TooLarge, "", 10},
		"no budget": {answers["100 kB"], object{"budget": 1000}, 200, webhook.NoBudget, "", 10},
		"a stream": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			w.Write([]byte("x"))
		}, nil, 200, webhook.Streamed, "", 10},
		"404":         {http.NotFound, nil, 404, 0, "", 10},
		"early hints": {answers["early hints"], nil, 200, 0, "", 10},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := &store{get: test.get}
			l := newLine(t)
			at := serve(t, []object{probe(t, l, test.settings), proxy(api(t, s.ServeHTTP))})
			for i := range 10 {
				if got := ask(t, client(t, http1), request(t, "DELETE", at[0], fmt.Sprint("/things/", i), nil)); got.Status != 204 {
					t.Fatalf("status %d", got.Status)
				}
			}
			o := l.wait(t, 10)[0].Before
			if o.Status != test.status || o.Body.Missing != test.missing || !strings.Contains(o.Error, test.words) || test.words == "" && o.Error != "" {
				t.Errorf("saw %d %v %q", o.Status, o.Body.Missing, o.Error)
			}
			if got := len(s.calls()) - 10; got != test.triesOf10 {
				t.Errorf("%d GETs", got)
			}
		})
	}
}

// Few fetches run at once.
func TestFetchesTakeTurns(t *testing.T) {
	const calls = 8
	arrived, answer := make(chan struct{}, calls), make(chan struct{})
	s := &store{get: func(w http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		<-answer
		fmt.Fprint(w, `{"id":1}`)
	}}
	l := newLine(t)
	at := serve(t, []object{probe(t, l, object{"max": 2}), proxy(api(t, s.ServeHTTP))})
	c := client(t, http1)
	var all sync.WaitGroup
	for i := range calls {
		all.Go(func() { ask(t, c, request(t, "DELETE", at[0], fmt.Sprint("/things/", i), nil)) })
	}
	<-arrived
	<-arrived
	select {
	case <-arrived:
		t.Error("a third fetch ran")
	case <-time.After(held):
	}
	close(answer)
	all.Wait()
	for _, x := range l.wait(t, calls) {
		if x.Before == nil || x.Before.Status != 200 {
			t.Errorf("saw %+v", x.Before)
		}
	}
}

// The GET behind a call survives the call, its client and its configuration.
func TestAfterFetchOutlivesTheCall(t *testing.T) {
	release := make(chan struct{})
	s := &store{get: func(w http.ResponseWriter, _ *http.Request) {
		<-release
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"id":1}`)
	}}
	l := newLine(t)
	upstream := api(t, s.ServeHTTP)
	at := serve(t, []object{probe(t, l), proxy(upstream)})
	ctx, hangUp := context.WithCancel(t.Context())
	ask(t, client(t, http1), request(t, "PUT", at[0], "/things/1", strings.NewReader("{}")).WithContext(ctx))
	hangUp()
	x := l.only(t)
	serve(t, []object{probe(t, l), proxy(upstream)}) // a reload
	close(release)
	if o := after(t, l, x); o == nil || string(o.Body.Bytes) != `{"id":1}` {
		t.Errorf("saw %+v", o)
	}
}

// The next call on an entity waits for the GET behind the one before.
func TestTheNextCallWaitsForTheFetch(t *testing.T) {
	release := make(chan struct{})
	var gets atomic.Int32
	s := &store{get: func(w http.ResponseWriter, _ *http.Request) {
		if gets.Add(1) == 1 {
			<-release
		}
		fmt.Fprint(w, `{"id":1}`)
	}}
	l := newLine(t)
	at := serve(t, []object{probe(t, l), proxy(api(t, s.ServeHTTP))})
	c := client(t, http1)
	ask(t, c, request(t, "PUT", at[0], "/things/1", strings.NewReader("{}")))
	first := l.only(t)
	second := make(chan struct{})
	go func() {
		ask(t, c, request(t, "PUT", at[0], "/things/1", strings.NewReader("{}")))
		close(second)
	}()
	select {
	case <-second:
		t.Error("the second call did not wait")
	case <-time.After(held):
	}
	close(release)
	<-second
	if o := after(t, l, first); o == nil || o.Status != 200 {
		t.Errorf("saw %+v", o)
	}
	if want := []string{"PUT /things/1", "GET /things/1", "PUT /things/1"}; !cmp.Equal(s.calls()[:3], want) {
		t.Errorf("the API was asked %v", s.calls())
	}
}

// A call that is not journaled leaves no trace in the traffic.
func TestMissedCallsAreForgotten(t *testing.T) {
	s := &store{}
	l := newLine(t)
	l.endErr = errors.New("disk full")
	at := serve(t, []object{probe(t, l), proxy(api(t, s.ServeHTTP))})
	for range 3 {
		ask(t, client(t, http1), request(t, "PUT", at[0], "/things/1", strings.NewReader("{}")))
	}
	caddyStop(t)
	if l.traffic.Busy(thing1) || len(l.missed) != 3 {
		t.Errorf("busy %v, missed %v", l.traffic.Busy(thing1), l.missed)
	}
	if got := len(s.calls()); got != 3 {
		t.Errorf("asked %v", s.calls())
	}
}

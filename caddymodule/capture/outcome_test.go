package capture_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	sidestore "github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// How a call ended is told by what reached the client's side of the API.
func TestEndings(t *testing.T) {
	upstream := api(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		if r.Header.Get("X-Answer") == "late" {
			<-r.Context().Done()
			return
		}
		answers[r.Header.Get("X-Answer")](w, r)
	})
	dead := api(t, nil)
	dead.Close()
	up, down := proxy(upstream), proxy(dead)
	second := proxy(dead, object{
		"upstreams":      []object{{"dial": dead.Listener.Addr().String()}, {"dial": upstream.Listener.Addr().String()}},
		"load_balancing": object{"selection_policy": object{"policy": "first"}, "retries": 2},
		"health_checks":  object{"passive": object{"fail_duration": "10s"}},
	})
	none := proxy(dead, object{
		"upstreams":      []object{{"dial": dead.Listener.Addr().String()}, {"dial": "127.0.0.1:1"}},
		"load_balancing": object{"selection_policy": object{"policy": "first"}, "retries": 1},
		"health_checks":  object{"passive": object{"fail_duration": "10s"}},
	})
	asked := proxy(dead, object{ // once, by a first one that does not answer
		"upstreams":      []object{{"dial": upstream.Listener.Addr().String()}, {"dial": dead.Listener.Addr().String()}},
		"load_balancing": object{"selection_policy": object{"policy": "first"}, "retries": 1, "retry_match": []object{{"method": []string{"POST"}}}},
		"health_checks":  object{"passive": object{"fail_duration": "10s"}},
	})
	slow := proxy(upstream, object{"transport": object{"protocol": "http", "response_header_timeout": "20ms"}})
	status := func(code int) object { return object{"handler": "static_response", "status_code": code} }
	// handled has the API's answers of a class (2: 2xx) made into another.
	handled := func(class int, with object) object {
		with["match"] = object{"status_code": []int{class}}
		return proxy(upstream, object{"handle_response": []object{with}})
	}
	replaced := func(class int, by ...object) object {
		return handled(class, object{"routes": []object{{"handle": by}}})
	}
	renamed := func(class, to int) object { return handled(class, object{"status_code": to}) }
	intercept := func(class int, by object) object {
		return object{"handler": "intercept", "handle_response": []object{
			{"match": object{"status_code": []int{class}}, "routes": []object{{"handle": []object{by}}}}}}
	}
	fails := func(code int) object { return object{"handler": "error", "status_code": fmt.Sprint(code)} }
	that := func(how string) object { return object{"handler": "sidehook_test_late", "how": how} }
	passes := handled(2, object{"routes": []object{{"handle": []object{{"handler": "vars", "asked": "yes"}}}}}) // as forward_auth does
	tests := []struct {
		name, answer string
		behind       []object
		want         webhook.Ending
		status       int
		durable      bool
	}{
		{"completed by 201", "json", []object{up}, webhook.Completed, 201, true},
		{"completed by 204", "no content", []object{up}, webhook.Completed, 204, true},
		{"completed after a retry", "json", []object{second}, webhook.Completed, 201, true},
		{"completed by a handler", "", []object{status(200)}, webhook.Completed, 200, true},
		{"rejected by 422", "error", []object{up}, webhook.Rejected, 422, false},
		{"rejected by 500", "server error", []object{up}, webhook.Rejected, 500, false},
		{"rejected by 303", "redirect", []object{up}, webhook.Rejected, 303, false},
		{"rejected, nothing listens", "", []object{down}, webhook.Rejected, 0, false},
		{"rejected, no handler", "", nil, webhook.Rejected, 0, false},
		{"completed by a handler that says nothing", "", []object{that("says nothing")}, webhook.Completed, 200, true},
		{"rejected, none of two listens", "", []object{none}, webhook.Rejected, 0, false},
		{"rejected by a handler's error", "", []object{fails(403)}, webhook.Rejected, 0, false},
		{"unknown, a handler says that the client is gone", "", []object{fails(499)}, webhook.Unknown, 0, false},
		{"rejected by a handler that is overloaded", "", []object{fails(503)}, webhook.Rejected, 0, false},
		{"unknown, a handler fails", "", []object{fails(500)}, webhook.Unknown, 0, false},
		{"unknown, a handler waited too long", "", []object{fails(408)}, webhook.Unknown, 0, false},
		{"unknown, a handler panics", "", []object{that("panics at once")}, webhook.Unknown, 0, false},
		{"unknown, a handler takes the connection", "", []object{that("hijacks")}, webhook.Unknown, 0, false},
		{"unknown, the first was asked and the second does not listen", "nothing", []object{asked}, webhook.Unknown, 0, false},
		{"unknown by 502", "", []object{status(502)}, webhook.Unknown, 502, false},
		{"unknown, no answer", "nothing", []object{up}, webhook.Unknown, 0, false},
		{"unknown, timeout", "late", []object{slow}, webhook.Unknown, 0, false},
		{"unknown, a yes replaced by a no", "json", []object{replaced(2, status(409))}, webhook.Unknown, 409, false},
		{"unknown, a yes renamed to a no", "json", []object{renamed(2, 404)}, webhook.Unknown, 404, false},
		{"unknown, a yes intercepted", "json", []object{intercept(2, status(403)), up}, webhook.Unknown, 403, false},
		{"unknown, a yes replaced by an error", "json", []object{replaced(2, object{"handler": "error", "status_code": "500"})}, webhook.Unknown, 0, false},
		{"unknown, a yes replaced by a refusal", "json", []object{replaced(2, fails(403))}, webhook.Unknown, 0, false},
		{"rejected, a no of which a handler says nothing", "error", []object{replaced(4, that("says nothing"))}, webhook.Rejected, 422, false},
		{"rejected, a no replaced by a yes", "error", []object{replaced(4, status(200))}, webhook.Rejected, 422, false},
		{"rejected, a no renamed to a yes", "error", []object{renamed(4, 200)}, webhook.Rejected, 422, false},
		{"rejected, a no intercepted", "error", []object{intercept(4, status(204)), up}, webhook.Rejected, 422, false},
		{"rejected, a no that nobody passes on", "error", []object{replaced(4, object{"handler": "vars", "seen": "yes"})}, webhook.Rejected, 422, false},
		{"rejected behind forward_auth", "error", []object{passes, proxy(upstream)}, webhook.Rejected, 422, false},
		{"completed by a yes in place of a yes", "json", []object{replaced(2, status(200))}, webhook.Completed, 200, true},
		{"truncated", "cut", []object{up}, webhook.Truncated, 200, true},
		{"truncated while chunked", "cut while chunked", []object{up}, webhook.Truncated, 200, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := newLine(t)
			at := serve(t, append([]object{probe(t, l)}, test.behind...))
			r := request(t, "POST", at[0], "/things", strings.NewReader(`{"a":1}`))
			r.Header.Set("X-Answer", test.answer)
			ask(t, client(t, http1), r)
			x := l.only(t)
			if x.Ending != test.want || x.Response.Status != test.status || l.durable[0] != test.durable {
				t.Errorf("got %v %d durable %v, want %v %d durable %v",
					x.Ending, x.Response.Status, l.durable[0], test.want, test.status, test.durable)
			}
			kept := string(x.Request.Body.Bytes)
			if rejected := test.want == webhook.Rejected; rejected && kept != "" || !rejected && test.behind[0]["handler"] == "reverse_proxy" && kept != `{"a":1}` {
				t.Errorf("request body %q", kept)
			}
			if answer := x.Response.Body; test.want != webhook.Completed && (len(answer.Bytes) > 0 || test.want != webhook.Rejected && test.status == 200 && answer.Missing != webhook.CutOff) {
				t.Errorf("of the answer %q is kept, missing: %q", answer.Bytes, answer.Missing)
			}
			if x.ID != l.begins[0].ID || l.begins[0].Path != "/things" {
				t.Errorf("begin %+v", l.begins[0])
			}
		})
	}
}

// What an upstream in front of us said, as that of forward_auth, is not the API's
// word.
func TestAnAnswerInFrontIsNotTheAPIs(t *testing.T) {
	auth := proxy(api(t, func(http.ResponseWriter, *http.Request) {}), object{"handle_response": []object{
		{"match": object{"status_code": []int{2}}, "routes": []object{{"handle": []object{{"handler": "vars", "asked": "yes"}}}}}}})
	l := newLine(t)
	at := serve(t, []object{auth, probe(t, l), {"handler": "static_response", "status_code": 404}})[0]
	ask(t, client(t, http1), request(t, "POST", at, "/things", nil))
	if x := l.only(t); x.Ending != webhook.Rejected || x.Response.Status != 404 {
		t.Errorf("got %v %d, want rejected 404", x.Ending, x.Response.Status)
	}
}

// A client that hangs up takes nothing from the exchange.
func TestHangUp(t *testing.T) {
	arrived, answer := make(chan struct{}), make(chan struct{})
	cancelled := make(chan bool, 1)
	upstream := func() http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			arrived <- struct{}{}
			select {
			case <-r.Context().Done():
				cancelled <- true
				return
			case <-answer:
				cancelled <- false
			}
			w.Header().Set("Content-Length", "900000")
			for range 900 {
				w.Write([]byte(strings.Repeat("x", 1000)))
			}
		}
	}
	gone := make(chan struct{})
	outside := watching(func() { gone <- struct{}{} })
	for _, cancel := range []bool{false, true} {
		for _, p := range []protocol{http1, http2} {
			t.Run(fmt.Sprintf("%s cancel %v", p, cancel), func(t *testing.T) {
				l := newLine(t)
				at := serve(t, []object{outside, probe(t, l, object{"cancel": cancel}), proxy(api(t, upstream()))})
				r := request(t, "POST", at[0], "/things", strings.NewReader("{}"))
				ctx, hangUp := contextOf(r)
				failed := make(chan error, 1)
				go func() {
					res, err := client(t, p).Do(r.WithContext(ctx))
					if err == nil {
						res.Body.Close()
					}
					failed <- err
				}()
				<-arrived
				hangUp()
				<-failed
				<-gone // Caddy knows
				want := webhook.Unknown
				if !cancel {
					answer <- struct{}{}
					want = webhook.Completed
				}
				if got := <-cancelled; got != cancel {
					t.Errorf("cancelled: %v", got)
				}
				x := l.only(t)
				if x.Ending != want || !x.ClientGone {
					t.Errorf("%v, client gone: %v", x.Ending, x.ClientGone)
				}
				if n := len(x.Response.Body.Bytes); !cancel && n != 900_000 {
					t.Errorf("%d bytes of the answer were seen", n)
				}
			})
		}
	}
}

// A client that stops reading in the middle of the answer takes nothing either.
func TestHangUpInTheAnswer(t *testing.T) {
	more := make(chan struct{})
	upstream := api(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "9000000")
		part := []byte(strings.Repeat("x", 90_000))
		w.Write(part)
		http.NewResponseController(w).Flush()
		<-more
		for range 99 {
			w.Write(part)
		}
	})
	for _, p := range []protocol{http1, http2} {
		t.Run(string(p), func(t *testing.T) {
			l := newLine(t)
			at := serve(t, []object{probe(t, l, object{"max_body": 10_000_000}), proxy(upstream)})
			r := request(t, "POST", at[0], "/things", nil)
			ctx, hangUp := contextOf(r)
			res, err := client(t, p).Do(r.WithContext(ctx))
			if err != nil {
				t.Fatal(err)
			}
			io.ReadFull(res.Body, make([]byte, 1000))
			hangUp()
			res.Body.Close()
			more <- struct{}{}
			x := l.only(t)
			if x.Ending != webhook.Completed || !x.ClientGone || len(x.Response.Body.Bytes) != 9_000_000 {
				t.Errorf("%v, client gone: %v, %d bytes", x.Ending, x.ClientGone, len(x.Response.Body.Bytes))
			}
		})
	}
}

// While the journal cannot write calls go on, and a gap is owed; with strict
// they are refused before the API sees them.
func TestJournalDown(t *testing.T) {
	down := errors.New("disk full")
	states := map[string]func(t *testing.T, l *memoryLine){
		"begin fails":        func(_ *testing.T, l *memoryLine) { l.beginErr, l.endErr = down, down },
		"end fails":          func(_ *testing.T, l *memoryLine) { l.endErr = down },
		"begin is lost":      func(_ *testing.T, l *memoryLine) { l.beginErr = down },
		"the store is full":  func(_ *testing.T, l *memoryLine) { l.beginErr = fmt.Errorf("above store_max: %w", sidestore.ErrFull) },
		"unhealthy":          func(_ *testing.T, l *memoryLine) { l.sick = true },
		"there is no engine": nil,
	}
	type outcome struct {
		Status, Asked, Ends int
		Missed              []string
		Busy                bool
	}
	want := map[string][2]outcome{ // without and with strict
		"begin fails":        {{201, 1, 0, []string{"thing"}, false}, {503, 0, 0, nil, false}},
		"end fails":          {{201, 1, 0, []string{"thing"}, false}, {201, 1, 0, []string{"thing"}, false}},
		"begin is lost":      {{201, 1, 1, nil, true}, {503, 0, 0, nil, false}},
		"the store is full":  {{201, 1, 0, []string{"thing"}, false}, {503, 0, 0, nil, false}},
		"unhealthy":          {{201, 1, 1, nil, true}, {503, 0, 0, nil, false}},
		"there is no engine": {{201, 1, 0, nil, false}, {503, 0, 0, nil, false}},
	}
	for name, state := range states {
		for i, strict := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s strict %v", name, strict), func(t *testing.T) {
				var got outcome
				upstream := api(t, func(w http.ResponseWriter, r *http.Request) {
					got.Asked++
					answers["json"](w, r)
				})
				l := newLine(t)
				h := probe(t, l, object{"strict": strict})
				if state != nil {
					state(t, l)
				} else {
					noEngine(t)
				}
				at := serve(t, []object{h, proxy(upstream)})
				s := ask(t, client(t, http1), request(t, "PUT", at[0], "/things/1", strings.NewReader("{}")))
				got.Status, got.Ends, got.Missed = s.Status, l.count(), l.missed
				got.Busy = l.traffic.Busy(webhook.EntityKey{API: "shop", Resource: "thing", ID: "1"})
				if diff := cmp.Diff(want[name][i], got); diff != "" {
					t.Error(diff)
				}
				if retry := s.Header.Get("Retry-After"); (got.Status == 503) != (retry == "1") {
					t.Errorf("Retry-After %q", retry)
				}
			})
		}
	}
}

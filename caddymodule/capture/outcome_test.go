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

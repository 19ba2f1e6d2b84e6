package capture_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/sidehook/sidehook/caddymodule/capture"
	"github.com/sidehook/sidehook/webhook"
)

// deaf is an API that heeds no context, as those behind FastCGI. To everything
// but a GET it answers 204 at once.
type deaf struct{}

// deafened is how a test holds the GETs of deaf.
var deafened struct {
	arrived, answer, ended chan struct{}

	together bool // the call lets the GET in front of it go on, beside itself
}

func init() { caddy.RegisterModule(deaf{}) }

// CaddyModule implements [caddy.Module].
func (deaf) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.sidehook_test_deaf", New: func() caddy.Module { return new(deaf) }}
}

// ServeHTTP implements [caddyhttp.MiddlewareHandler]. It works on all that a
// handler may change of a request.
func (deaf) ServeHTTP(w http.ResponseWriter, r *http.Request, _ caddyhttp.Handler) error {
	repl := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	touch := func() {
		r.Header.Set("Authorization", "changed")
		r.URL.Path = "/changed"
		caddyhttp.SetVar(r.Context(), "team", "changed")
		repl.Set("changed", repl.ReplaceAll("{who} {http.vars.team}", ""))
		repl.Map(func(string) (any, bool) { return nil, false })
	}
	if r.Method != "GET" {
		if deafened.together {
			close(deafened.answer)
			for ended := false; !ended; {
				touch()
				select {
				case <-deafened.ended:
					ended = true
				default:
				}
			}
		}
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	deafened.arrived <- struct{}{}
	<-deafened.answer
	touch()
	io.WriteString(w, strings.Repeat("x", 10_000))
	deafened.ended <- struct{}{}
	return nil
}

// deafAPI runs Sidehook in front of deaf. who is found out from the request.
func deafAPI(t *testing.T, l *memoryLine, settings object) (address string) {
	deafened.together = false
	deafened.arrived, deafened.answer, deafened.ended = make(chan struct{}, 10), make(chan struct{}), make(chan struct{}, 10)
	who := object{"handler": "map", "source": "{http.request.uri}", "destinations": []string{"{who}"}, "defaults": []string{"{http.request.header.X-Who}"}}
	team := object{"handler": "vars", "team": "blue"}
	return serve(t, []object{team, who, probe(t, l, settings), {"handler": "sidehook_test_deaf"}})[0]
}

// A before-fetch that does not heed its time delays the call by no more than
// that. It goes on by itself, and is one of the few that may.
func TestADeafBeforeFetchDelaysTheCallNoLongerThanItMay(t *testing.T) {
	l := newLine(t)
	at := deafAPI(t, l, object{"fetch": 50 * time.Millisecond, "max": 1})
	counted := capture.FetchesCounted("before", "no_answer")
	for i, want := range []string{"no answer in the time", "too many other fetches"} {
		if got := ask(t, client(t, http1), request(t, "DELETE", at, "/things/"+string(rune('1'+i)), nil)); got.Status != 204 {
			t.Fatalf("status %d %s", got.Status, got.BodyErr)
		}
		x := l.wait(t, i+1)[i]
		if x.Before == nil || !strings.Contains(x.Before.Error, want) || len(x.Before.Body.Bytes) > 0 {
			t.Errorf("call %d saw %+v", i, x.Before)
		}
	}
	seen := l.wait(t, 2)[0]
	<-deafened.arrived
	close(deafened.answer)
	<-deafened.ended
	eventually(t, "its budget is given back", func() bool { return capture.ProbeBudget(t.Name()).Used() == 0 })
	if seen.Before.Status != 0 || seen.Before.Body.Bytes != nil {
		t.Errorf("what came late was taken: %+v", seen.Before)
	}
	if got := capture.FetchesCounted("before", "no_answer") - counted; got != 2 {
		t.Errorf("%v fetches without an answer were counted, want 2", got)
	}
	eventually(t, "its slot is free", func() bool {
		n := l.count()
		ask(t, client(t, http1), request(t, "DELETE", at, "/things/9", nil))
		x := l.wait(t, n+1)[n]
		return x.Before != nil && x.Before.Status == 200 && len(x.Before.Body.Bytes) == 10_000
	})
}

// A before-fetch that goes on beside its call shares nothing with it that
// either changes.
func TestADeafBeforeFetchLeavesItsCallAlone(t *testing.T) {
	l := newLine(t)
	at := deafAPI(t, l, object{"fetch": 50 * time.Millisecond})
	deafened.together = true
	ask(t, client(t, http1), request(t, "DELETE", at, "/things/1", nil))
	if x := l.only(t); x.Before == nil || x.Before.Status != 0 {
		t.Errorf("saw %+v", x.Before)
	}
	eventually(t, "its budget is given back", func() bool { return capture.ProbeBudget(t.Name()).Used() == 0 })
}

// An after-GET that does not heed its time settles the call all the same.
func TestADeafAfterFetchSettlesTheCallInTime(t *testing.T) {
	l := newLine(t)
	at := deafAPI(t, l, object{"fetch": 50 * time.Millisecond})
	ask(t, client(t, http1), request(t, "PATCH", at, "/things/1", strings.NewReader("{}")))
	x := l.only(t)
	if o := after(t, l, x); o == nil || !strings.Contains(o.Error, "no answer in the time") {
		t.Errorf("saw %+v", o)
	}
	l.traffic.Forget(x.ID)
	if l.traffic.Busy(webhook.EntityKey{API: "shop", Resource: "thing", ID: "1"}) {
		t.Error("its entity is still busy")
	}
	close(deafened.answer)
	<-deafened.ended
	eventually(t, "its budget is given back", func() bool { return capture.ProbeBudget(t.Name()).Used() == 0 })
}

// eventually waits until ok.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	late := time.After(10 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

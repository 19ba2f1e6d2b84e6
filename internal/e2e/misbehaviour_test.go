package e2e

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/sidehook/sidehook/examples/crud"
)

// endless writes for as long as somebody reads.
func endless(status int, each []byte, every time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		for r.Context().Err() == nil {
			if _, err := w.Write(each); err != nil {
				return
			}
			w.(http.Flusher).Flush()
			if every > 0 {
				<-time.After(every)
			}
		}
	}
}

// answering answers with a status and headers.
func answering(status int, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
	}
}

// hanging up ends the connection: with a reset, or as a proxy does.
func hangingUp(reset bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		if reset {
			conn.(*net.TCPConn).SetLinger(0)
		}
		conn.Close()
	}
}

func bomb(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write(make([]byte, 64<<20))
	z.Close()
	return b.Bytes()
}

// misbehaviour is what a receiver does, and what is to come of it.
type misbehaviour struct {
	name  string
	serve http.HandlerFunc
	lines string // of its subscription, beside the usual

	state    string // of the delivery
	requests int    // made; 0: none arrives
	words    string // in the last one's error, or the delivery's reason
	status   string // of the subscription; "" is active
}

func misbehaviours(t *testing.T, elsewhere *atomic.Int64) []misbehaviour {
	big := bomb(t)
	return []misbehaviour{
		{"well", answering(204), "", "delivered", 1, "", ""},
		{"fails", answering(500), "", "exhausted", 2, "answered 500", ""},
		{"refuses", answering(400), "", "exhausted", 2, "answered 400", ""},
		{"hangs", func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "", "exhausted", 2, "no answer within", ""},
		{"drips", endless(500, []byte("."), 20*time.Millisecond), "", "exhausted", 2, "did not end within", ""},
		{"drips-200", endless(200, []byte("."), 20*time.Millisecond), "", "delivered", 1, "did not end within", ""},
		{"floods", endless(200, bytes.Repeat([]byte("x"), 1<<16), 0), "", "delivered", 1, "", ""},
		{"resets", hangingUp(true), "", "exhausted", 2, "reset the connection", ""},
		{"hangs-up", hangingUp(false), "", "exhausted", 2, "closed the connection", ""},
		{"redirects", func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/elsewhere") {
				elsewhere.Add(1)
			}
			http.Redirect(w, r, r.URL.Path+"/elsewhere", http.StatusTemporaryRedirect)
		}, "", "exhausted", 2, "redirects are not followed", ""},
		{"bombs", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(big)
		}, "", "delivered", 1, "", ""},
		{"aborts", answering(400, "Webhook-Delivery", "abort-message"), "", "refused", 1, "abort-message", ""},
		{"is-gone", answering(410), "", "held", 1, "gone", "gone"},
		{"stops", answering(200, "Webhook-Delivery", "disable"), "", "held", 1, "gone", "gone"},
		{"waits-seconds", answering(429, "Retry-After", "3600"), "", "pending", 1, "asked to wait", ""},
		{"waits-until", answering(429, "Retry-After", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)), "", "pending", 1, "asked to wait", ""},
		{"waits-date", answering(503, "Retry-After", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)), "", "pending", 1, "asked to wait", ""},
		{"cannot-be-sent", answering(204), "header X-Name {entity.name}", "dead", 0, "line break", ""},
	}
}

// However a receiver misbehaves: each delivery comes to what the table of
// outcomes says, is shown with why, and hurts nobody else's. All in one process,
// so that each has all the others beside it. The twins that run for days are in
// package deliver.
func TestReceiversThatMisbehave(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	var elsewhere, impatient atomic.Int64
	all := misbehaviours(t, &elsewhere)
	wh, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	text := ""
	server := httptest.NewServer(mux)
	for _, m := range all {
		serve := m.serve
		mux.HandleFunc("/"+m.name+"/", func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err == nil {
				err = wh.Verify(body, r.Header)
			}
			if err != nil && r.Context().Err() == nil {
				t.Errorf("%s: %v", r.URL.Path, err)
			}
			if coding := r.Header.Get("Accept-Encoding"); coding != "" {
				t.Errorf("%s: it is asked for %s, and would be unpacked", r.URL.Path, coding)
			}
			if m.state == "pending" {
				impatient.Add(1)
			}
			serve(w, r)
		})
		text += "\n" + subscriptionTo(m.name, server.URL+"/"+m.name+"/", m.lines)
	}
	secure := httptest.NewUnstartedServer(answering(204))
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	closed := freeAddresses(t, 1)[0]
	for _, m := range []misbehaviour{
		{name: "untrusted", lines: secure.URL, state: "exhausted", requests: 2, words: "not trusted"},
		{name: "speaks-http", lines: strings.Replace(server.URL, "http:", "https:", 1), state: "exhausted", requests: 2, words: "plain HTTP"},
		{name: "is-down", lines: "http://" + closed, state: "exhausted", requests: 2, words: "connection refused"},
	} {
		text += "\n" + subscriptionTo(m.name, m.lines, "")
		m.lines = ""
		all = append(all, m)
	}
	t.Cleanup(func() {
		for _, s := range []*httptest.Server{server, secure} {
			s.CloseClientConnections()
			s.Close()
		}
	})
	p := start(t, caddyfile(text, projects, api.URL))
	p.call("POST", "/api/projects", `{"name":"Roof\nX-Evil: 1"}`)
	for _, m := range all {
		p.wantMisbehaviour(m)
	}
	p.call("POST", "/api/projects", `{"name":"Wall"}`)
	until(t, "it is delivered", func() bool { return p.count("well", "delivered") == 2 })
	asking := int64(0)
	for _, m := range all {
		if m.state == "pending" {
			asking++
		}
	}
	if n := impatient.Load(); n != asking {
		t.Errorf("the %d that asked to wait got %d requests in all: the next event waits too", asking, n)
	}
	if n := elsewhere.Load(); n > 0 {
		t.Errorf("redirects were followed %d times", n)
	}
}

// subscriptionTo is a subscription that gives up soon.
func subscriptionTo(name, url, lines string) string {
	return fmt.Sprintf(`
		subscription %s %s {
			scopes project.**
			secret %s
			timeout 700ms
			retry 50ms
			%s
		}`, name, url, secret, lines)
}

// wantMisbehaviour waits for what is to come of m.
func (p *process) wantMisbehaviour(m misbehaviour) {
	p.t.Helper()
	var shown []struct{ ID, State, Reason string }
	var whole struct {
		Attempts int
		Requests []struct {
			Status int
			Error  string
			Answer string
		}
	}
	until(p.t, m.name+" comes to "+m.state, func() bool {
		p.get("/sidehook/deliveries?subscription="+m.name, &shown)
		if len(shown) != 1 || shown[0].State != m.state {
			return false
		}
		p.get("/sidehook/deliveries/"+shown[0].ID, &whole)
		return len(whole.Requests) >= m.requests
	})
	why := shown[0].Reason
	for _, r := range whole.Requests {
		why += " " + r.Error + fmt.Sprint(" answered ", r.Status)
		if n := utf8.RuneCountInString(r.Answer); n > 16<<10 { // what is no UTF-8 is shown as one rune a byte
			p.t.Errorf("%s: %d bytes of an answer are kept", m.name, n)
		}
	}
	if !strings.Contains(why, m.words) || m.requests > 0 && len(whole.Requests) != m.requests {
		p.t.Errorf("%s: %d requests, and why: %s; want %d and %q", m.name, len(whole.Requests), why, m.requests, m.words)
	}
	if m.state == "pending" && whole.Attempts != 0 {
		p.t.Errorf("%s: waiting spent %d attempts", m.name, whole.Attempts)
	}
	var subs []struct{ ID, Status string }
	p.get("/sidehook/subscriptions", &subs)
	for _, s := range subs {
		if s.ID == m.name && s.Status != orActive(m.status) {
			p.t.Errorf("%s: the subscription is %s, want %s", m.name, s.Status, orActive(m.status))
		}
	}
}

func orActive(status string) string {
	if status == "" {
		return "active"
	}
	return status
}

// After so many failures in a row nothing more is sent, over a restart, until the
// subscription is resumed; then what it is owed goes on.
func TestPauseAfterFailures(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	crm := receive(t, status(500))
	p := start(t, caddyfile(subscribe("crm", crm, "scopes project.**\n\t\t\tpause_after 3\n\t\t\tretry 10ms 10ms 10ms 10ms 10ms"), projects, api.URL))
	p.call("POST", "/api/projects", `{"name":"Roof"}`)
	var subs []struct{ Status, Reason string }
	paused := func() bool {
		p.get("/sidehook/subscriptions", &subs)
		return subs[0].Status == "paused" && subs[0].Reason == "pause_after"
	}
	until(t, "it is paused", paused)
	var held []struct{ Attempts int }
	until(t, "that is recorded", func() bool {
		p.get("/sidehook/deliveries?state=held", &held)
		return len(held) == 1 && held[0].Attempts == 3
	})
	crm.respond(nil)
	p.kill()
	p.start()
	p.call("POST", "/api/projects", `{"name":"Wall"}`)
	until(t, "what it is owed is held", func() bool {
		p.get("/sidehook/deliveries?state=held", &held)
		return len(held) == 2
	})
	if n := len(crm.all()); n != 3 || !paused() {
		t.Errorf("%d requests were made, want 3; it is %v", n, subs)
	}
	if out, err := p.cli("subscriptions", "resume", "crm", "--address", p.admin); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	crm.distinct(2)
}

// No more than `concurrency` are in flight at once, however many are owed.
func TestConcurrencyIsACap(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	var now, most atomic.Int64
	leave := make(chan struct{})
	crm := receive(t, func(*arrival) int {
		n := now.Add(1)
		defer now.Add(-1)
		for was := most.Load(); n > was && !most.CompareAndSwap(was, n); was = most.Load() {
		}
		<-leave
		return 204
	})
	free := receive(t, nil)
	p := start(t, caddyfile(subscribe("crm", crm, "scopes project.**\n\t\t\tconcurrency 2\n\t\t\torder none\n\t\t\ttimeout 1m")+
		subscribe("free", free, "scopes project.**\n\t\t\torder none"), projects, api.URL))
	for range 12 {
		p.call("POST", "/api/projects", `{"name":"Roof"}`)
	}
	free.wait(12)
	until(t, "two are in flight", func() bool { return now.Load() == 2 })
	close(leave)
	crm.wait(12)
	if n := most.Load(); n != 2 {
		t.Errorf("%d were in flight at once, want 2", n)
	}
}

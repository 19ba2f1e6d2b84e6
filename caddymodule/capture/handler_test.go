package capture_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/google/go-cmp/cmp"

	"github.com/sidehook/sidehook/caddymodule/capture"
	"github.com/sidehook/sidehook/webhook"
)

// answering is a handler at work, and what it is told of all that it does.
type answering struct {
	http.ResponseWriter
	told []string
}

func (a *answering) note(what string, results ...any) {
	a.told = append(a.told, fmt.Sprint(what, results))
}

func (a *answering) write(text string) {
	n, err := a.Write([]byte(text))
	a.note("write", n, err)
}

func (a *answering) copy(text string) {
	n, err := io.Copy(a.ResponseWriter, struct{ io.Reader }{strings.NewReader(text)})
	a.note("copy", n, err)
}

func (a *answering) flush() { a.note("flush", http.NewResponseController(a.ResponseWriter).Flush()) }

func (a *answering) set(name, value string) { a.Header().Set(name, value) }

// takeOver answers on the bare connection, where there is one.
func (a *answering) takeOver() {
	conn, rw, err := http.NewResponseController(a.ResponseWriter).Hijack()
	a.note("hijack", err != nil)
	if err != nil {
		return
	}
	defer conn.Close()
	rw.WriteString("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
	rw.Flush()
}

// handlers are what handlers do, what becomes of their calls, and over which protocol
// they do it; "": any.
var handlers = map[string]struct {
	do     func(*answering)
	ending webhook.Ending
	body   string
	why    webhook.Missing
	only   protocol
}{
	"more than was declared":          {overrun, webhook.Completed, "", webhook.CutOff, http1},
	"more than was declared, HTTP/2":  {overrun, webhook.Truncated, "", webhook.CutOff, http2},
	"more than was declared, at once": {func(a *answering) { a.set("Content-Length", "5"); a.write("12345678") }, webhook.Completed, "", webhook.CutOff, http1},
	"less than was declared":          {func(a *answering) { a.set("Content-Length", "5"); a.write("123") }, webhook.Truncated, "", webhook.CutOff, ""},
	"a body where none may be":        {func(a *answering) { a.WriteHeader(204); a.write("12") }, webhook.Completed, "", webhook.CutOff, ""},
	"a length where no body may be":   {func(a *answering) { a.set("Content-Length", "5"); a.WriteHeader(204); a.flush() }, webhook.Completed, "", whole, ""},
	"a length that is none":           {func(a *answering) { a.set("Content-Length", "five"); a.write("12345") }, webhook.Completed, "12345", whole, ""},
	"a length below zero":             {func(a *answering) { a.set("Content-Length", "-1"); a.write("12345") }, webhook.Completed, "12345", whole, ""},
	"a length of zero":                {func(a *answering) { a.set("Content-Length", "0"); a.write("") }, webhook.Completed, "", whole, ""},
	"a type to be guessed":            {func(a *answering) { a.set("Content-Length", "6"); a.write("<html>"); a.flush(); a.write("") }, webhook.Completed, "<html>", whole, ""},
	"a type guessed of many bytes":    {func(a *answering) { a.set("Content-Length", "600"); a.write(many); a.flush() }, webhook.Completed, many, whole, ""},
	"one byte, flushed":               {oneByte, webhook.Completed, "1", whole, ""},
	"in pieces":                       {func(a *answering) { a.flush(); a.write("12"); a.write(""); a.flush(); a.write("3") }, webhook.Completed, "123", whole, ""},
	"copied":                          {func(a *answering) { a.copy("123"); a.copy("45") }, webhook.Completed, "12345", whole, ""},
	"copied, a stream":                {func(a *answering) { a.set("Content-Type", " Text/Event-Stream "); a.copy("123"); a.flush() }, webhook.Completed, "", webhook.Streamed, ""},
	"copied, a no":                    {func(a *answering) { a.WriteHeader(422); a.copy("123"); a.flush(); a.write("4") }, webhook.Rejected, "", whole, ""},
	"two statuses":                    {func(a *answering) { a.WriteHeader(201); a.WriteHeader(422); a.write("12") }, webhook.Completed, "12", whole, ""},
	"over the connection":             {func(a *answering) { a.takeOver(); a.write("123") }, webhook.Unknown, "", webhook.Streamed, http1},
	"where it has no connection":      {func(a *answering) { a.takeOver(); a.write("123") }, webhook.Completed, "123", whole, http2},
}

const whole = webhook.NotMissing

var many = strings.Repeat("{", 600)

func overrun(a *answering) {
	a.set("Content-Length", "5")
	a.write("12345")
	a.write("678")
	a.write("9")
}

func oneByte(a *answering) {
	a.set("Content-Length", "1")
	a.set("Content-Type", "text/plain")
	a.flush()
	a.write("1")
	a.flush()
}

// A handler behind us is told what it would be told without us, whatever it does
// wrong, and so is its client; and what came of it is known.
func TestAHandlerIsToldWhatItWouldBeWithoutUs(t *testing.T) {
	for name, c := range handlers {
		for _, p := range []protocol{http1, http2} {
			if c.only != "" && c.only != p {
				continue
			}
			t.Run(name+" "+string(p), func(t *testing.T) {
				l := newLine(t)
				told := make(chan []string, 1)
				s := bothWays(t, p, probeOn(t, l), c.do, told)
				answers, tells := map[string]seen{}, map[string][]string{}
				for _, how := range []string{"bare", "captured"} {
					r := request(t, "PUT", s.Listener.Addr().String(), "/things/1", nil)
					r.Header.Set("X-How", how)
					answers[how], tells[how] = ask(t, client(t, p), r), <-told
				}
				if diff := cmp.Diff(tells["bare"], tells["captured"]); diff != "" {
					t.Errorf("the handler is told, bare(-) captured(+):\n%s", diff)
				}
				if diff := cmp.Diff(answers["bare"], answers["captured"]); diff != "" {
					t.Errorf("the client sees, bare(-) captured(+):\n%s", diff)
				}
				x := l.only(t)
				if x.Ending != c.ending || string(x.Response.Body.Bytes) != c.body || x.Response.Body.Missing != c.why {
					t.Errorf("it is %v, and of the answer %q is kept, missing %q; want %v, %q, %q",
						x.Ending, x.Response.Body.Bytes, x.Response.Body.Missing, c.ending, c.body, c.why)
				}
			})
		}
	}
}

// bothWays runs a server that has do answer calls, and those whose header says so
// through us; told gets what do is told.
func bothWays(t *testing.T, p protocol, us *capture.Probe, do func(*answering), told chan<- []string) *httptest.Server {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		how := r.Header.Get("X-How")
		answer := caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
			if r.Method == http.MethodGet { // one of ours
				return nil
			}
			a := &answering{ResponseWriter: w}
			defer func() { told <- a.told }()
			do(a)
			return nil
		})
		if how == "captured" {
			us.ServeHTTP(w, caddyhttp.PrepareRequest(r, caddy.NewReplacer(), w, new(caddyhttp.Server)), answer)
		} else {
			answer(w, r)
		}
	}))
	s.Config.ErrorLog = quiet
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetHTTP1(p == http1)
	s.Config.Protocols.SetUnencryptedHTTP2(p == http2)
	s.Start()
	t.Cleanup(s.Close)
	return s
}

package look

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sidehook/sidehook/caddymodule/capture"
	"github.com/sidehook/sidehook/webhook"
)

// origin runs an API, and returns what asks it as subscribers, with what is logged.
func origin(t *testing.T, h http.HandlerFunc) (o *Origin, log *bytes.Buffer, stop func()) {
	api := httptest.NewUnstartedServer(h)
	api.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	api.Start()
	log = new(bytes.Buffer)
	o = NewOrigin(api.URL, http.Header{"Authorization": {"the service"}, "X-Service": {"yes"}}, &capture.Options{
		MaxBody: 100, Budget: capture.NewBudget(1 << 10), Logger: slog.New(slog.NewTextHandler(log, nil)),
	})
	stop = func() { o.Close(); api.CloseClientConnections(); api.Close() }
	t.Cleanup(stop)
	return o, log, stop
}

// A GET carries the subscriber's credential and nothing that the service may see more by;
// only what the operator expands without one is asked for as the service. It says about
// whose entity it is.
func TestAGETIsMadeAsTheSubscriber(t *testing.T) {
	asked := make(chan *http.Request, 1)
	o, _, _ := origin(t, func(_ http.ResponseWriter, r *http.Request) { asked <- r })
	of := webhook.Header{"X-Tenant": {"acme"}}
	for name, c := range map[string]struct {
		credential webhook.Credential
		want       map[string]string
	}{
		"as the subscriber":             {webhook.Credential{Header: "Authorization", Value: webhook.NewSecret("ann")}, map[string]string{"Authorization": "ann", "X-Service": "", "X-Tenant": "acme"}},
		"with a header of another name": {webhook.Credential{Header: "X-Key", Value: webhook.NewSecret("ann")}, map[string]string{"Authorization": "", "X-Key": "ann", "X-Service": "", "X-Tenant": "acme"}},
		"as the service":                {webhook.Credential{}, map[string]string{"Authorization": "the service", "X-Service": "yes", "X-Tenant": "acme"}},
	} {
		a := o.get(t.Context(), "/things/1?expand=owner", c.credential, false, of)
		var r *http.Request
		select {
		case r = <-asked:
		default:
			t.Fatalf("%s: nothing is asked: %v", name, a.err)
		}
		if a.err != nil || a.status != http.StatusOK || r.Method != http.MethodGet || r.URL.String() != "/things/1?expand=owner" {
			t.Errorf("%s: %s %s, %d, %v", name, r.Method, r.URL, a.status, a.err)
		}
		for header, want := range c.want {
			if got := r.Header.Get(header); got != want {
				t.Errorf("%s: %s is %q, want %q", name, header, got, want)
			}
		}
	}
}

// What an answer shows is read where it is wanted and a success, as much of it as may be
// kept; where it is not whole, the answer says why, and not where the origin is.
func TestWhatAnAnswerShows(t *testing.T) {
	var body string
	var status int
	o, log, stop := origin(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, body)
		if r.URL.Path == "/broken" {
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}
	})
	for name, c := range map[string]struct {
		status  int
		path    string
		size    int
		whole   bool
		want    string
		missing webhook.Missing
		err     error
	}{
		"wanted":                   {200, "/", 20, true, strings.Repeat("x", 20), webhook.NotMissing, nil},
		"another success":          {299, "/", 20, true, strings.Repeat("x", 20), webhook.NotMissing, nil},
		"not wanted":               {200, "/", 20, false, "", webhook.NotMissing, nil},
		"not wanted, and broken":   {200, "/broken", 20, false, "", webhook.NotMissing, nil},
		"no success":               {403, "/", 20, true, "", webhook.NotMissing, nil},
		"a redirect":               {302, "/", 20, true, "", webhook.NotMissing, nil},
		"too large":                {200, "/", 101, true, "", webhook.TooLarge, nil},
		"broken":                   {200, "/broken", 20, true, strings.Repeat("x", 20), webhook.NotMissing, errBroke},
		"of a path that leads out": {200, "/../secret", 20, true, "", webhook.NotMissing, errReach},
	} {
		status, body = c.status, strings.Repeat("x", c.size)
		a := o.get(t.Context(), c.path, webhook.Credential{}, c.whole, nil)
		if a.err != c.err || string(a.body.Bytes) != c.want || a.body.Missing != c.missing || a.err != errReach && a.status != c.status {
			t.Errorf("%s: %d %q, missing %q, %v", name, a.status, a.body.Bytes, a.body.Missing, a.err)
		}
	}
	if log.Len() > 0 {
		t.Errorf("what the API said is logged as if it was not reached: %s", log)
	}
	stop()
	for range 3 {
		if a := o.get(t.Context(), "/", webhook.Credential{}, true, nil); a.err != errReach || a.status != 0 {
			t.Errorf("of an API that is away: %d, %v", a.status, a.err)
		}
	}
	if said := log.String(); strings.Count(said, "did not answer a GET as a subscriber") != 1 || strings.Contains(said, "http://") {
		t.Errorf("it is logged %s", said)
	}
	o.said.Add(-61)
	if o.get(t.Context(), "/", webhook.Credential{}, true, nil); strings.Count(log.String(), "did not answer") != 2 {
		t.Errorf("a minute later it is logged %s", log)
	}
}

// That time was up is said, with an answer begun or not; and what answers hold is bounded
// over all of them.
func TestAnAnswerThatTakesTooMuch(t *testing.T) {
	end := make(chan struct{})
	o, _, _ := origin(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/begun" {
			io.WriteString(w, "{")
			w.(http.Flusher).Flush()
		}
		select {
		case <-end:
		case <-r.Context().Done():
		}
	})
	defer close(end)
	for _, path := range []string{"/", "/begun"} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		if a := o.get(ctx, path, webhook.Credential{}, true, nil); a.err != errTime {
			t.Errorf("%s: %v", path, a.err)
		}
		cancel()
	}
	small, _, _ := origin(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, strings.Repeat("x", 80)) })
	small.budget = capture.NewBudget(50)
	for range 2 {
		if a := small.get(t.Context(), "/", webhook.Credential{}, true, nil); a.err != errFull {
			t.Errorf("without memory: %v", a.err)
		}
	}
	small.budget = capture.NewBudget(100)
	for range 3 { // each gives back what it took
		if a := small.get(t.Context(), "/", webhook.Credential{}, true, nil); a.err != nil || len(a.body.Bytes) != 80 {
			t.Errorf("with memory for one at a time: %d bytes, %v", len(a.body.Bytes), a.err)
		}
	}
}

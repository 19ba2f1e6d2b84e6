package capture_test

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/sidehook/sidehook/webhook"
)

// endingCase is a call that the API, if it is asked, answers in some way, through the
// handlers behind us; and how it ended.
type endingCase struct {
	name, answer string
	behind       []object
	want         webhook.Ending
	status       int
	durable      bool
}

// How a call ended is told by what reached the client's side of the API.
func TestEndings(t *testing.T) {
	for _, c := range newBehind(t).endings() {
		t.Run(c.name, func(t *testing.T) {
			l := newLine(t)
			at := serve(t, append([]object{probe(t, l)}, c.behind...))
			r := request(t, "POST", at[0], "/things", strings.NewReader(`{"a":1}`))
			r.Header.Set("X-Answer", c.answer)
			ask(t, client(t, http1), r)
			c.check(t, l)
		})
	}
}

func (c *endingCase) check(t *testing.T, l *memoryLine) {
	x := l.only(t)
	if x.Ending != c.want || x.Response.Status != c.status || l.durable[0] != c.durable {
		t.Errorf("got %v %d durable %v, want %v %d durable %v",
			x.Ending, x.Response.Status, l.durable[0], c.want, c.status, c.durable)
	}
	rejected, kept := c.want == webhook.Rejected, string(x.Request.Body.Bytes)
	if rejected && kept != "" || !rejected && c.behind[0]["handler"] == "reverse_proxy" && kept != `{"a":1}` {
		t.Errorf("request body %q", kept)
	}
	cut := !rejected && c.status == 200
	if answer := x.Response.Body; c.want != webhook.Completed && (len(answer.Bytes) > 0 || cut && answer.Missing != webhook.CutOff) {
		t.Errorf("of the answer %q is kept, missing: %q", answer.Bytes, answer.Missing)
	}
	if x.ID != l.begins[0].ID || l.begins[0].Path != "/things" {
		t.Errorf("begin %+v", l.begins[0])
	}
}

// behind is the handlers that calls go to: proxies to an API that answers as it is
// asked to, and to one that is dead.
type behind struct {
	up, down object
	second   object // the first of two does not listen
	none     object // neither does
	asked    object // once, by a first one that does not answer; the second does not listen
	slow     object // the API is too slow for it
	passes   object // a yes, as forward_auth does
}

func newBehind(t *testing.T) *behind {
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
	live, gone := upstream.Listener.Addr().String(), dead.Listener.Addr().String()
	// both tries one after the other.
	both := func(first, second string, balancing object) object {
		balancing["selection_policy"] = object{"policy": "first"}
		return proxy(dead, object{
			"upstreams":      []object{{"dial": first}, {"dial": second}},
			"load_balancing": balancing,
			"health_checks":  object{"passive": object{"fail_duration": "10s"}},
		})
	}
	b := &behind{
		up: proxy(upstream), down: proxy(dead),
		second: both(gone, live, object{"retries": 2}),
		none:   both(gone, "127.0.0.1:1", object{"retries": 1}),
		asked:  both(live, gone, object{"retries": 1, "retry_match": []object{{"method": []string{"POST"}}}}),
		slow:   proxy(upstream, object{"transport": object{"protocol": "http", "response_header_timeout": "20ms"}}),
	}
	b.passes = b.replaced(2, object{"handler": "vars", "asked": "yes"})
	return b
}

// handled has the API's answers of a class (2: 2xx) made into another.
func (b *behind) handled(class int, with object) object {
	h := maps.Clone(b.up)
	with["match"] = object{"status_code": []int{class}}
	h["handle_response"] = []object{with}
	return h
}

func (b *behind) replaced(class int, by ...object) object {
	return b.handled(class, object{"routes": []object{{"handle": by}}})
}

func (b *behind) renamed(class, to int) object { return b.handled(class, object{"status_code": to}) }

func intercept(class int, by object) object {
	return object{"handler": "intercept", "handle_response": []object{
		{"match": object{"status_code": []int{class}}, "routes": []object{{"handle": []object{by}}}}}}
}

func saying(code int) object { return object{"handler": "static_response", "status_code": code} }

func failing(code int) object {
	return object{"handler": "error", "status_code": fmt.Sprint(code)}
}

func that(how string) object { return object{"handler": "sidehook_test_late", "how": how} }

func (b *behind) endings() []endingCase {
	return []endingCase{
		{"completed by 201", "json", []object{b.up}, webhook.Completed, 201, true},
		{"completed by 204", "no content", []object{b.up}, webhook.Completed, 204, true},
		{"completed after a retry", "json", []object{b.second}, webhook.Completed, 201, true},
		{"completed by a handler", "", []object{saying(200)}, webhook.Completed, 200, true},
		{"rejected by 422", "error", []object{b.up}, webhook.Rejected, 422, false},
		{"rejected by 500", "server error", []object{b.up}, webhook.Rejected, 500, false},
		{"rejected by 303", "redirect", []object{b.up}, webhook.Rejected, 303, false},
		{"rejected, nothing listens", "", []object{b.down}, webhook.Rejected, 0, false},
		{"rejected, no handler", "", nil, webhook.Rejected, 0, false},
		{"completed by a handler that says nothing", "", []object{that("says nothing")}, webhook.Completed, 200, true},
		{"rejected, none of two listens", "", []object{b.none}, webhook.Rejected, 0, false},
		{"rejected by a handler's error", "", []object{failing(403)}, webhook.Rejected, 0, false},
		{"unknown, a handler says that the client is gone", "", []object{failing(499)}, webhook.Unknown, 0, false},
		{"rejected by a handler that is overloaded", "", []object{failing(503)}, webhook.Rejected, 0, false},
		{"unknown, a handler fails", "", []object{failing(500)}, webhook.Unknown, 0, false},
		{"unknown, a handler waited too long", "", []object{failing(408)}, webhook.Unknown, 0, false},
		{"unknown, a handler panics", "", []object{that("panics at once")}, webhook.Unknown, 0, false},
		{"unknown, a handler takes the connection", "", []object{that("hijacks")}, webhook.Unknown, 0, false},
		{"unknown, the first was asked and the second does not listen", "nothing", []object{b.asked}, webhook.Unknown, 0, false},
		{"unknown by 502", "", []object{saying(502)}, webhook.Unknown, 502, false},
		{"unknown, no answer", "nothing", []object{b.up}, webhook.Unknown, 0, false},
		{"unknown, timeout", "late", []object{b.slow}, webhook.Unknown, 0, false},
		{"unknown, a yes replaced by a no", "json", []object{b.replaced(2, saying(409))}, webhook.Unknown, 409, false},
		{"unknown, a yes renamed to a no", "json", []object{b.renamed(2, 404)}, webhook.Unknown, 404, false},
		{"unknown, a yes intercepted", "json", []object{intercept(2, saying(403)), b.up}, webhook.Unknown, 403, false},
		{"unknown, a yes replaced by an error", "json", []object{b.replaced(2, object{"handler": "error", "status_code": "500"})}, webhook.Unknown, 0, false},
		{"unknown, a yes replaced by a refusal", "json", []object{b.replaced(2, failing(403))}, webhook.Unknown, 0, false},
		{"rejected, a no of which a handler says nothing", "error", []object{b.replaced(4, that("says nothing"))}, webhook.Rejected, 422, false},
		{"rejected, a no replaced by a yes", "error", []object{b.replaced(4, saying(200))}, webhook.Rejected, 422, false},
		{"rejected, a no renamed to a yes", "error", []object{b.renamed(4, 200)}, webhook.Rejected, 422, false},
		{"rejected, a no intercepted", "error", []object{intercept(4, saying(204)), b.up}, webhook.Rejected, 422, false},
		{"rejected, a no that nobody passes on", "error", []object{b.replaced(4, object{"handler": "vars", "seen": "yes"})}, webhook.Rejected, 422, false},
		{"rejected behind forward_auth", "error", []object{b.passes, b.up}, webhook.Rejected, 422, false},
		{"completed by a yes in place of a yes", "json", []object{b.replaced(2, saying(200))}, webhook.Completed, 200, true},
		{"truncated", "cut", []object{b.up}, webhook.Truncated, 200, true},
		{"truncated while chunked", "cut while chunked", []object{b.up}, webhook.Truncated, 200, true},
	}
}

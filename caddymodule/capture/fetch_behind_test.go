package capture_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// An answer that shows all that is recorded of an entity spares the GET, unless a
// call before it is not recorded yet: what is recorded is not what was there.
func TestWhatIsRecordedSparesNoGetBehindACall(t *testing.T) {
	l := newLine(t)
	l.snapshots = map[webhook.EntityKey]webhook.Snapshot{thing1: {
		Key: thing1, Sequence: 1, Body: []byte(`{"id":1,"n":1}`), View: "get", Seen: time.Now(),
	}}
	site := serve(t, []object{probe(t, l), proxy(api(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(`{"id":1,"n":2}`))
	}))})
	c := client(t, http1)
	patch := func(n int) *webhook.Observation {
		ask(t, c, request(t, "PATCH", site[0], "/things/1", strings.NewReader(`{}`)))
		return after(t, l, l.wait(t, n)[n-1])
	}
	if o := patch(1); o != nil {
		t.Errorf("a GET was made, though the answer shows all that is recorded: %+v", o)
	}
	if o := patch(2); o == nil {
		t.Error("no GET was made, though the call before is not recorded yet")
	}
	for _, x := range l.wait(t, 2) {
		l.traffic.Forget(x.ID)
	}
	if o := patch(3); o != nil {
		t.Errorf("a GET was made, though all is recorded: %+v", o)
	}
}

// A bulk or a create may be about the entity: until what it is about is recorded, or
// at least known, what is recorded spares no GET.
func TestWhatIsRecordedSparesNoGetBehindACallThatNamesNothing(t *testing.T) {
	l := newLine(t)
	l.snapshots = map[webhook.EntityKey]webhook.Snapshot{thing1: {
		Key: thing1, Sequence: 1, Body: []byte(`{"id":1,"n":1}`), View: "get", Seen: time.Now(),
	}}
	site := serve(t, []object{probe(t, l), proxy(api(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch r.Method {
		case "POST":
			w.WriteHeader(201)
			w.Write([]byte(`{"id":1,"n":2,"m":3}`))
		default:
			w.Write([]byte(`{"id":1,"n":2}`))
		}
	}))})
	c := client(t, http1)
	call := func(method, path string, n int) *webhook.Observation {
		ask(t, c, request(t, method, site[0], path, strings.NewReader(`{"n":2}`)))
		return after(t, l, l.wait(t, n)[n-1])
	}
	if o := call("PATCH", "/things/1", 1); o != nil {
		t.Fatalf("a GET was made, though the answer shows all that is recorded: %+v", o)
	}
	l.traffic.Forget(l.wait(t, 1)[0].ID)
	call("POST", "/things", 2)
	if o := call("PATCH", "/things/1", 3); o == nil {
		t.Error("no GET was made, though the create before is not recorded yet")
	}
	for _, x := range l.wait(t, 3) {
		l.traffic.Forget(x.ID)
	}
	if o := call("PATCH", "/things/1", 4); o != nil {
		t.Errorf("a GET was made, though all is recorded: %+v", o)
	}
}

package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
)

// ledger is an API whose bulk calls are answered with receipts. It remembers what
// it was asked for, and adds what clients did not send.
type ledger struct {
	mu    sync.Mutex
	state map[string]string // name by id
	gets  []string
}

func (l *ledger) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	id := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	switch {
	case r.Method == http.MethodGet && l.state[id] == "":
		w.WriteHeader(http.StatusNotFound)
	case r.Method == http.MethodGet:
		l.gets = append(l.gets, id)
		fmt.Fprintf(w, `{"id":%q,"name":%q,"slug":"slug-of-%s","size":3}`, id, l.state[id], l.state[id])
	default:
		var sent []struct{ ID, Name string }
		var receipts []string
		json.NewDecoder(r.Body).Decode(&sent)
		for _, e := range sent {
			l.state[e.ID] = e.Name
			receipts = append(receipts, fmt.Sprintf(`{"id":%q,"ok":true}`, e.ID))
		}
		io.WriteString(w, "["+strings.Join(receipts, ",")+"]")
	}
}

// A bulk call is answered with receipts: each of its entities is asked for, so many
// at most; the rest are told by what is known of them.
func TestEachEntityOfABulkIsFetched(t *testing.T) {
	api := &ledger{state: map[string]string{}}
	crm := receive(t, nil)
	p := start(t, caddyfile(subscribe("crm", crm, "scopes note.** note.gap"), `
		resource note /notes {
			on POST bulk upsert each request.body
		}`, serve(t, api).URL))
	p.call("POST", "/notes/bulk", `[{"id":"a","name":"one"},{"id":"b","name":"two"}]`)
	got := crm.wait(2)
	for _, a := range got {
		wantField(t, a.Body.Data, "slug", map[string]string{"a": `"slug-of-one"`, "b": `"slug-of-two"`}[a.Body.Entity.ID])
	}
	p.call("POST", "/notes/bulk", `[{"id":"a","name":"won"}]`)
	got = crm.wait(3)
	wantField(t, got[2].Body.Data, "slug", `"slug-of-won"`)
	wantField(t, got[2].Body.Previous, "slug", `"slug-of-one"`)

	var many []string
	for i := range 120 {
		many = append(many, fmt.Sprintf(`{"id":"n%d","name":"x"}`, i))
	}
	p.call("POST", "/notes/bulk", "["+strings.Join(many, ",")+"]")
	crm.wait(123)
	api.mu.Lock()
	defer api.mu.Unlock()
	slices.Sort(api.gets)
	if distinct := len(slices.Compact(slices.Clone(api.gets))); len(api.gets) != 103 || distinct != 102 {
		t.Errorf("%d GETs of %d entities, want 103 of 102", len(api.gets), distinct)
	}
}

// partial is an API that deletes what is not locked, and tells how many that were;
// it gives what it makes ids of its own, and does not tell them.
type partial struct {
	mu    sync.Mutex
	state map[string]string
	made  int
}

func (a *partial) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	id := strings.TrimPrefix(r.URL.Path, "/notes/")
	switch {
	case r.Method == "GET" && a.state[id] == "":
		w.WriteHeader(404)
	case r.Method == "GET":
		fmt.Fprintf(w, `{"id":%q,"name":%q,"a":1,"b":2,"c":3}`, id, a.state[id])
	case r.Method == "PUT":
		a.state[id] = "free"
		if strings.HasPrefix(id, "locked") {
			a.state[id] = "locked"
		}
		fmt.Fprintf(w, `{"id":%q,"name":%q,"a":1,"b":2,"c":3}`, id, a.state[id])
	case r.Method == "POST":
		a.made++
		a.state[fmt.Sprint(a.made)] = "new"
		fmt.Fprint(w, `{"ok":true}`)
	case r.Method == "DELETE":
		n := 0
		for id := range strings.SplitSeq(r.URL.Query().Get("ids"), ",") {
			if a.state[id] == "free" {
				delete(a.state, id)
				n++
			}
		}
		fmt.Fprintf(w, `{"deleted":%d}`, n)
	}
}

// Of a bulk delete that counts less than it was asked for, GETs tell which were
// deleted. What is made under an id that the API does not know is told as a gap.
func TestWhatAnAnswerLeavesOpenIsAsked(t *testing.T) {
	crm := receive(t, nil)
	p := start(t, caddyfile(subscribe("crm", crm, "scopes note.** note.gap\n\t\t\torder subscription"), "\n\t\tresource note /notes",
		serve(t, &partial{state: map[string]string{}}).URL))
	for _, id := range []string{"x", "locked", "y"} {
		p.call("PUT", "/notes/"+id, `{"name":"free"}`)
	}
	crm.wait(3)
	if status, body := p.call("DELETE", "/notes?ids=x,locked,y", ""); status != 200 || body != `{"deleted":2}` {
		t.Fatal(status, body)
	}
	got := crm.wait(5)
	for _, a := range got[3:] {
		if a.Body.Type != "note.deleted" || a.Body.Entity.ID == "locked" {
			t.Errorf("got %s of %s", a.Body.Type, a.Body.Entity.ID)
		}
		wantField(t, a.Body.Data, "name", `"free"`)
	}
	p.call("POST", "/notes", `{"id":"tmp-1","name":"new"}`)
	if a := crm.wait(6)[5]; a.Body.Type != "note.gap" {
		t.Errorf("got %s of %q", a.Body.Type, a.Body.Entity.ID)
	}
}

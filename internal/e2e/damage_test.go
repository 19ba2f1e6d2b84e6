package e2e

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// dataStart is where a segment of the journal has its first entry.
const dataStart = 8192

// The journal is damaged while the process is down: which calls are lost nobody
// knows, so there is a gap of each resource, and of each that only its calls named.
func TestADamagedJournalIsAGapOfTheResourcesThatCallsNamed(t *testing.T) {
	crm := receive(t, nil)
	api := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		io.WriteString(w, `{"id":"1","title":"a","size":3,"kind":"roof"}`)
	}))
	p := start(t, caddyfile(subscribe("crm", crm, "scopes ** posts.gap users.gap note.gap"), `
		resource {collection} /items/{collection}
		resource note /notes`, api.URL))
	p.call("POST", "/items/posts", `{"title":"a"}`)
	p.call("POST", "/items/users", `{"title":"a"}`)
	crm.wait(2)
	until(t, "all is recorded", p.settled)
	p.kill()
	segments, err := filepath.Glob(filepath.Join(p.dir, "data", "journal", "*"))
	if err != nil || len(segments) == 0 {
		t.Fatal("no journal", err)
	}
	damaged := 0
	for _, name := range segments {
		data, err := os.ReadFile(name)
		if err != nil || len(data) < dataStart+200 {
			continue
		}
		for i := dataStart + 100; i < dataStart+140; i++ { // in the first entry: more follow
			data[i] ^= 0xff
		}
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		damaged++
	}
	if damaged == 0 {
		t.Fatal("nothing to damage in", segments)
	}
	p.start()
	var scopes []string
	until(t, "the gaps are told", func() bool {
		scopes = nil
		for _, a := range crm.all() {
			if a.Body.Type != "posts.created" && a.Body.Type != "users.created" && !slices.Contains(scopes, a.Body.Type) {
				scopes = append(scopes, a.Body.Type)
			}
		}
		return len(scopes) >= 3
	})
	slices.Sort(scopes)
	if want := []string{"note.gap", "posts.gap", "users.gap"}; !slices.Equal(scopes, want) {
		t.Errorf("gaps %v, want %v", scopes, want)
	}
}

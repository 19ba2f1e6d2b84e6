package e2e

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// pages is an API whose paths are made of a field that may be changed: slugs
// with slashes in them. It answers changes with nothing, and a bulk with what
// became of each part of it.
type pages struct {
	mu   sync.Mutex
	kept map[string]map[string]any
}

func (p *pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	slug, err := url.PathUnescape(strings.TrimPrefix(strings.TrimPrefix(r.URL.EscapedPath(), "/pages"), "/"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	switch {
	case slug == "" && r.Method == "PATCH":
		p.bulk(w, r)
	case slug == "" && r.Method == "POST":
		var page map[string]any
		_ = json.NewDecoder(r.Body).Decode(&page)
		p.kept[page["slug"].(string)] = page
		show(w, http.StatusCreated, page)
	case p.kept[slug] == nil:
		http.NotFound(w, r)
	case r.Method == "GET":
		show(w, http.StatusOK, p.kept[slug])
	case r.Method == "DELETE":
		delete(p.kept, slug)
		w.WriteHeader(http.StatusNoContent)
	default:
		page := p.kept[slug]
		_ = json.NewDecoder(r.Body).Decode(&page)
		delete(p.kept, slug)
		p.kept[page["slug"].(string)] = page
		w.WriteHeader(http.StatusNoContent)
	}
}

// bulk changes those of a list that are there.
func (p *pages) bulk(w http.ResponseWriter, r *http.Request) {
	var list []map[string]any
	_ = json.NewDecoder(r.Body).Decode(&list)
	var results []any
	for _, change := range list {
		page := p.kept[change["slug"].(string)]
		if page == nil {
			results = append(results, map[string]any{"status": 404})
			continue
		}
		maps.Copy(page, change)
		results = append(results, map[string]any{"status": 200, "body": page})
	}
	show(w, http.StatusMultiStatus, map[string]any{"items": results})
}

func show(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func startPages(t *testing.T) (*process, *receiver) {
	t.Helper()
	api := serve(t, &pages{kept: map[string]map[string]any{}})
	r := receive(t, nil)
	return start(t, caddyfile(subscribe("all", r, "scopes page.** page.gap\n\t\t\torder subscription"), "\n\t\tresource page /pages {\n\t\t\titem {slug}\n\t\t}", api.URL)), r
}

// A call that renames what its path is made of, and answers nothing: the delete
// under the new name is told of the same entity, with its last known state, also
// after a restart.
func TestARenamedEntityStaysItself(t *testing.T) {
	p, r := startPages(t)
	p.call("POST", "/pages", `{"slug":"a","title":"A"}`)
	p.call("PATCH", "/pages/a", `{"slug":"b/ü"}`)
	p.call("PATCH", "/pages/b%2F%C3%BC", `{"title":"B"}`)
	r.wait(3)
	until(t, "all is settled", p.settled) // or the last would come again
	p.kill()
	p.start()
	if status, _ := p.call("DELETE", "/pages/b%2f%c3%bc", ""); status != 204 {
		t.Fatal(status)
	}
	got := r.distinct(4)
	wantScopes(t, got, "page.created", "page.updated", "page.updated", "page.deleted")
	for i, a := range got {
		if a.Body.Entity.ID != "a" || a.Body.Entity.Sequence != uint64(i+1) {
			t.Errorf("webhook %d is about %s #%d, want a #%d", i, a.Body.Entity.ID, a.Body.Entity.Sequence, i+1)
		}
	}
	wantField(t, got[1].Body.Previous, "slug", `"a"`)
	wantField(t, got[1].Body.Data, "slug", `"b/ü"`)
	wantField(t, got[2].Body.Previous, "title", `"A"`)
	wantField(t, got[3].Body.Data, "title", `"B"`)

	until(t, "all is settled", p.settled)
	out := p.explained(p.lastEvent("page.deleted"))
	for _, want := range []string{"DELETE /pages/b%2f%c3%bc answered 204", "page/a"} {
		if !strings.Contains(out, want) {
			t.Errorf("explain does not say %q:\n%s", want, out)
		}
	}
	if strings.Contains(out, "other events come of it") || strings.Contains(out, "page/b") {
		t.Errorf("explain tells of another entity:\n%s", out)
	}
}

// Of a bulk to the collection each part has its own fate.
func TestABulkTellsOnlyWhatWasDone(t *testing.T) {
	p, r := startPages(t)
	p.call("POST", "/pages", `{"slug":"a","title":"A"}`)
	p.call("POST", "/pages", `{"slug":"b","title":"A"}`)
	if status, body := p.call("PATCH", "/pages", `[{"slug":"b","title":"B"},{"slug":"c","title":"B"},{"slug":"a","title":"A"}]`); status != 207 {
		t.Fatal(status, body)
	}
	p.call("DELETE", "/pages/a", "")
	got := r.wait(4)
	wantScopes(t, got, "page.created", "page.created", "page.updated", "page.deleted")
	if a := got[2]; a.Body.Entity.ID != "b" {
		t.Errorf("updated is %s", a.Body.Entity.ID)
	}
	wantField(t, got[2].Body.Previous, "title", `"A"`)
}

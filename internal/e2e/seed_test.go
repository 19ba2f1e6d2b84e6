package e2e

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// warehouse is an API with a list of items, two on a page. Lists may leave out a
// field, and pages be told in different ways.
type warehouse struct {
	mu    sync.Mutex
	count map[string]int
	thin  bool   // lists leave out the count
	pages string // link, next, cursor or number
	asked []string
	hold  chan struct{} // a PATCH is done, and not answered until it is closed
	held  chan struct{} // receives when one is
}

func newWarehouse(n int, pages string) *warehouse {
	w := &warehouse{count: map[string]int{}, pages: pages, held: make(chan struct{}, 1)}
	for i := range n {
		w.count[strconv.Itoa(i+1)] = 10
	}
	return w
}

func (wh *warehouse) item(id string) string {
	return fmt.Sprintf(`{"id":%s,"name":"Bolt","count":%d,"shelf":"A","row":3}`, id, wh.count[id])
}

func (wh *warehouse) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	wh.mu.Lock()
	w.Header().Set("Content-Type", "application/json")
	id := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/items"), "/")
	switch {
	case r.Method == http.MethodGet && r.Header.Get("Authorization") != "service":
		w.WriteHeader(http.StatusUnauthorized)
	case r.Method == http.MethodGet && id == "":
		wh.asked = append(wh.asked, r.URL.RequestURI())
		wh.list(w, r)
	case r.Method == http.MethodGet:
		wh.asked = append(wh.asked, id)
		io.WriteString(w, wh.item(id))
	default:
		wh.count[id]++
		answer, hold := wh.item(id), wh.hold
		if hold != nil {
			wh.mu.Unlock()
			wh.held <- struct{}{}
			<-hold
			wh.mu.Lock()
		}
		io.WriteString(w, answer)
	}
	wh.mu.Unlock()
}

func (wh *warehouse) list(w http.ResponseWriter, r *http.Request) {
	page := max(1, atoi(r.FormValue("page")), atoi(r.FormValue("cursor")))
	var items []string
	for i := 2*page - 1; i <= 2*page && i <= len(wh.count); i++ {
		item := wh.item(strconv.Itoa(i))
		if wh.thin {
			item = fmt.Sprintf(`{"id":%d,"name":"Bolt"}`, i)
		}
		items = append(items, item)
	}
	next := fmt.Sprintf("http://%s/items?page=%d", r.Host, page+1)
	body := "[" + strings.Join(items, ",") + "]"
	switch more := 2*page < len(wh.count); {
	case wh.pages == "next" && more:
		body = fmt.Sprintf(`{"data":%s,"links":{"self":"/items","next":%q}}`, body, next)
	case wh.pages == "next":
		body = fmt.Sprintf(`{"data":%s,"links":{"self":"/items","next":null}}`, body)
	case wh.pages == "cursor" && more:
		body = fmt.Sprintf(`{"data":%s,"meta":{"next_cursor":"%d"}}`, body, page+1)
	case wh.pages == "cursor":
		body = fmt.Sprintf(`{"data":%s,"meta":{"next_cursor":null}}`, body)
	case wh.pages == "link" && more:
		w.Header().Set("Link", fmt.Sprintf(`<http://%s/items>; rel="first", <%s>; rel="next"`, r.Host, next))
	}
	io.WriteString(w, body)
}

func atoi(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

func (wh *warehouse) requests() string {
	wh.mu.Lock()
	defer wh.mu.Unlock()
	return strings.Join(wh.asked, " ")
}

// stock starts a sidehook in front of a warehouse, with one subscriber.
func stock(t *testing.T, wh *warehouse) (*process, *receiver) {
	api, crm := serve(t, wh), receive(t, nil)
	return start(t, caddyfile(subscribe("crm", crm, "scopes item.**"), `
		origin `+api.URL+`
		credential Authorization service
		resource item /items`, api.URL)), crm
}

// After a seed the first update says what changed and from what, whichever way
// the pages are told, and whether or not lists show all there is.
func TestASeedGivesTheFirstUpdateABefore(t *testing.T) {
	for name, c := range map[string]struct {
		pages string
		thin  bool
		flags []string
		want  string // said in the end
		asked string // of the API
	}{
		"Link":        {"link", false, nil, "done .*: 3 pages, 5 entities as the list shows them\n", "/items 1 2 /items?page=2 /items?page=3"},
		"next":        {"next", false, nil, "done .*: 3 pages, 5 entities as the list shows them\n", "/items 1 2 /items?page=2 /items?page=3"},
		"page number": {"number", false, []string{"--page", "page", "--query", "q=1"}, "done .*: 4 pages, 5 entities as the list shows them\n", "/items?page=1&q=1 1 2 /items?page=2&q=1 /items?page=3&q=1 /items?page=4&q=1"},
		"cursor":      {"cursor", false, []string{"--cursor", "cursor=meta.next_cursor", "--query", "q=1"}, "done .*: 3 pages, 5 entities as the list shows them\n", "/items?q=1 1 2 /items?cursor=2&q=1 /items?cursor=3&q=1"},
		"thin list":   {"link", true, nil, "done .*: 3 pages, 5 entities each asked for by itself\n", "/items 1 1 2 /items?page=2 3 4 /items?page=3 5"},
	} {
		t.Run(name, func(t *testing.T) {
			wh := newWarehouse(5, c.pages)
			wh.thin = c.thin
			p, crm := stock(t, wh)
			out, err := p.cli(append([]string{"seed", "item", "--rate", "1000", "--address", p.admin}, c.flags...)...)
			if err != nil {
				t.Fatalf("seed: %v: %s", err, out)
			}
			wantText(t, out, c.want)
			if asked := wh.requests(); asked != c.asked {
				t.Errorf("the API was asked for %s, want %s", asked, c.asked)
			}
			until(t, "all is derived", p.settled)
			p.call("PATCH", "/items/5", `{"count":11}`)
			got := crm.wait(1)
			wantScopes(t, got, "item.updated")
			wantField(t, got[0].Body.Previous, "count", "10")
			wantField(t, got[0].Body.Data, "count", "11")
		})
	}
}

// A crawl that ends with the first page, because nothing said how the next is asked
// for, says so.
func TestASeedOfOnePageSaysThatThereMayBeMore(t *testing.T) {
	wh := newWarehouse(5, "cursor")
	p, _ := stock(t, wh)
	shows(t, p, []string{"done", "1 page, 2 entities", "the page does not say what comes next", "--cursor", "--again"}, "seed", "item", "--rate", "1000")
	shows(t, p, []string{"1 page, 2 entities", "there is nothing at next of the page"}, "seed", "item", "--rate", "1000", "--cursor", "cursor=next")
}

// A crawl goes on where it was, also after the death of the process, and is not
// made twice unless it is asked for.
func TestASeedResumes(t *testing.T) {
	wh := newWarehouse(5, "link")
	p, _ := stock(t, wh)
	step := func() {
		resp, err := http.Post("http://"+p.admin+"/sidehook/seed/item", "application/json", strings.NewReader(`{"full":"list"}`))
		if err != nil || resp.StatusCode != 200 {
			t.Fatalf("a step: %v, %v", resp, err)
		}
		resp.Body.Close()
	}
	step()
	p.kill()
	p.start()
	shows(t, p, []string{"2 pages, 4 entities", "done", "3 pages, 5 entities"}, "seed", "item", "--full", "list", "--rate", "1000")
	shows(t, p, []string{"done", "3 pages, 5 entities", "it was done before: --again"}, "seed", "item", "--full", "list", "--rate", "1000")
	if asked := wh.requests(); asked != "/items /items?page=2 /items?page=3" {
		t.Errorf("the API was asked for %s, want each page once", asked)
	}
	shows(t, p, []string{"1 page, 2 entities", "done"}, "seed", "item", "--full", "list", "--rate", "1000", "--again")
}

// What a call did while the list was read may be in the list. Were it kept
// before the call is derived, that would look as if nothing had changed.
func TestASeedWaitsForOpenCalls(t *testing.T) {
	wh := newWarehouse(2, "link")
	wh.hold = make(chan struct{})
	p, crm := stock(t, wh)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		p.call("PATCH", "/items/1", `{"count":11}`)
	}()
	<-wh.held // it is done, and not answered
	seeded := make(chan string, 1)
	go func() {
		out, err := p.cli("seed", "item", "--full", "list", "--rate", "1000", "--address", p.admin)
		seeded <- fmt.Sprint(out, err)
	}()
	until(t, "the list was read", func() bool { return wh.requests() != "" })
	var events []struct{ ID string }
	if p.get("/sidehook/events", &events); len(events) > 0 || len(seeded) > 0 {
		t.Fatal("the seed did not wait")
	}
	close(wh.hold)
	<-ended
	wantText(t, <-seeded, "done .*: 1 page, 2 entities")
	got := crm.wait(1)
	wantScopes(t, got, "item.updated")
	wantField(t, got[0].Body.Data, "count", "11")
	until(t, "all is settled", p.settled)
	if n := len(crm.took()); n != 1 {
		t.Errorf("%d webhooks, want that of the call", n)
	}
}

func TestASeedSaysWhatItNeeds(t *testing.T) {
	api := serve(t, newWarehouse(1, "link"))
	p := start(t, caddyfile("\t\t# nobody subscribes", `
		resource item /items`, api.URL))
	for resource, want := range map[string]string{
		"item": "nobody may ask the API: add `origin`",
		"bolt": "no rule has a resource bolt: there are item",
	} {
		if out, err := p.cli("seed", resource, "--address", p.admin); err == nil || !strings.Contains(out, want) {
			t.Errorf("seed %s: %v: %s", resource, err, out)
		}
	}
}

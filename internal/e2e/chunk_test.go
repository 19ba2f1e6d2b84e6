package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sidehook/sidehook/examples/crud"
)

// bulkAPI makes as many items as POST /items/bulk asks for.
func bulkAPI(t *testing.T) *httptest.Server {
	t.Helper()
	var mu sync.Mutex
	made := 0
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct{ N int }
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		var items []string
		for range in.N {
			made++
			items = append(items, fmt.Sprintf(`{"id":%d,"name":"item %d"}`, made, made))
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"items":[%s]}`, strings.Join(items, ","))
	}))
	t.Cleanup(api.Close)
	return api
}

const bulkItems = `
		resource item /items {
			on POST bulk create each response.body.items
		}`

// chunkBody is the body of a chunk.
type chunkBody struct {
	Type  string
	Chunk struct{ Number, Events int }
	Data  []struct {
		ID     string
		Data   json.RawMessage
		Entity struct{ ID string }
	}
}

func readChunk(t *testing.T, a arrival) (c chunkBody, ids []string) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.Raw), &c); err != nil {
		t.Fatalf("%v: %s", err, a.Raw)
	}
	for _, e := range c.Data {
		ids = append(ids, e.Entity.ID)
	}
	return c, ids
}

// What one call did arrives in chunks, in its order, each later than the one
// before, and each event once, over a kill.
func TestChunksOfABulk(t *testing.T) {
	api := bulkAPI(t)
	crm := receive(t, nil)
	p := start(t, caddyfile(subscribe("crm", crm, "scopes item.**\n\t\t\tchunk 3 delay 1500ms"), bulkItems, api.URL))
	begin := time.Now()
	p.call("POST", "/items/bulk", `{"n":7}`)
	first := crm.wait(1)[0]
	p.kill()
	p.start()
	got := crm.distinct(3)
	if took := time.Since(begin); took < 2*1500*time.Millisecond {
		t.Errorf("the third came after %v, before twice the delay", took)
	}
	slices.SortFunc(got, func(a, b arrival) int {
		of, _ := readChunk(t, a)
		than, _ := readChunk(t, b)
		return of.Chunk.Number - than.Chunk.Number
	})
	var all []string
	for i, a := range got {
		c, ids := readChunk(t, a)
		if !strings.HasPrefix(a.ID, "chk_") || c.Type != "item.created" || c.Chunk.Number != i || c.Chunk.Events != len(c.Data) {
			t.Errorf("chunk %d is %s: %s", i, a.ID, a.Raw)
		}
		all = append(all, strings.Join(ids, " "))
	}
	if want := []string{"1 2 3", "4 5 6", "7"}; !slices.Equal(all, want) || got[0].ID != first.ID {
		t.Errorf("arrived %q, the first as %s and then %s", all, first.ID, got[0].ID)
	}
	until(t, "all is settled", p.settled)
	if n := len(tally(crm.took()).seen); n != 3 {
		t.Errorf("%d different webhooks came, want 3", n)
	}
	shownChunks(t, p, got[1])
}

// shownChunks asks what is shown of the second chunk.
func shownChunks(t *testing.T, p *process, second arrival) {
	t.Helper()
	c, _ := readChunk(t, second)
	var ds []struct {
		ID, Event, State string
		Chunk            struct {
			ID     string
			Number int
			Events []string
		}
	}
	p.get("/sidehook/deliveries?subscription=crm", &ds)
	if len(ds) != 3 || ds[1].Chunk.ID != second.ID || ds[1].Chunk.Number != 1 || len(ds[1].Chunk.Events) != 3 || ds[1].Event != c.Data[0].ID {
		t.Errorf("deliveries are shown as %+v", ds)
	}
	for _, id := range []string{c.Data[2].ID, second.ID, ds[1].ID} {
		out, err := p.cli("explain", id, "--address", p.admin)
		if err != nil || !strings.Contains(out, ds[1].ID) {
			t.Errorf("explain %s: %v: %s", id, err, out)
		}
	}
}

// A chunk that fails is tried again as it is, and can be retried by hand.
func TestAChunkIsRetriedWhole(t *testing.T) {
	api := bulkAPI(t)
	crm := receive(t, status(500))
	p := start(t, caddyfile(subscribe("crm", crm, "scopes item.**\n\t\t\tchunk 10\n\t\t\tretry 10ms"), bulkItems, api.URL))
	p.call("POST", "/items/bulk", `{"n":4}`)
	var ds []struct{ ID, State string }
	until(t, "its schedule ran out", func() bool {
		p.get("/sidehook/deliveries?state=exhausted", &ds)
		return len(ds) == 1
	})
	crm.respond(nil)
	p.kill()
	p.start()
	if out, err := p.cli("deliveries", "retry", ds[0].ID, "--address", p.admin); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	last := crm.wait(1)[0]
	all := crm.all()
	if n := len(all); n != 3 {
		t.Errorf("%d requests, want the two of the schedule and one more", n)
	}
	for _, a := range all {
		if a.ID != last.ID || a.Raw != last.Raw {
			t.Errorf("an attempt was %s: %s", a.ID, a.Raw)
		}
	}
	until(t, "it is settled", p.settled)
	if ds := p.deliveriesOf("crm"); len(ds) != 1 || ds[0].Attempts != 1 {
		t.Errorf("after a retry by hand, which begins the schedule anew, it is shown as %+v", ds)
	}
	if n := p.operate("POST", "/replays/count", `{"subscription":"crm","since":0,"states":["missed"]}`).want(200).fields["deliveries"]; n != 0.0 {
		t.Errorf("%v events count as missed, though a chunk carried them", n)
	}
	p.operate("POST", "/replays", `{"subscription":"crm","since":0,"states":["delivered","missed"],"rate":1000}`).want(201)
	if again := crm.wait(2)[1]; again.ID != last.ID || again.Raw != last.Raw {
		t.Errorf("a replay sent %s: %s", again.ID, again.Raw)
	}
	until(t, "all is settled", p.settled)
	if n := len(crm.took()); n != 2 {
		t.Errorf("the replay sent %d webhooks, want one", n-1)
	}
}

// A subscription made through the API has chunks too, and its test is one.
func TestChunksThroughTheAPI(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	r := receive(t, nil)
	p := start(t, withAPI("", perSpace, api.URL))
	ann := p.user("ann", "acme")
	made := ann.do("POST", "/subscriptions", subscription(r, `, "chunk": {"size": 5, "delay": "1m"}`)).want(201)
	id := made.text("id")
	if c, _ := made.fields["chunk"].(map[string]any); c["size"] != 5.0 || c["delay"] != "1m0s" {
		t.Errorf("made %s", made.raw)
	}
	ann.do("POST", "/subscriptions/"+id+"/test", "").want(202)
	p.call("POST", "/api/projects", `{"name":"Roof"}`, "X-Space", "acme")
	for _, a := range r.wait(2) {
		if c, _ := readChunk(t, a); len(c.Data) != 1 || !strings.HasPrefix(a.ID, "chk_") {
			t.Errorf("arrived %s: %s", a.ID, a.Raw)
		}
	}
	list := ann.do("GET", "/deliveries?subscription="+id, "").want(200).data()
	event := list[0]["event"].(string)
	if found := ann.do("GET", "/deliveries?event="+event, "").want(200).data(); len(found) != 1 || found[0]["chunk"] == nil {
		t.Errorf("deliveries of %s: %v", event, found)
	}
	ann.do("PATCH", "/subscriptions/"+id, `{"chunk": {"size": 2000}}`).want(422)
	ann.do("PATCH", "/subscriptions/"+id, `{"payload": "cloudevents_binary"}`).want(422)
	if changed := ann.do("PATCH", "/subscriptions/"+id, `{"chunk": null}`).want(200); changed.fields["chunk"] != nil {
		t.Errorf("changed to %s", changed.raw)
	}
}

// A chunk whose delay has not passed says so.
func TestAChunkSaysThatItsDelayIsNotOver(t *testing.T) {
	api := bulkAPI(t)
	crm := receive(t, nil)
	p := start(t, caddyfile(subscribe("crm", crm, "scopes item.**\n\t\t\tchunk 2 delay 1h"), bulkItems, api.URL))
	p.call("POST", "/items/bulk", `{"n":3}`)
	crm.wait(1)
	until(t, "the second waits, and says why", func() bool {
		out, err := p.cli("deliveries", "--state", "pending", "--address", p.admin)
		return err == nil && strings.Contains(out, "waits: it is chunk 1 of its call, and its delay ends at 2")
	})
}

package hosts

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

const (
	pocketbase        = "github.com/pocketbase/pocketbase/examples/base"
	pocketbaseVersion = "v0.36.8"
	notes             = "/api/collections/notes/records"
	tags              = "/api/collections/tags/records"
)

// pocket is a PocketBase with three open collections: notes, tags, and marks,
// which Sidehook has nobody to tell of.
type pocket struct {
	*stage
	admin []string // the header of a superuser
	feed  *feed
}

// PocketBase has one route for all collections, takes ids from clients, shows
// the entity in its answers, and tells of every change in a realtime feed.
func TestPocketBase(t *testing.T) {
	only(t, "pocketbase")
	p := startPocket(t)
	past, anna, root := p.direct(), p.client(), p.client(p.admin...)

	past.does(200, "POST", notes, `{"id":"seededseeded001","title":"old","status":"open"}`)
	past.does(200, "POST", notes, `{"id":"seededseeded002","title":"older"}`)
	past.does(200, "POST", notes, `{"id":"seededseeded003","title":"same","status":"done"}`)

	one := notes + "/" + field(t, anna.does(200, "POST", notes, `{"title":"Roof","status":"open","labels":{"a":1}}`), "id")
	anna.does(200, "POST", notes, `{"id":"given0000000001","title":"Hall","views":3}`)
	anna.does(400, "POST", notes, `{"id":"given0000000001","title":"a second one"}`)
	anna.does(400, "POST", notes, `{"status":"open"}`) // no title
	anna.does(200, "PATCH", one, `{"title":"Roof, hall 2"}`)
	anna.does(200, "PATCH", one, `{"title":"Roof, hall 2"}`) // nothing new
	anna.does(400, "PATCH", one, `{"status":"lost"}`)
	anna.does(200, "PATCH", one+"?fields=title", `{"status":"done","labels":{"a":1,"b":null}}`)
	anna.does(404, "PATCH", notes+"/nowherenowhere1", `{"title":"?"}`)

	two := notes + "/given0000000001"
	for i := range 3 { // two clients, one after the other
		anna.does(200, "PATCH", two, `{"views+":2}`)
		root.does(200, "PATCH", two, fmt.Sprintf(`{"labels":["x",%d]}`, i))
	}
	form, kind := withFile(t, map[string]string{"title": "with a file", "status": "open"})
	anna.does(200, "PATCH", two, form, "Content-Type", kind)
	anna.does(200, "PATCH", two, `{"file":null,"views":9007199254740991}`)

	anna.does(200, "POST", tags, `{"id":"given0000000001","title":"the same id"}`)
	anna.does(200, "PATCH", notes+"/seededseeded001", `{"status":"done"}`)
	anna.does(204, "DELETE", notes+"/seededseeded002", "")
	anna.does(200, "PATCH", notes+"/seededseeded003", `{"title":"same"}`)
	anna.does(204, "DELETE", two, "")
	anna.does(404, "DELETE", two, "")
	anna.does(404, "PATCH", two, `{"title":"gone"}`)
	anna.does(200, "POST", notes, `{"id":"given0000000001","title":"Hall again"}`)
	anna.does(204, "DELETE", tags+"/given0000000001", "")

	account := p.account()
	for _, id := range []string{"1", "2", "3"} {
		account["notes/seededseeded00"+id][0].unseen = true
	}
	events := p.events()
	compare(t, account, events, []string{"updated"}, "notes.status.changed")
	if n := count(events, "notes.status.changed"); n != 3 {
		t.Errorf("the status changed 3 times, and notes.status.changed came %d times", n)
	}
}

// Two clients write one note at the same time. What is told are states that
// PocketBase says there were, each once, in an unbroken chain that ends where
// the note is.
func TestPocketBaseWrittenByTwoAtOnce(t *testing.T) {
	only(t, "pocketbase")
	p := startPocket(t)
	const entity, path = "notes/sharedshared001", notes + "/sharedshared001"
	p.client().does(200, "POST", notes, `{"id":"sharedshared001","title":"0"}`)
	var both sync.WaitGroup
	for _, body := range []string{`{"title":"%d"}`, `{"views":%d}`} {
		both.Go(func() {
			for i := range 20 {
				p.client().does(200, "PATCH", path, fmt.Sprintf(body, i+1))
			}
		})
	}
	both.Wait()
	events := p.events()
	wantChain(t, events, p.direct().does(200, "GET", path, ""))
	var said, told []string
	for _, s := range p.account()[entity] {
		said = append(said, text(object(t, s.body)))
	}
	for _, e := range events {
		told = append(told, text(object(t, string(e.Data))))
	}
	for i, state := range told {
		if !slices.Contains(said, state) || slices.Contains(told[:i], state) {
			t.Errorf("Sidehook told, or told again, of what PocketBase never said: %s", state)
		}
	}
	// Of two answers that crossed, the older comes too late: what it changed is in
	// the event of the newer one.
	t.Logf("%d of %d changes have an event of their own", len(told), len(said))
	if len(told) < len(said)/2 {
		t.Errorf("PocketBase told of %d states, Sidehook of %d", len(said), len(told))
	}
}

// startPocket installs PocketBase, makes its collections, listens to its feed,
// and puts Sidehook in front of it.
func startPocket(t *testing.T) *pocket {
	t.Helper()
	program := installGo(t, pocketbase, pocketbaseVersion)
	address, dir := "127.0.0.1:"+freePorts(t, 1)[0], t.TempDir()
	data := "--dir=" + filepath.Join(dir, "data")
	if out, err := exec.Command(program, "superuser", "upsert", "root@example.com", "a long password", data).CombinedOutput(); err != nil {
		t.Fatalf("make a superuser: %v: %s", err, out)
	}
	app := "http://" + address
	start(t, dir, app+"/api/health", nil, program, "serve", "--http="+address, data)
	p := &pocket{stage: behind(t, recipe("pocketbase"), app)}
	token := p.direct().does(200, "POST", "/api/collections/_superusers/auth-with-password",
		`{"identity":"root@example.com","password":"a long password"}`)
	p.admin = []string{"Authorization", field(t, token, "token")}
	for _, name := range []string{"notes", "tags", "marks"} {
		p.direct(p.admin...).does(200, "POST", "/api/collections", strings.ReplaceAll(collection, "NAME", name))
	}
	p.feed = p.listen("notes/*", "tags/*", "marks/*")
	return p
}

const collection = `{"name":"NAME","type":"base","listRule":"","viewRule":"","createRule":"","updateRule":"","deleteRule":"","fields":[
	{"name":"title","type":"text","required":true},
	{"name":"status","type":"select","values":["open","done"]},
	{"name":"views","type":"number"},
	{"name":"labels","type":"json"},
	{"name":"file","type":"file","maxSelect":1},
	{"name":"created","type":"autodate","onCreate":true},
	{"name":"updated","type":"autodate","onCreate":true,"onUpdate":true}]}`

// feed is what PocketBase's realtime endpoint said so far.
type feed struct {
	mu    sync.Mutex
	said  account
	marks map[string]bool // ids of the marks that were seen
}

// listen subscribes to topics of the realtime endpoint until the test ends.
func (p *pocket) listen(topics ...string) *feed {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), "GET", p.app+"/api/realtime", nil)
	if err != nil {
		p.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	f := &feed{said: account{}, marks: map[string]bool{}}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	client := field(p.t, nextData(lines), "clientId")
	wanted, _ := json.Marshal(map[string]any{"clientId": client, "subscriptions": topics})
	p.direct(p.admin...).does(204, "POST", "/api/realtime", string(wanted))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for data := nextData(lines); data != ""; data = nextData(lines) {
			f.take(data)
		}
	}()
	p.t.Cleanup(func() { resp.Body.Close(); <-done })
	return f
}

// nextData returns the data of the next server-sent event; "" at the end.
func nextData(lines *bufio.Scanner) string {
	for lines.Scan() {
		if data, ok := strings.CutPrefix(lines.Text(), "data:"); ok {
			return data
		}
	}
	return ""
}

func (f *feed) take(data string) {
	var said struct {
		Action string
		Record json.RawMessage
	}
	var record struct{ ID, CollectionName string }
	if json.Unmarshal([]byte(data), &said) != nil || json.Unmarshal(said.Record, &record) != nil {
		return // a ping
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	entity := record.CollectionName + "/" + record.ID
	switch {
	case record.CollectionName == "marks":
		f.marks[record.ID] = true
	case said.Action == "delete":
		f.said.add(entity, "")
	default:
		f.said.add(entity, string(said.Record))
	}
}

// account returns what the feed said up to now: everything before a mark that
// is made for this.
func (p *pocket) account() account {
	p.t.Helper()
	mark := field(p.t, p.direct().does(200, "POST", "/api/collections/marks/records", `{"title":"up to here"}`), "id")
	until(p.t, "the feed has told of everything", func() bool {
		p.feed.mu.Lock()
		defer p.feed.mu.Unlock()
		return p.feed.marks[mark]
	})
	p.feed.mu.Lock()
	defer p.feed.mu.Unlock()
	return p.feed.said
}

// withFile returns a multipart form with a file beside fields, and its type.
func withFile(t *testing.T, fields map[string]string) (body, kind string) {
	t.Helper()
	var buf bytes.Buffer
	w := multipart.NewWriter(&buf)
	for name, value := range fields {
		w.WriteField(name, value)
	}
	file, err := w.CreateFormFile("file", "plan.txt")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(file, "a plan")
	w.Close()
	return buf.String(), w.FormDataContentType()
}

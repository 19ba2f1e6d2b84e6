package hosts

import (
	"encoding/json"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// pouch is a PouchDB Server with one database, tasks.
type pouch struct{ *stage }

// PouchDB Server answers every write with a receipt, creates and updates by the
// same PUT with the same status, sends JSON as text/plain, and keeps every
// revision of a document.
func TestPouchDB(t *testing.T) {
	only(t, "pouchdb")
	p := startPouch(t)
	past, anna, ole := p.direct(), p.client(), p.client("Accept", "application/json")

	past.does(201, "PUT", "/tasks/seed-1", `{"title":"old"}`)
	past.does(201, "PUT", "/tasks/seed-2", `{"title":"older"}`)
	unseen := []string{"tasks/seed-1", "tasks/seed-2"}

	made := field(t, anna.does(201, "POST", "/tasks", `{"title":"no id given"}`), "id")
	anna.does(201, "POST", "/tasks", `{"_id":"mine","title":"Order steel","owner":{"id":7,"name":"Mara"}}`)
	anna.does(409, "POST", "/tasks", `{"_id":"mine","title":"a second one"}`)
	anna.does(201, "PUT", "/tasks/crane", `{"title":"Rent a crane"}`)
	anna.does(409, "PUT", "/tasks/crane", `{"title":"without its revision"}`)
	anna.does(201, "PUT", "/tasks/empty", `{}`)
	anna.does(201, "PUT", "/tasks/a%2Fb%20c", `{"n":1}`)
	for i := range 12 { // two clients, and revisions of two digits
		c := []*client{anna, ole}[i%2]
		c.does(201, "PUT", "/tasks/crane", p.with("crane", fmt.Sprintf(`{"title":"Rent a crane","n":%d}`, i)))
	}
	anna.does(201, "PUT", "/tasks/crane", p.with("crane", `{"title":"Rent a crane"}`)) // n is gone
	anna.does(201, "PUT", "/tasks/mine", p.with("mine", `{"title":"Order steel","owner":{"id":7,"name":"Mara"}}`))
	ole.does(201, "PUT", "/tasks/a%2Fb%20c", p.with("a%2Fb%20c", `{"n":2}`))
	ole.does(201, "PUT", "/tasks/seed-1", p.with("seed-1", `{"title":"newer"}`))
	ole.does(200, "DELETE", "/tasks/seed-2?rev="+p.rev("seed-2"), "")

	anna.does(201, "PUT", "/tasks/mine/plan.txt?rev="+p.rev("mine"), "a plan", "Content-Type", "text/plain")
	anna.does(200, "DELETE", "/tasks/mine/plan.txt?rev="+p.rev("mine"), "")

	anna.does(200, "DELETE", "/tasks/crane?rev="+p.rev("crane"), "")
	anna.does(404, "DELETE", "/tasks/crane?rev=1-0", "")
	anna.does(201, "PUT", "/tasks/crane", `{"title":"again"}`)
	anna.does(200, "DELETE", "/tasks/"+made+"?rev="+p.rev(made), "")
	anna.does(201, "PUT", "/tasks/flag", `{"title":"a","ok":true}`)
	anna.does(201, "PUT", "/tasks/flag", p.with("flag", `{"title":"a","ok":false}`))
	anna.does(201, "PUT", "/tasks/_design/views", `{"views":{}}`)
	anna.does(201, "PUT", "/tasks/_local/mine", `{"n":1}`)

	account := p.account()
	for _, entity := range unseen {
		account[entity][0].unseen = true
	}
	compare(t, account, p.events(), []string{"_rev"})
}

// A bulk call is answered with receipts, one for each document. What was done to
// which document is told as PouchDB tells it, and what it is then a GET of each shows.
func TestPouchDBInBulk(t *testing.T) {
	only(t, "pouchdb")
	p := startPouch(t)
	anna := p.client()
	anna.does(201, "PUT", "/tasks/mine", `{"title":"A","owner":{"id":7}}`)
	anna.does(201, "PUT", "/tasks/late", `{"title":"B"}`)
	anna.does(201, "POST", "/tasks/_bulk_docs", fmt.Sprintf(
		`{"docs":[{"_id":"new","n":1},{"_id":"late","title":"without its revision"},%s,{"n":3}]}`, p.with("mine", `{"title":"C"}`)))

	want, got := map[string][]string{}, map[string][]string{}
	account := p.account()
	for entity := range account {
		for _, line := range account.events(t, entity, []string{"_rev"}) {
			verb, _, _ := strings.Cut(line, " ")
			want[entity] = append(want[entity], "tasks."+verb)
		}
	}
	for _, e := range p.events() {
		entity := e.Entity.Type + "/" + e.Entity.ID
		got[entity] = append(got[entity], e.Type)
		if ok, _ := object(t, string(e.Data))["ok"]; ok != nil {
			t.Errorf("the %s of %s has a receipt for its state: %s", e.Type, entity, e.Data)
		}
		if entity == "tasks/mine" && e.Type == "tasks.updated" {
			was := object(t, string(e.Previous))
			delete(was, "_rev")
			if diff := cmp.Diff(map[string]any{"title": "A", "owner": map[string]any{"id": json.Number("7")}}, was); diff != "" {
				t.Errorf("a GET shows that the title is another and the owner gone; Sidehook says (+):\n%s", diff)
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what PouchDB says was done (-) and what Sidehook said (+):\n%s", diff)
	}
}

func startPouch(t *testing.T) *pouch {
	t.Helper()
	server := filepath.Join(installNPM(t, "pouchdb"), "node_modules/pouchdb-server/bin/pouchdb-server")
	port := freePorts(t, 1)[0]
	app := "http://127.0.0.1:" + port
	start(t, t.TempDir(), app, nil, "node", server, "--in-memory", "--no-stdout-logs", "--host", "127.0.0.1", "--port", port)
	p := &pouch{behind(t, recipe("pouchdb"), app)}
	p.direct().does(201, "PUT", "/tasks", "")
	return p
}

// rev returns the revision that a document is at.
func (p *pouch) rev(id string) string {
	p.t.Helper()
	return field(p.t, p.direct().does(200, "GET", "/tasks/"+id, ""), "_rev")
}

// with returns a document with its id and the revision that it is to replace.
func (p *pouch) with(id, document string) string {
	p.t.Helper()
	fields := object(p.t, document)
	fields["_rev"] = p.rev(id)
	fields["_id"], _ = url.PathUnescape(id)
	return text(fields)
}

// account is every revision of every document, oldest first.
func (p *pouch) account() account {
	p.t.Helper()
	var changes struct{ Results []struct{ ID string } }
	if err := json.Unmarshal([]byte(p.direct().does(200, "GET", "/tasks/_changes", "")), &changes); err != nil {
		p.t.Fatal(err)
	}
	a := account{}
	for _, changed := range changes.Results {
		if changed.ID[0] == '_' {
			continue // a design document
		}
		for _, body := range p.revisions(url.PathEscape(changed.ID)) {
			a.add("tasks/"+changed.ID, body)
		}
	}
	return a
}

// revisions returns the bodies of all revisions of a document, oldest first, ""
// where one deleted it.
func (p *pouch) revisions(id string) (bodies []string) {
	p.t.Helper()
	var leaves []struct {
		OK struct {
			Revisions struct {
				Start int
				IDs   []string
			} `json:"_revisions"`
		}
	}
	answer := p.direct().does(200, "GET", "/tasks/"+id+"?revs=true&open_revs=all", "", "Accept", "application/json")
	if err := json.Unmarshal([]byte(answer), &leaves); err != nil || len(leaves) != 1 {
		p.t.Fatalf("the revisions of %s: %v: %s", id, err, answer)
	}
	all := leaves[0].OK.Revisions
	for i, hash := range slices.Backward(all.IDs) {
		body := p.direct().does(200, "GET", fmt.Sprintf("/tasks/%s?rev=%d-%s", id, all.Start-i, hash), "")
		if object(p.t, body)["_deleted"] == true {
			body = ""
		}
		bodies = append(bodies, body)
	}
	return bodies
}

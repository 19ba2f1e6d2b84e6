package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sidehook/sidehook/examples/crud"
	"github.com/sidehook/sidehook/internal/proc"
)

// filesWith returns the files of the data directory that have marker in them.
func (p *process) filesWith(marker string) (found []string) {
	p.t.Helper()
	err := filepath.WalkDir(filepath.Join(p.dir, "data"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil // files come and go
		}
		if data, err := os.ReadFile(path); err == nil && bytes.Contains(data, []byte(marker)) {
			found = append(found, path)
		}
		return nil
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return found
}

// untilNoFileHas waits until marker is in no file of the data directory; the files
// that have it still are what it fails with.
func (p *process) untilNoFileHas(marker string) {
	p.t.Helper()
	var left []string
	if !proc.Wait(patience, func() bool { left = p.filesWith(marker); return len(left) == 0 }) {
		p.t.Fatalf("after %v it is in %v still; purges that the log tells of: %q", patience, left, p.logged("was erased is"))
	}
}

// projectID returns the id in an answer.
func projectID(t *testing.T, answer string) string {
	t.Helper()
	var made struct{ ID json.Number }
	if err := json.Unmarshal([]byte(answer), &made); err != nil {
		t.Fatal(err)
	}
	return made.ID.String()
}

// An erased entity is gone from all answers at once and from all files soon,
// though the process is killed in between; its sequence goes on.
func TestAnErasedEntityLeavesNothingButItsSequence(t *testing.T) {
	const marker = "jane-roe-1987"
	api := crudAPI(t, crud.Options{})
	crm, slow := receive(t, nil), receive(t, nil)
	p := start(t, caddyfile(subscribe("crm", crm, "scopes project.**")+subscribe("slow", slow, "scopes project.**"), projects, api.URL))
	if out, err := p.cli("subscriptions", "pause", "slow", "--address", p.admin); err != nil {
		t.Fatal(out)
	}
	_, made := p.call("POST", "/api/projects", fmt.Sprintf(`{"name":%q}`, marker))
	p.call("POST", "/api/projects", `{"name":"of another"}`)
	id := projectID(t, made)
	p.call("PATCH", "/api/projects/"+id, fmt.Sprintf(`{"notes":"about %s"}`, marker))
	crm.wait(3)
	if len(p.filesWith(marker)) < 2 {
		t.Fatal("it is not in the journal and in the store: this test shows nothing")
	}
	if out, err := p.cli("erase", "project/"+id, "--address", p.admin); err == nil || !strings.Contains(out, "--yes") {
		t.Errorf("without --yes: %v: %s", err, out)
	}
	out, err := p.cli("erase", "project/"+id, "--yes", "--address", p.admin)
	if err != nil || !strings.Contains(out, "erased 1 entity, 2 events, 4 deliveries (2 not sent yet)") {
		t.Errorf("erase: %v: %s", err, out)
	}
	p.kill()
	p.start()
	var left []struct{ Entity struct{ ID string } }
	p.get("/sidehook/events", &left)
	if len(left) != 1 || left[0].Entity.ID == id {
		t.Errorf("events that are left: %+v", left)
	}
	p.untilNoFileHas(marker)
	if log := p.log.String(); strings.Contains(log, marker) || !strings.Contains(log, `"entity erased"`) {
		t.Error("the log says what was erased, or not that something was")
	}
	crm.forget()
	p.call("PATCH", "/api/projects/"+id, `{"status":"active"}`)
	if got := crm.wait(1)[0].Body; got.Entity.Sequence != 3 || len(got.Previous) > 0 && string(got.Previous) != "{}" {
		t.Errorf("the next change: %+v", got)
	}
	p.cli("subscriptions", "resume", "slow", "--address", p.admin)
	for _, a := range slow.wait(2) {
		if a.Body.Entity.ID == id && a.Body.Entity.Sequence < 3 {
			t.Errorf("it was sent after all: %s", a.Raw)
		}
	}
	until(t, "all is settled", p.settled)
}

// An example that shows an entity goes with it.
func TestAnErasureReachesExamples(t *testing.T) {
	const marker = "john-doe-1964"
	api := crudAPI(t, crud.Options{})
	crm, slow := receive(t, nil), receive(t, nil)
	p := start(t, caddyfile(subscribe("crm", crm, "scopes project.**")+subscribe("slow", slow, "scopes project.**\n\t\t\tfor project {\n\t\t\t\tchunk 10\n\t\t\t}"), projects, api.URL))
	_, made := p.call("POST", "/api/projects", fmt.Sprintf(`{"name":%q}`, marker))
	crm.wait(1)
	slow.wait(1)
	for _, name := range []string{"crm", "slow"} {
		if out, err := p.cli("trigger", "project.created", "--subscription", name, "--address", p.admin); err != nil || !strings.Contains(out, "delivered") {
			t.Fatalf("%v: %s", err, out)
		}
	}
	if got := crm.wait(2)[1]; !strings.Contains(got.Raw, marker) {
		t.Fatalf("the example does not show it: %s", got.Raw)
	}
	if got := slow.wait(2)[1]; !strings.Contains(got.Raw, `"chunk":{"number":0,"events":1}`) {
		t.Errorf("an example heeds no for: %s", got.Raw)
	}
	until(t, "all is settled", p.settled)
	out, err := p.cli("erase", "project/"+projectID(t, made), "--yes", "--address", p.admin)
	if err != nil || !strings.Contains(out, "erased 1 entity, 3 events, 4 deliveries") {
		t.Errorf("erase: %v: %s", err, out)
	}
	var left []struct{ ID string }
	if p.get("/sidehook/events", &left); len(left) != 0 {
		t.Errorf("events that are left: %+v", left)
	}
	p.untilNoFileHas(marker)
}

// What a rule has put into another entity's event as the erased one goes out of it, and out of
// all files; the event stays, and what is owed of it is sent.
func TestAnErasureTakesItsCopiesOutOfOthersEvents(t *testing.T) {
	const marker = "passport-of-jane-roe"
	api := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.Method == http.MethodPost {
			fmt.Fprintf(w, `{"data":{"id":"d-1","title":%q}}`, marker)
			return
		}
		fmt.Fprint(w, `{"id":1,"name":"Holm"}`)
	}))
	crm, slow := receive(t, nil), receive(t, nil)
	full := "scopes account.document_linked\n\t\t\tpayload full"
	p := start(t, caddyfile(subscribe("crm", crm, full)+subscribe("slow", slow, full), `
		resource document /documents
		resource account /accounts {
			on POST {id}/documents emit account.document_linked {
				related document response.body.data {
					resource document
				}
				attributes {
					linked response.body.data
				}
			}
		}`, api.URL))
	p.steer("pause", "slow")
	p.call("POST", "/accounts/1/documents", `{}`)
	if got := crm.wait(1)[0]; !strings.Contains(got.Raw, marker) {
		t.Fatalf("it is not in what is sent: %s", got.Raw)
	}
	if len(p.filesWith(marker)) == 0 {
		t.Fatal("it is in no file before: this test shows nothing")
	}
	out, err := p.cli("erase", "document/d-1", "--yes", "--address", p.admin)
	if err != nil || !strings.Contains(out, "its copy is out of 1 event of others") {
		t.Errorf("erase: %v: %s", err, out)
	}
	var left []json.RawMessage
	if p.get("/sidehook/events", &left); len(left) != 1 || strings.Contains(printed(left), marker) {
		t.Errorf("events that are left: %s", left)
	}
	p.kill()
	p.start()
	p.steer("resume", "slow")
	if got := slow.wait(1)[0]; strings.Contains(got.Raw, marker) || printed(relatedOf(t, got)) != `{"document":null}` {
		t.Errorf("sent: %s", got.Raw)
	}
	p.untilNoFileHas(marker)
}

// A customer erases what is its tenant's, and nobody else's.
func TestACustomerErasesWhatIsItsTenants(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	p := start(t, withAPI("", perSpace, api.URL))
	_, made := p.call("POST", "/api/projects", `{"name":"a"}`, "X-Space", "acme")
	id := projectID(t, made)
	ann, eve := p.user("ann", "acme"), p.user("eve", "other")
	until(t, "it is recorded", func() bool { return len(ann.do("GET", "/events", "").data()) == 1 })
	body := fmt.Sprintf(`{"resource": "project", "entity": %q}`, id)
	if got := eve.do("POST", "/erasures", body).want(200); got.fields["events"] != 0.0 {
		t.Errorf("another's: %s", got.raw)
	}
	for wrong, want := range map[string]string{
		`{"resource": "project"}`:                   "entity is missing",
		`{"entity": "1"}`:                           "resource is missing",
		`{"resourc": "a"}`:                          "did you mean resource?",
		body[:len(body)-1] + `, "tenant": "other"}`: "it is yours",
		body[:len(body)-1] + `, "api": "nosuch"}`:   "there is no api nosuch: there are default",
	} {
		if got := ann.do("POST", "/erasures", wrong).want(422); !strings.Contains(got.raw, want) {
			t.Errorf("%s: %s, want %q", wrong, got.raw, want)
		}
	}
	if got := ann.do("POST", "/erasures", body).want(200); got.fields["events"] != 1.0 || got.fields["entities"] != 1.0 || got.fields["complete"] != true {
		t.Errorf("its own: %s", got.raw)
	}
	if got := ann.do("GET", "/events", "").want(200); len(got.data()) != 0 {
		t.Errorf("events that are left: %s", got.raw)
	}
}

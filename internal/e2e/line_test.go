package e2e

import (
	"encoding/json"
	"testing"

	"github.com/sidehook/sidehook/examples/crud"
)

// The smallest configuration of the README: three calls, three webhooks.
func TestTheWholeLine(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	crm := receive(t, nil)
	p := start(t, caddyfile(subscribe("crm", crm, "scopes project.**"), projects, api.URL))

	p.call("POST", "/api/projects", `{"name":"Roof","budget":{"amount":15000.00}}`)
	p.call("PATCH", "/api/projects/1001", `{"status":"active"}`)
	p.call("PATCH", "/api/projects/1001", `{"status":"active"}`) // changes updated_at only
	p.call("GET", "/api/projects/1001", "")
	p.call("DELETE", "/api/projects/1001", "")

	got := crm.wait(4)
	wantScopes(t, got, "project.created", "project.updated", "project.updated", "project.deleted")
	for i, a := range got {
		if a.Body.Entity.ID != "1001" || a.Body.Entity.Sequence != uint64(i+1) {
			t.Errorf("webhook %d is about %s #%d, want 1001 #%d", i, a.Body.Entity.ID, a.Body.Entity.Sequence, i+1)
		}
	}
	wantField(t, got[1].Body.Previous, "status", `"planned"`)
	wantField(t, got[1].Body.Data, "status", `"active"`)
	wantField(t, got[3].Body.Data, "name", `"Roof"`)
	var budget struct {
		Budget struct {
			Amount json.RawMessage `json:"amount"`
		} `json:"budget"`
	}
	if err := json.Unmarshal(got[0].Body.Data, &budget); err != nil || string(budget.Budget.Amount) != "15000.00" {
		t.Errorf("amount is %s, want the API's own digits 15000.00", budget.Budget.Amount)
	}
}

func TestNothingChangedSendsNothing(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	crm := receive(t, nil)
	p := start(t, caddyfile(subscribe("crm", crm, "scopes project.**"), projects+" {\n\t\t\tignore updated_at\n\t\t}", api.URL))
	p.call("POST", "/api/projects", `{"name":"Roof"}`)
	p.call("PATCH", "/api/projects/1001", `{"name":"Roof"}`)
	p.call("PATCH", "/api/projects/1001", `{"name":""}`) // refused by the API
	p.call("DELETE", "/api/projects/1001", "")
	wantScopes(t, crm.wait(2), "project.created", "project.deleted")
}

// An answer without the entity: Sidehook looks for itself, with the caller's
// credentials, and a client that writes one call after the other gets an exact
// chain.
func TestTheAfterGet(t *testing.T) {
	api := crudAPI(t, crud.Options{NoContent: []string{"project"}})
	crm := receive(t, nil)
	p := start(t, caddyfile(subscribe("crm", crm, "scopes project.updated"), projects, api.URL))
	p.call("POST", "/api/projects", `{"name":"v0"}`)
	for _, name := range []string{"v1", "v2", "v3", "v4", "v5"} {
		if status, body := p.call("PATCH", "/api/projects/1001", `{"name":"`+name+`"}`); status != 204 {
			t.Fatalf("PATCH answered %d %s", status, body)
		}
	}
	for i, a := range crm.wait(5) {
		wantField(t, a.Body.Data, "name", `"v`+string(rune('1'+i))+`"`)
		wantField(t, a.Body.Previous, "name", `"v`+string(rune('0'+i))+`"`)
	}
}

// After a restart without a snapshot, a rule that reads the before has it
// fetched before the call is forwarded.
func TestTheBeforeFetch(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	crm := receive(t, nil)
	p := start(t, caddyfile(subscribe("crm", crm, "scopes project.started"), projects+` {
			emit project.started when became("status", "active")
		}`, api.URL))
	direct := &process{t: t, site: api.URL} // past Sidehook
	direct.call("POST", "/api/projects", `{"name":"Roof"}`)
	p.call("PATCH", "/api/projects/1001", `{"status":"active"}`)
	wantScopes(t, crm.wait(1), "project.started")
	wantField(t, crm.took()[0].Body.Previous, "status", `"planned"`)
}

func TestSkipKeysEndLoops(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	crm, mail := receive(t, nil), receive(t, nil)
	p := start(t, caddyfile(subscribe("crm", crm, "scopes project.**\n\t\t\tskip_keys crm_sync")+
		subscribe("mail", mail, "scopes project.**"), projects, api.URL))
	p.call("POST", "/api/projects", `{"name":"from crm"}`, "Webhook-Skip-Key", "crm_sync")
	p.call("POST", "/api/projects", `{"name":"by hand"}`)
	mail.wait(2)
	for _, a := range crm.wait(1) {
		wantField(t, a.Body.Data, "name", `"by hand"`)
	}
}

func wantScopes(t *testing.T, got []arrival, want ...string) {
	t.Helper()
	var scopes []string
	for _, a := range got {
		scopes = append(scopes, a.Body.Type)
	}
	if len(scopes) != len(want) {
		t.Fatalf("got %v, want %v", scopes, want)
	}
	for i := range want {
		if scopes[i] != want[i] {
			t.Fatalf("got %v, want %v", scopes, want)
		}
	}
}

// wantField compares one top-level field of a JSON object, byte for byte.
func wantField(t *testing.T, object json.RawMessage, field, want string) {
	t.Helper()
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(object, &fields); err != nil {
		t.Errorf("%v: %s", err, object)
	}
	if string(fields[field]) != want {
		t.Errorf("%s is %s, want %s, in %s", field, fields[field], want, object)
	}
}

package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sidehook/sidehook/examples/crud"
)

// A name that nothing has is answered with what there is, and never as if there were
// nothing of it yet; what an older configuration recorded is found, replayed and erased.
func TestWhatIsMisspeltIsNotTakenForNothing(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	crm := receive(t, nil)
	crmOf := func(scopes string) string { return subscribe("crm", crm, "scopes "+scopes) }
	p := start(t, caddyfile(crmOf("job.**"), "\t\tresource job /api/projects", api.URL))
	_, made := p.call("POST", "/api/projects", `{"name":"Roof"}`)
	crm.wait(1)
	p.configure(caddyfile(crmOf("project.**"), projects, api.URL))
	if err := p.reload(); err != nil {
		t.Fatal(err)
	}

	for _, path := range []string{"/events?resource=projct", "/deliveries?resource=projct", "/event_types?resource=projct", "/events?resource=projct&entity=1",
		"/events?scope=projct.**", "/deliveries?scope=project.*&scope=projct.created", "/event_types?scope=projct.*"} {
		a := p.operate("GET", path, "").want(400)
		name, _, _ := strings.Cut(path[strings.LastIndexAny(path, "?&")+1:], "=")
		if name == "entity" {
			name = "resource"
		}
		if wrong := fmt.Sprint(a.fields["errors"]); !strings.Contains(wrong, "did you mean project") || !strings.Contains(wrong, "parameter:"+name) {
			t.Errorf("%s: %s", path, a.raw)
		}
	}
	p.operate("GET", "/deliveries?subscription=crn", "").want(404)
	p.operate("GET", "/deliveries?subscription=sub_deleted", "").want(200)
	for path, body := range map[string]string{
		"/erasures":      `{"resource": "projct", "entity": "1"}`,
		"/replays":       `{"subscription": "crm", "since": 0, "scopes": ["projct.**"]}`,
		"/replays/count": `{"subscription": "crm", "since": 0, "scopes": ["projct.**"]}`,
	} {
		if a := p.operate("POST", path, body).want(422); !strings.Contains(fmt.Sprint(a.fields["errors"]), "did you mean project") {
			t.Errorf("%s: %s", path, a.raw)
		}
	}
	for _, command := range []string{"trigger projct.updated --subscription crm", "seed projct", "events --entity projct/1", "erase projct/1 --yes", "replay crm --since 1h --scope projct.**"} {
		out, err := p.cli(append(strings.Fields(command), "--address", p.admin)...)
		if err == nil || !strings.Contains(out, "did you mean project") {
			t.Errorf("%s: %v: %s", command, err, out)
		}
	}

	for _, path := range []string{"/events?resource=project", "/deliveries?scope=project.*", "/events?resource=job&since=2100-01-01T00:00:00Z", "/deliveries?scope=job.*&state=exhausted"} {
		if got := p.operate("GET", path, "").want(200).data(); len(got) != 0 {
			t.Errorf("%s: %v", path, got)
		}
	}
	p.operate("POST", "/erasures", `{"resource": "project", "entity": "none"}`).want(200)
	if got := p.operate("GET", "/deliveries?resource=job", "").want(200).data(); len(got) != 1 {
		t.Errorf("what an older configuration recorded: %v", got)
	}
	p.operate("POST", "/replays/count", `{"subscription": "crm", "since": 0, "scopes": ["job.*"], "states": ["delivered"]}`).want(200)
	job := fmt.Sprintf(`{"resource": "job", "entity": %q}`, projectID(t, made))
	if a := p.operate("POST", "/erasures", job).want(200); a.fields["events"] != 1.0 {
		t.Errorf("erased: %s", a.raw)
	}
	p.operate("GET", "/events?resource=job", "").want(400)
}

package e2e

import (
	"regexp"
	"strings"
	"testing"

	"github.com/sidehook/sidehook/examples/crud"
)

// poison is a rule that fails on long lists of tags, and what sends one.
const (
	poisonRule = `emit project.heavy when any(entity.tags, any(entity.tags, any(entity.tags, entity.name == "x")))`
	tooHeavy   = 300 // tags
)

func heavy(name string) string {
	return `{"name":"` + name + `","tags":[` + strings.Repeat(`"a",`, tooHeavy) + `"a"]}`
}

// quarantined returns the ids of the exchanges that the command lists.
func (p *process) quarantined() []string {
	p.t.Helper()
	out, err := p.cli("quarantine", "--address", p.admin)
	if err != nil {
		p.t.Fatalf("quarantine: %v: %s", err, out)
	}
	return regexp.MustCompile(`(?m)^exc_\w+`).FindAllString(out, -1)
}

// A rule fails on a call: it is set aside and shown, holds up nobody, and is derived
// by the current rules on command, once; or it is dropped, and a gap on its entity's
// lane says so. It outlives the process.
func TestPoisonIsSetAsideUntilACommand(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	crm := receive(t, nil)
	config := func(rule string) string {
		return caddyfile(subscribe("crm", crm, "scopes project.** project.gap"), projects+" {\n\t\t\t"+rule+"\n\t\t}", api.URL)
	}
	p := start(t, config(poisonRule))
	for _, name := range []string{"Roof", "Hall", "Shed"} {
		p.call("POST", "/api/projects", `{"name":"`+name+`"}`)
	}
	crm.wait(3)
	p.call("PATCH", "/api/projects/1001", heavy("derived"))
	p.call("PATCH", "/api/projects/1002", heavy("dropped"))
	p.call("PATCH", "/api/projects/1003", heavy("late"))
	p.call("PATCH", "/api/projects/1003", `{"name":"now"}`)
	p.call("POST", "/api/projects", `{"name":"Barn"}`)
	wantScopes(t, crm.wait(4), "project.created", "project.created", "project.created", "project.created")
	until(t, "four are set aside: the tags of 1003 are there still", func() bool { return len(p.quarantined()) == 4 })
	p.kill()
	p.start()
	ids := p.quarantined()
	if len(ids) != 4 {
		t.Fatalf("in quarantine after a kill: %v, want 4", ids)
	}
	wantText(t, p.explained(ids[0]), `In quarantine: a rule failed on it`)
	if out, err := p.cli("quarantine", "derive", ids[0], "--address", p.admin); err == nil {
		t.Errorf("the rule fails as ever, and derive says: %s", out)
	}
	p.configure(config("ignore updated_at"))
	if err := p.reload(); err != nil {
		t.Fatal(err)
	}
	before := len(crm.distinct(4))
	for i, verb := range []string{"derive", "drop", "derive", "drop"} {
		if out, err := p.cli("quarantine", verb, ids[i], "--address", p.admin); err != nil || !strings.Contains(out, ids[i]) {
			t.Fatalf("quarantine %s: %v: %s", verb, err, out)
		}
		if out, err := p.cli("quarantine", verb, ids[i], "--address", p.admin); err == nil {
			t.Errorf("quarantine %s once more: %s", verb, out)
		}
	}
	got := crm.distinct(before + 4)[before:]
	told := map[string]string{}
	for _, a := range got {
		told[a.Body.Entity.ID] += a.Body.Type + " "
	}
	if told["1001"] != "project.updated " || told["1002"] != "project.gap " || told["1003"] != "project.updated project.gap " {
		t.Errorf("told %v, want an update of 1001, a gap of 1002, and of 1003 both", told)
	}
	for _, a := range got {
		if a.Body.Entity.ID == "1001" {
			wantField(t, a.Body.Data, "name", `"derived"`)
			wantField(t, a.Body.Previous, "name", `"Roof"`)
		}
		if want := map[string]uint64{"1001": 2, "1002": 2}[a.Body.Entity.ID]; want > 0 && a.Body.Entity.Sequence != want {
			t.Errorf("%s of %s has sequence %d, want %d", a.Body.Type, a.Body.Entity.ID, a.Body.Entity.Sequence, want)
		}
	}
	var gaps []struct {
		Gap struct{ Reason, Detail string }
	}
	p.get("/sidehook/events?scope=project.gap", &gaps)
	for _, g := range gaps {
		if g.Gap.Reason != "rule_error" || !strings.Contains(g.Gap.Detail, "was given up: a rule failed") {
			t.Errorf("the gap says %+v", g)
		}
	}
	if left := p.quarantined(); len(left) > 0 || len(gaps) != 2 {
		t.Errorf("%d gaps, want 2; %v still in quarantine", len(gaps), left)
	}
}

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sidehook/sidehook/examples/crud"
)

// A directory that was copied while it was stopped goes on on another machine, as
// docs/operations.md has it: what was owed is sent with the id that it had, the
// subscriptions of customers are there with their secrets, and what an entity was
// is known.
func TestABackupIsRestoredElsewhere(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	own, theirs, down := receive(t, nil), receive(t, nil), receive(t, status(503))
	config := withAPI("\t\tencryption_key {env.KEY}"+subscribe("own", own, "scopes project.**"), perSpace, api.URL)
	machine := func() *process {
		p := prepare(t, config)
		p.env = append(p.env, "KEY=a key that goes with the backup")
		return p
	}
	old := machine()
	old.start()
	ann := old.user("ann", "acme")
	ann.do("POST", "/subscriptions", subscription(theirs, "")).want(201)
	ann.do("POST", "/subscriptions", subscription(down, `, "retry": ["1s", "1s", "1h"]`)).want(201)
	old.call("POST", "/api/projects", `{"name":"Roof"}`, "X-Space", "acme")
	created := own.distinct(1)[0]
	theirs.distinct(1)
	until(t, "the one that is down was tried", func() bool { return len(down.all()) > 0 })
	old.stop()

	restored := machine()
	if err := os.CopyFS(filepath.Join(restored.dir, "data"), os.DirFS(filepath.Join(old.dir, "data"))); err != nil {
		t.Fatal(err)
	}
	down.respond(nil)
	restored.start()
	if owed := down.distinct(1)[0]; owed.ID != down.all()[0].ID || owed.Body.Type != created.Body.Type {
		t.Errorf("owed was %s, sent is %s %s", down.all()[0].ID, owed.Body.Type, owed.ID)
	}
	restored.call("PATCH", "/api/projects/"+created.Body.Entity.ID, `{"name":"Hall"}`, "X-Space", "acme")
	for _, r := range []*receiver{own, theirs} {
		updated := r.distinct(2)[1]
		if updated.Body.Type != "project.updated" || !strings.HasPrefix(string(updated.Body.Previous), `{"name":"Roof",`) || updated.Body.Entity.Sequence != 2 {
			t.Errorf("after the restore: %s", updated.Raw)
		}
	}
}

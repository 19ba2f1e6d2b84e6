package e2e

import (
	"strings"
	"testing"

	"github.com/sidehook/sidehook/examples/crud"
)

// A key is changed by a start that has both; from then on the new one is enough. Who
// has lost it deletes what it had encrypted, and nothing else, and can start.
func TestAnEncryptionKeyIsChangedAndLost(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	own, theirs, down := receive(t, nil), receive(t, nil), receive(t, status(503))
	with := func(keys string) string {
		return withAPI("\t\tencryption_key "+keys+subscribe("own", own, "scopes project.**"), perSpace, api.URL)
	}
	p := prepare(t, with("{env.FIRST}"))
	p.env = append(p.env, "FIRST=the first key, of twenty-four bytes", "SECOND=the second key, of twenty-four bytes", "OTHER=another key, of twenty-four bytes")
	p.start()
	ann := p.user("ann", "acme")
	id := ann.do("POST", "/subscriptions", subscription(theirs, "")).want(201).text("id")
	ann.do("POST", "/subscriptions", subscription(down, `, "retry": ["1h"]`)).want(201)
	for n, keys := range []string{"{env.FIRST}", "{env.SECOND} {env.FIRST}", "{env.SECOND}"} {
		if n > 0 {
			p.stop()
			p.configure(with(keys))
			p.start()
		}
		p.call("POST", "/api/projects", `{"name":"Roof"}`, "X-Space", "acme")
		own.distinct(n + 1)
		theirs.distinct(n + 1)
		if told := strings.Count(p.log.String(), "encrypted with the first encryption_key"); told != min(n, 1) {
			t.Errorf("with %s the log has told %d times that all is encrypted", keys, told)
		}
	}

	p.stop()
	p.configure(with("{env.OTHER}"))
	forget := func(more ...string) (string, error) {
		return p.cli(append([]string{"subscriptions", "forget", "--config", p.config, "--adapter", "caddyfile"}, more...)...)
	}
	if out, err := forget(); err == nil || !strings.Contains(out, id+` of owner "ann", tenant "acme"`) || !strings.Contains(out, "2 subscriptions would be deleted") {
		t.Errorf("what would be deleted: %v\n%s", err, out)
	}
	if out, err := forget("--yes"); err != nil || !strings.Contains(out, "deleted 2 subscriptions") {
		t.Fatalf("deleting: %v\n%s", err, out)
	}
	p.start()
	if list := ann.do("GET", "/subscriptions", "").want(200).data(); len(list) != 0 {
		t.Errorf("they are there: %v", list)
	}
	p.call("POST", "/api/projects", `{"name":"Hall"}`, "X-Space", "acme")
	own.distinct(4)
	until(t, "what the deleted ones were owed is cancelled", p.settled)
	if out, err := forget("--yes"); err == nil {
		t.Errorf("it works on the directory of a running server: %s", out)
	}
}

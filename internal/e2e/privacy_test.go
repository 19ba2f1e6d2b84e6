package e2e

import (
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sidehook/sidehook/examples/crud"
)

// What is redacted, and a caller's credentials, reach no file, nor what is sent;
// and what is on the disk nobody else on the machine can read, even if the
// directory that it is in was made for all.
func TestWhatIsHiddenReachesNoFile(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	crm := receive(t, nil)
	p := prepare(t, caddyfile(subscribe("crm", crm, "scopes project.**\n\t\t\tpayload full"),
		projects+" {\n\t\t\tredact owner.name\n\t\t\temit project.named when changed(\"name\")\n\t\t}", api.URL))
	data := filepath.Join(p.dir, "data")
	if err := os.Mkdir(data, 0o755); err != nil {
		t.Fatal(err)
	}
	p.start()
	credentials := []string{"Authorization", "Bearer hidden-token", "Cookie", "session=hidden-cookie", "X-Api-Key", "hidden-key"}
	p.call("POST", "/api/projects?access_token=hidden-query", `{"name":"Roof","owner":{"id":7,"name":"hidden-owner"}}`, credentials...)
	p.call("PATCH", "/api/projects/1001", `{"name":"Wall","owner":{"id":7,"name":"hidden-owner"}}`, credentials...)
	p.call("DELETE", "/api/projects/1001", "", credentials...)
	for _, got := range crm.wait(4) {
		if text := string(got.Raw); strings.Contains(text, "hidden") {
			t.Errorf("sent: %s", text)
		}
	}
	until(t, "all is settled", p.settled)
	for line := range strings.Lines(p.metrics()) {
		for _, theirs := range []string{"project", "crm", "hidden", strings.TrimPrefix(crm.URL, "http://")} {
			if strings.HasPrefix(line, "sidehook_") && strings.Contains(line, theirs) {
				t.Errorf("a metric names %s: %s", theirs, line)
			}
		}
	}
	p.kill() // what a process leaves that cleans nothing up
	for _, hidden := range []string{"hidden-token", "hidden-cookie", "hidden-key", "hidden-query", "hidden-owner"} {
		if file := fileWith(t, data, hidden); file != "" {
			t.Errorf("%s is in %s", hidden, file)
		}
	}
	if fileWith(t, data, "Roof") == "" {
		t.Error("nothing is in the files at all")
	}
	onlyForUs(t, data)
	p.start() // which logs what it recovers
	if text := p.log.String(); strings.Contains(text, "Roof") || strings.Contains(text, "hidden") {
		t.Errorf("a body is in the log: %s", text)
	}
}

// A redacted path that is written otherwise than the API writes it takes nothing
// out: the log says so, once, and the metrics do from the start.
func TestARedactedPathThatFindsNothingIsTold(t *testing.T) {
	api := crudAPI(t, crud.Options{})
	p := start(t, caddyfile("\t\t# nobody subscribes", projects+" {\n\t\t\tredact owner.name owner.nmae\n\t\t}", api.URL))
	found := func(path, value string) bool {
		return strings.Contains(p.metrics(), `sidehook_redact_path_found{api="default",path="`+path+`"} `+value+"\n")
	}
	if !found("owner.name", "0") || !found("owner.nmae", "0") {
		t.Errorf("before any call, the metrics are\n%s", p.metrics())
	}
	const told = "what is to be redacted was in no body so far"
	p.call("POST", "/api/projects", `{"name":"Roof","owner":{"id":7,"name":"Ann"}}`)
	until(t, "the metrics tell which was found", func() bool { return found("owner.name", "1") && found("owner.nmae", "0") })
	if strings.Contains(p.log.String(), told) {
		t.Error("it is told behind one call")
	}
	for range 100 {
		p.call("PATCH", "/api/projects/1001", `{"name":"Wall"}`)
	}
	until(t, "the log tells which was not", func() bool { return strings.Contains(p.log.String(), told) })
	for range 10 {
		p.call("PATCH", "/api/projects/1001", `{"name":"Roof"}`)
	}
	for line := range strings.Lines(p.log.String()) {
		if strings.Contains(line, told) && (!strings.Contains(line, "owner.nmae") || strings.Contains(line, "owner.name")) {
			t.Errorf("the log tells %s", line)
		}
	}
	if n := strings.Count(p.log.String(), told); n != 1 {
		t.Errorf("it is told %d times", n)
	}
}

// onlyForUs checks that nobody else may read what is in dir: its files are for
// their owner, or in directories that are.
func onlyForUs(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if mode := info.Mode().Perm(); mode&0o077 != 0 {
			t.Errorf("%s has mode %o", path, mode)
		}
		if d.IsDir() {
			return filepath.SkipDir // nobody else comes further
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A header that says who calls says nothing if it arrives twice: one may be the
// caller's own.
func TestACallerOfTwoNamesIsNobody(t *testing.T) {
	p := start(t, withAPI("", perSpace, crudAPI(t, crud.Options{}).URL))
	for _, header := range []http.Header{
		{"X-User": {"ann", "bob"}, "X-Space": {"acme"}},
		{"X-User": {"ann"}, "X-Space": {"acme", "other"}},
	} {
		req, err := http.NewRequest(http.MethodGet, p.site+"/webhooks/subscriptions", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header = header
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 401 && resp.StatusCode != 403 {
			t.Errorf("%v is answered %d", header, resp.StatusCode)
		}
	}
}

package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sidehook/sidehook/examples/crud"
)

// fullStores are the disks that get full for the store: a file system of its own,
// where this user may mount one, and a sidehook that is told so, which anybody can
// have.
func fullStores(t *testing.T) []*disk {
	t.Helper()
	dir := t.TempDir()
	full := filepath.Join(dir, "full")
	told := &disk{name: "told", dir: dir, control: []string{"SIDEHOOK_CONTROL=full-store", "SIDEHOOK_FULL=" + full}}
	told.fill = func(*process) {
		if err := os.WriteFile(full, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	told.free = func(*process) {
		if err := os.Remove(full); err != nil {
			t.Fatal(err)
		}
	}
	return append(slices.DeleteFunc(disks(t), func(d *disk) bool { return d.name != "disk" }), told)
}

// apiOnDisk is the subscription API in use, on a disk that can get full: with a
// subscription that is delivered to, one that is paused and is owed something, and
// one whose delivery was given up; and a replay that runs, slowly.
type apiOnDisk struct {
	*disk
	t    *testing.T
	p    *process
	ann  user
	mine *receiver

	active, paused, failed, given, replay string // ids
}

func newAPIOnDisk(t *testing.T, d *disk) *apiOnDisk {
	t.Helper()
	api := crudAPI(t, crud.Options{})
	f := &apiOnDisk{disk: d, t: t, mine: receive(t, nil)}
	f.p = prepare(t, strings.ReplaceAll(withAPI("", perSpace, api.URL), "{DATA}", filepath.Join(d.dir, "data")))
	if d.control != nil {
		f.p.binary, f.p.env = controls, append(f.p.env, d.control...)
	}
	f.p.start()
	f.ann = f.p.user("ann", "acme")
	made := func(r *receiver, more string) string {
		return f.ann.do("POST", "/subscriptions", subscription(r, more)).want(201).text("id")
	}
	f.active, f.paused = made(f.mine, ""), made(receive(t, nil), "")
	f.failed = made(receive(t, status(500)), `, "retry": "none"`)
	f.ann.do("POST", "/subscriptions/"+f.paused+"/pause", "").want(200)
	f.write("Roof")
	f.mine.wait(1)
	list := func(query string) []map[string]any { return f.ann.do("GET", "/deliveries?"+query, "").want(200).data() }
	until(t, "one is given up, one is held, and one is delivered", func() bool {
		return len(list("state=exhausted")) == 1 && len(list("state=held")) == 1 && len(list("state=delivered")) == 1
	})
	f.given = list("state=exhausted")[0]["id"].(string)
	f.replay = f.ann.do("POST", "/replays", fmt.Sprintf(`{"subscription": %q, "since": 0, "states": ["delivered"], "rate": 0.001}`, f.active)).want(201).text("id")
	until(t, "the event type is learned", func() bool {
		return f.ann.do("GET", "/event_types/project.created", "").want(200).fields["learned"] == true
	})
	return f
}

// write makes a call to the API that is captured, which no full disk fails.
func (f *apiOnDisk) write(name string) {
	f.t.Helper()
	if status, answer := f.p.call("POST", "/api/projects", fmt.Sprintf(`{"name":%q}`, name), "X-Space", "acme"); status != http.StatusCreated {
		f.t.Fatalf("a call is answered %d %s", status, answer)
	}
}

// changes are one of each call that keeps something, in an order in which all can be
// made: method, path, body and status.
func (f *apiOnDisk) changes() [][4]string {
	s, paused := "/subscriptions/"+f.active, "/subscriptions/"+f.paused
	replay := fmt.Sprintf(`{"subscription": %q, "since": 0, "states": ["exhausted"]}`, f.failed)
	return [][4]string{
		{"POST", "/subscriptions", subscription(f.mine, ""), "201"},
		{"PATCH", s, `{"filter": "entity.name != 'x'"}`, "200"},
		{"PATCH", s, `{"status": "paused"}`, "200"},
		{"PATCH", s, `{"status": "active", "filter": null}`, "200"},
		{"POST", s + "/rotate", "", "200"},
		{"POST", s + "/test", "", "202"},
		{"POST", s + "/pause", "", "200"},
		{"POST", s + "/resume", "", "200"},
		{"POST", paused + "/release", "", "200"},
		{"POST", "/deliveries/" + f.given + "/retry", "", "200"},
		{"POST", "/replays/" + f.replay + "/cancel", "", "200"},
		{"POST", "/replays", replay, "201"},
		{"POST", "/erasures", `{"resource": "project", "entity": "1001"}`, "200"},
		{"DELETE", "/subscriptions/" + f.failed, "", "204"},
	}
}

// shown is all that can be read, as it is answered.
func (f *apiOnDisk) shown() (all []string) {
	f.t.Helper()
	for _, path := range []string{
		"/subscriptions", "/subscriptions/" + f.active, "/event_types", "/event_types/project.created", "/events",
		"/deliveries", "/deliveries/" + f.given, "/deliveries/" + f.given + "/attempts", "/replays", "/replays/" + f.replay,
	} {
		all = append(all, path+" "+f.ann.do("GET", path, "").want(200).raw)
	}
	count := fmt.Sprintf(`{"subscription": %q, "since": 0, "states": ["delivered"]}`, f.active)
	return append(all, f.ann.do("POST", "/replays/count", count).want(200).raw)
}

// On a full disk the subscription API refuses what it would have to keep, with a 507
// that says why; nothing of it is done, by halves neither, and all can be read. With
// room again the same calls are made, and what is owed goes out.
func TestTheAPIRefusesWritesOnAFullDisk(t *testing.T) {
	for _, d := range fullStores(t) {
		t.Run(d.name, func(t *testing.T) { refusesWrites(t, newAPIOnDisk(t, d)) })
	}
}

func refusesWrites(t *testing.T, f *apiOnDisk) {
	before := f.shown()
	f.fill(f.p)
	for _, c := range f.changes() {
		a := f.ann.do(c[0], c[1], c[2], "Idempotency-Key", c[1]).want(http.StatusInsufficientStorage)
		if !strings.Contains(a.text("detail"), "the disk is full") || a.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %s: %v %s", c[0], c[1], a.header, a.raw)
		}
	}
	f.ann.do("POST", "/subscriptions", `{"url": "nonsense"}`).want(422)
	for i, now := range f.shown() {
		if now != before[i] {
			t.Errorf("before the disk was full\n%s\nnow\n%s", before[i], now)
		}
	}
	if out, err := f.p.cli("subscriptions", "pause", f.active, "--address", f.p.admin); err == nil || !strings.Contains(out, "507") || !strings.Contains(out, "MiB are left on the disk") {
		t.Errorf("the command says %v: %s", err, out)
	}
	f.write("Wall")

	f.free(f.p)
	got := f.mine.distinct(2)
	wantField(t, got[len(got)-1].Body.Data, "name", `"Wall"`)
	for _, c := range f.changes() {
		until(t, c[0]+" "+c[1]+" is done", func() bool { // a replay may be a moment behind
			return fmt.Sprint(f.ann.do(c[0], c[1], c[2], "Idempotency-Key", c[1]).status) == c[3]
		})
	}
	f.p.kill()
	f.p.start()
	var subs []struct{ ID, Status string }
	f.p.get("/sidehook/subscriptions", &subs)
	if len(subs) != 3 || slices.ContainsFunc(subs, func(s struct{ ID, Status string }) bool { return s.Status != "active" }) {
		t.Errorf("there are %+v, want the two that were not deleted and the new one", subs)
	}
}

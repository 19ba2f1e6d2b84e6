package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sidehook/sidehook/webhook"
)

// health returns what the health endpoint answers, and with which status.
func (p *process) health() (status int, h struct {
	Degraded bool
	Reason   string
}) {
	resp, err := http.Get("http://" + p.admin + "/sidehook/health")
	if err != nil {
		return 0, h
	}
	defer resp.Body.Close()
	json.NewDecoder(resp.Body).Decode(&h)
	return resp.StatusCode, h
}

// startWaiting starts the process on a directory that cannot be opened: the site is
// served, and health says why it is not ready.
func (p *process) startWaiting(reasons ...string) {
	p.t.Helper()
	p.launch()
	until(p.t, "the site is served, and health says "+strings.Join(reasons, ", "), func() bool {
		select {
		case <-p.Ended():
			p.t.Fatalf("sidehook ended (%v), and the API is down:\n%s", p.State(), p.log.String())
		default:
		}
		status, h := p.health()
		return status == http.StatusServiceUnavailable && h.Degraded && p.listens() &&
			!slices.ContainsFunc(reasons, func(r string) bool { return !strings.Contains(h.Reason, r) })
	})
	if m := p.metrics(); !strings.Contains(m, "\nsidehook_store_open 0") || !strings.Contains(m, "\nsidehook_degraded 1") {
		p.t.Error("the metrics do not say that the store is not open")
	}
}

// opens waits until a process that waited has opened its directory.
func (p *process) opens() {
	p.t.Helper()
	until(p.t, "the directory is opened", func() bool {
		status, _ := p.health()
		return status == http.StatusOK
	})
	if !strings.Contains(p.metrics(), "\nsidehook_store_open 1") {
		p.t.Error("the metrics do not say that the store is open")
	}
}

// patch makes calls to items, each of which must succeed.
func (p *process) patch(calls ...string) {
	p.t.Helper()
	for i, id := range calls {
		if status, answer := p.call("PATCH", "/items/"+id, fmt.Sprintf(`{"n":%d}`, i)); status != http.StatusOK {
			p.t.Fatalf("a call answered %d %s: trouble with the disk fails no call", status, answer)
		}
	}
}

// entities returns of which items updates have arrived, each once.
func (r *receiver) entities() (ids []string) {
	seen := map[string]bool{}
	for _, a := range r.took() {
		if a.Body.Type == "item.updated" && !seen[a.ID] {
			seen[a.ID] = true
			ids = append(ids, a.Body.Entity.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

const waitingLine = "It is tried again without a restart"

// A disk that is nearly full as the process starts, so that the store does not open: the
// API is served, its calls are kept in the journal, also if the process dies meanwhile,
// and with room again all is told, without a restart and without a gap.
func TestAStartOnANearlyFullDiskKeepsCallsAndGoesOn(t *testing.T) {
	api, crm := serve(t, itemAPI()), receive(t, nil)
	p := prepare(t, caddyfile(subscribe("crm", crm, "scopes item.updated item.gap"), "\t\tstrict\n\t\tresource item /items", api.URL))
	full := filepath.Join(p.dir, "full")
	p.binary, p.env = controls, []string{"SIDEHOOK_CONTROL=full-store", "SIDEHOOK_FULL=" + full}
	if err := os.WriteFile(full, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p.startWaiting("the store is full: 8 MiB are left", "free some room", "calls are kept in the journal")
	p.patch("a", "b")
	if out, err := p.cli("events", "--address", p.admin); err == nil || !strings.Contains(out, "the store is full") {
		t.Errorf("a command says %v: %s", err, out)
	}
	p.configure(caddyfile(subscribe("crm", crm, "scopes item.updated item.gap\n\t\t\ttimeout 9s"), "\t\tstrict\n\t\tresource item /items", api.URL))
	if err := p.reload(); err != nil {
		t.Fatal("a reload while the directory cannot be opened:", err)
	}
	p.patch("c")
	p.kill()
	p.startWaiting("the store is full")
	p.patch("d")
	if err := os.Remove(full); err != nil {
		t.Fatal(err)
	}
	p.opens()
	p.patch("e")
	want := []string{"a", "b", "c", "d", "e"}
	until(t, "all calls are told", func() bool { return len(crm.entities()) >= len(want) })
	if got := crm.entities(); !slices.Equal(got, want) {
		t.Errorf("told of %v, want %v", got, want)
	}
	if slices.ContainsFunc(crm.took(), tellsOfMissedCalls) {
		t.Error("there is a gap, and no call was missed")
	}
	if lines := p.logged(waitingLine); len(lines) != 2 { // one of each start
		t.Errorf("the operator is told %d times: %q", len(lines), lines)
	}
}

// The disk of the directory is not there as the process starts: the API is served, and
// once the disk is there, a gap says from when to when calls were not captured, and why.
func TestAStartWithoutItsDiskIsToldByAGap(t *testing.T) {
	api, crm := serve(t, itemAPI()), receive(t, nil)
	p := prepare(t, caddyfile(subscribe("crm", crm, "scopes item.updated item.gap"), "\t\tresource item /items", api.URL))
	disk := filepath.Join(p.dir, "disk")
	if err := os.Symlink(filepath.Join(disk, "sidehook"), filepath.Join(p.dir, "data")); err != nil {
		t.Fatal(err)
	}
	p.startWaiting("calls are not captured", "store badger DIRECTORY")
	p.patch("a", "b", "c")
	if err := os.MkdirAll(filepath.Join(disk, "sidehook"), 0o700); err != nil {
		t.Fatal(err)
	}
	until(t, "the gap is told", func() bool { return slices.ContainsFunc(crm.took(), tellsOfMissedCalls) })
	p.opens()
	p.patch("d")
	until(t, "a call after it is told", func() bool { return len(crm.entities()) > 0 })
	if got := crm.entities(); !slices.Equal(got, []string{"d"}) {
		t.Errorf("told of %v, want of what came after", got)
	}
	var gap webhook.Gap
	for _, a := range crm.took() {
		if tellsOfMissedCalls(a) {
			json.Unmarshal(a.Body.Data, &gap)
		}
	}
	if gap.From.IsZero() || !gap.From.Before(gap.To) || !strings.Contains(gap.Detail, "3 calls went through") {
		t.Errorf("the gap is %+v", gap)
	}
}

// With strict, calls that cannot be kept are refused, from the start on.
func TestAStartWithoutItsDiskIsStrictWhereAsked(t *testing.T) {
	api := serve(t, itemAPI())
	p := prepare(t, caddyfile("", "\t\tstrict\n\t\tresource item /items", api.URL))
	if err := os.Symlink(filepath.Join(p.dir, "gone", "sidehook"), filepath.Join(p.dir, "data")); err != nil {
		t.Fatal(err)
	}
	p.startWaiting("calls are not captured")
	if status, _ := p.call("PATCH", "/items/a", `{"n":1}`); status != http.StatusServiceUnavailable {
		t.Errorf("a call is answered %d, want 503 before it is forwarded", status)
	}
}

// What a start on a full disk missed is known to the next process, too: the list of it
// has its room already.
func TestTheGapOfAStartOnAFullDiskOutlivesADeath(t *testing.T) {
	api, crm := serve(t, itemAPI()), receive(t, nil)
	p := start(t, caddyfile(subscribe("crm", crm, "scopes item.updated item.gap"), "\t\tresource item /items", api.URL))
	p.patch("a")
	crm.wait(1)
	p.kill()
	limited := filepath.Join(p.dir, "limited") // no file beyond 64 KiB
	if err := os.WriteFile(limited, fmt.Appendf(nil, "#!/bin/sh\nulimit -f 128\nexec %q \"$@\"\n", p.binary), 0o700); err != nil {
		t.Fatal(err)
	}
	p.binary = limited
	p.startWaiting("sidehook waits until it can open")
	for n := 0; !strings.Contains(p.metrics(), "sidehook_missed_calls_total"); n++ {
		if status, _ := p.call("PATCH", "/items/b", fmt.Sprintf(`{"n":%d,"size":60000}`, n)); status != http.StatusOK {
			t.Fatal("a call is answered", status)
		}
		if n > 100 {
			t.Fatal("100 calls of 60 kB are kept where there is no room")
		}
	}
	until(t, "the missed call is noted", func() bool { // behind the call, at once
		list, err := os.ReadFile(filepath.Join(p.dir, "data", "missed"))
		return err == nil && strings.Contains(string(list), `"item"`)
	})
	p.kill()
	p.binary = binary
	p.start()
	until(t, "the gap is told", func() bool { return slices.ContainsFunc(crm.took(), tellsOfMissedCalls) })
}

// A store that is damaged does not take the API down. What it says of the damage is what
// to do: with the store moved away, a new one is begun without a restart, and calls that
// were kept meanwhile are told.
func TestAStartOnADamagedStoreServesTheAPI(t *testing.T) {
	for name, damage := range map[string]func(store string) error{
		"no manifest":     func(store string) error { return os.Remove(filepath.Join(store, "MANIFEST")) },
		"a short one":     func(store string) error { return os.Truncate(filepath.Join(store, "MANIFEST"), 10) },
		"tables cut off":  func(store string) error { return eachFile(store, ".sst", 100) },
		"no key registry": func(store string) error { return os.Truncate(filepath.Join(store, "KEYREGISTRY"), 0) },
	} {
		t.Run(name, func(t *testing.T) {
			api, crm := serve(t, itemAPI()), receive(t, nil)
			p := start(t, caddyfile(subscribe("crm", crm, "scopes item.updated"), "\t\tresource item /items", api.URL))
			p.patch("a")
			crm.wait(1)
			p.stop()
			store := filepath.Join(p.dir, "data", "store")
			if err := damage(store); err != nil {
				t.Fatal(err)
			}
			p.startWaiting("move "+store+" away", "calls are kept in the journal")
			p.patch("b")
			if err := os.Rename(store, store+".damaged"); err != nil {
				t.Fatal(err)
			}
			p.opens()
			until(t, "the call is told", func() bool { return slices.Contains(crm.entities(), "b") })
		})
	}
}

func eachFile(dir, suffix string, size int64) error {
	names, err := filepath.Glob(filepath.Join(dir, "*"+suffix))
	for _, name := range names {
		if err == nil {
			err = os.Truncate(name, size)
		}
	}
	return err
}

// Where a configuration is in force, trouble with the directory of the next one is a
// failed reload: the old one goes on capturing.
func TestAReloadToADirectoryThatCannotBeOpenedFails(t *testing.T) {
	api, crm := serve(t, itemAPI()), receive(t, nil)
	text := caddyfile(subscribe("crm", crm, "scopes item.updated"), "\t\tresource item /items", api.URL)
	p := start(t, text)
	if err := os.Symlink(filepath.Join(p.dir, "gone", "sidehook"), filepath.Join(p.dir, "data2")); err != nil {
		t.Fatal(err)
	}
	p.configure(strings.Replace(text, "{DATA}", "{DATA}2", 1))
	if err := p.reload(); err == nil || !strings.Contains(err.Error(), "store badger DIRECTORY") {
		t.Errorf("the reload: %v", err)
	}
	p.patch("a")
	crm.wait(1)
}

// A mistake is no trouble: what no waiting mends is refused at the start.
func TestAStartIsRefusedForAMistake(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(data string) error
		says    string
	}{
		"a file in its place": {func(data string) error { return os.WriteFile(data, nil, 0o600) }, "not a directory"},
		"another format": {func(data string) error {
			store := filepath.Join(data, "store")
			if err := os.MkdirAll(store, 0o700); err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(store, "FORMAT"), []byte("99\n"), 0o600)
		}, "its format is version 99"},
	} {
		t.Run(name, func(t *testing.T) {
			p := prepare(t, caddyfile("", projects, "localhost:1"))
			data := filepath.Join(p.dir, "data")
			if err := c.prepare(data); err != nil {
				t.Fatal(err)
			}
			p.launch()
			<-p.Ended()
			if log := p.log.String(); !strings.Contains(log, c.says) {
				t.Errorf("it does not say %q: %s", c.says, log)
			}
			if entries, _ := os.ReadDir(filepath.Join(data, "journal")); len(entries) > 0 {
				t.Error("a directory that is refused was written to")
			}
		})
	}
}

package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// ends fails the test unless each command, its words apart from each other by spaces,
// ends with a code.
func (p *process) ends(code int, commands ...string) {
	p.t.Helper()
	for _, words := range commands {
		out, err := p.cli(append(strings.Fields(words), "--address", p.admin)...)
		got := 0
		if exit, ok := err.(*exec.ExitError); ok {
			got = exit.ExitCode()
		} else if err != nil {
			p.t.Fatalf("%s: %v", words, err)
		}
		if got != code || code == 3 && !strings.Contains(out, "is it running") {
			p.t.Errorf("%s: ends with %d, want %d: %s", words, got, code, out)
		}
	}
}

// Each command ends as docs/operations.md says: with 0 when it is done, 1 when what is
// asked for is wrong or refused, and 3 when nobody answers.
func TestEachCommandEndsWithItsCode(t *testing.T) {
	api := serve(t, itemAPI())
	crm := receive(t, nil)
	p := start(t, caddyfile(subscribe("crm", crm, "scopes item.updated"), "\t\tresource item /items", api.URL))
	p.call("PATCH", "/items/a", `{"n":1}`)
	crm.wait(1)
	until(t, "all is settled", p.settled)
	p.ends(0, "subscriptions", "subscriptions list", "subscriptions show crm", "subscriptions pause crm", "subscriptions resume crm", "subscriptions release crm",
		"events", "deliveries", "explain", "explain /items/a", "quarantine", "replays", "replay crm --since 0 --dry-run", "replay crm --since 0",
		"trigger item.updated --subscription crm", "erase item/nobody --yes")
	p.ends(1, "subscriptions show nobody", "subscriptions pause nobody", "subscriptions create --url nonsense --scope item.**", "subscriptions change crm --url https://a.example.com",
		"subscriptions delete crm", "subscriptions test crm", "subscriptions rotate crm", "subscriptions list --nonsense",
		"events evt_none", "events --max none", "deliveries dlv_none", "deliveries retry dlv_none", "deliveries --state none", "explain exc_none",
		"quarantine derive exc_none", "quarantine drop exc_none", "replays rpl_none", "replays cancel rpl_none", "replay nobody --since 0", "replay crm",
		"erase item/a", "erase item --yes", "seed nothing", "seed item", "trigger item.updated --subscription nobody", "trigger item.updated", "listen --forward-to nowhere")
	wrong := filepath.Join(t.TempDir(), "Caddyfile")
	if err := os.WriteFile(wrong, []byte("{\n\tsidehook {\n\t\tretain 3d\n\t}\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for code, args := range map[int][]string{0: {"check", "--config", p.config}, 1: {"check", "--config", wrong}} {
		if out, err := p.cli(args...); (err == nil) != (code == 0) || code == 1 && err.(*exec.ExitError).ExitCode() != 1 {
			t.Errorf("%v: %v, want %d: %s", args, err, code, out)
		}
	}
	p.stop()
	p.ends(3, "subscriptions", "subscriptions show crm", "subscriptions create --url https://a.example.com --scope item.**", "subscriptions change crm --url https://a.example.com",
		"subscriptions delete crm", "subscriptions test crm", "subscriptions rotate crm", "subscriptions pause crm", "subscriptions resume crm", "subscriptions release crm",
		"events", "events evt_1", "deliveries", "deliveries dlv_1", "deliveries retry dlv_1", "tail", "explain", "explain evt_1", "explain /items",
		"replay crm --since 0", "replay crm --since 0 --dry-run", "replays", "replays rpl_1", "replays cancel rpl_1", "erase item/a --yes", "seed item",
		"quarantine", "quarantine derive exc_1", "listen --forward-to http://127.0.0.1:1/", "trigger item.updated --subscription crm")
}

// The list of subscriptions says since when the oldest that one is owed is due, or when
// it will be; of one that is owed nothing, nothing.
func TestTheListSaysWhenTheOldestIsDue(t *testing.T) {
	api := serve(t, itemAPI())
	bad, good := receive(t, status(500)), receive(t, nil)
	p := start(t, caddyfile(subscribe("bad", bad, "scopes item.updated\n\t\t\tretry 1h\n\t\t\torder none")+subscribe("good", good, "scopes item.updated"), "\t\tresource item /items", api.URL))
	p.call("PATCH", "/items/a", `{"n":1}`)
	good.wait(1)
	type delivery struct {
		State    string
		Attempts int
		Due      time.Time
	}
	var ds []delivery
	tried := func(n int) func() bool {
		return func() bool {
			ds = nil
			p.get("/sidehook/deliveries?subscription=bad", &ds)
			return len(ds) == n && ds[0].Attempts == 1
		}
	}
	until(t, "it has failed", tried(1))
	p.call("PATCH", "/items/b", `{"n":1}`)
	until(t, "another has failed", tried(2))
	first := ds[0].Due
	if ds[1].Due.Before(first) { // a wait is up to a tenth longer than it says
		first = ds[1].Due
	}
	until(t, "all else is settled", func() bool { return p.count("good", "delivered") == 2 })
	out, err := p.command("subscriptions", "--address", p.admin).Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(out), "\n")
	at := strings.Index(lines[0], "OLDEST DUE")
	for i, want := range []string{first.Local().Format("2006-01-02 15:04:05"), "–"} {
		if got := strings.TrimSpace(lines[i+1]); at < 0 || !strings.HasPrefix(got[min(at, len(got)):], want+"  ") {
			t.Errorf("OLDEST DUE is not %s:\n%s", want, out)
		}
	}
	var sub struct {
		Oldest time.Time `json:"oldest_due"`
	}
	raw, err := p.command("subscriptions", "--json", "--address", p.admin).Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(strings.SplitN(string(raw), "\n", 2)[0]), &sub); err != nil || !sub.Oldest.Equal(first) {
		t.Errorf("as JSON it is due at %v, want %v: %v", sub.Oldest, first, err)
	}
	p.steer("pause", "bad")
	if out, err := p.cli("subscriptions", "--address", p.admin); err != nil || !strings.Contains(out, first.Local().Format("2006-01-02 15:04:05")) {
		t.Errorf("once it is paused: %v\n%s", err, out)
	}
}

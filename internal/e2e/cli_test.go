package e2e

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sidehook/sidehook/internal/proc"
)

// A tail goes on across a restart, and shows each event once.
func TestTailGoesOnWhenTheServerRestarts(t *testing.T) {
	api := serve(t, itemAPI())
	crm := receive(t, nil)
	p := start(t, caddyfile(subscribe("crm", crm, "scopes item.updated"), "\t\tresource item /items", api.URL))
	p.call("PATCH", "/items/before", `{"n":1}`)
	crm.wait(1)
	var out, errs proc.Log
	tail := p.command("tail", "--address", p.admin, "--scope", "item.**", "--scope", "itme.*")
	tail.Stdout, tail.Stderr = &out, &errs
	if err := tail.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { tail.Wait(); close(ended) }()
	t.Cleanup(func() { tail.Process.Kill(); <-ended })
	until(t, "it runs, and hints at the scope that nothing earns", func() bool { return strings.Contains(errs.String(), "did you mean item.*?") })
	p.call("PATCH", "/items/one", `{"n":2}`)
	until(t, "the first event is shown", func() bool { return strings.Contains(out.String(), "item/one") })
	p.stop()
	until(t, "it says that there is no server", func() bool { return strings.Contains(errs.String(), "trying again") })
	p.start()
	p.call("PATCH", "/items/two", `{"n":3}`)
	until(t, "the second event is shown", func() bool { return strings.Contains(out.String(), "item/two") })
	select {
	case <-ended:
		t.Errorf("it ended: %s", errs.String())
	default:
	}
	text := out.String()
	if strings.Contains(text, "item/before") || strings.Count(text, "item/one") != 1 || strings.Count(text, "SCOPE") != 1 {
		t.Errorf("it shows\n%s", text)
	}
}

// What is asked for and is not there is an error that says what is, and which
// does not blame a server that runs.
func TestTheCommandsSayWhatIsWrong(t *testing.T) {
	api := serve(t, itemAPI())
	crm := receive(t, status(500))
	p := start(t, caddyfile(subscribe("crm", crm, "scopes item.updated"), "\t\tresource item /items", api.URL))
	p.call("PATCH", "/items/a", `{"n":1}`)
	until(t, "an attempt has failed", func() bool {
		out, err := p.cli("deliveries", "--address", p.admin, "--state", "pending", "--subscription", "crm")
		return err == nil && strings.Contains(out, "attempt 1: the receiver answered 500")
	})
	for args, want := range map[string]string{
		"subscriptions pause nosuch":       `HTTP 404: no such subscription "nosuch": there are crm`,
		"deliveries --state pendng":        "write pending, held, delivered",
		"deliveries --subscription nope":   "there are crm",
		"events evt_nosuch":                "HTTP 404",
		"events --scope itme.**":           "did you mean item.**?",
		"events --scope nothing --max abc": "invalid argument",
	} {
		words := append(strings.Fields(args), "--address", p.admin)
		out, err := p.cli(words...)
		hint := strings.HasPrefix(args, "events --scope itme")
		if (err == nil) != hint || !strings.Contains(out, want) || strings.Contains(out, "is it running") {
			t.Errorf("%s: %v: %s, want %q", args, err, out, want)
		}
	}
	p.stop()
	out, err := p.cli("events", "--address", p.admin)
	if _, exited := err.(*exec.ExitError); !exited || !strings.Contains(out, "is it running, and is its admin endpoint on?") {
		t.Errorf("without a server: %v: %s", err, out)
	}
}

// What names no command, or lacks an argument, ends with 1 and says what to write: a
// script does not go on behind it.
func TestACommandLineThatIsWrongIsAnError(t *testing.T) {
	for line, want := range map[string]string{
		"sidehook event":              "there is no command event: did you mean events?",
		"evnts --json":                "there is no command evnts: did you mean events?",
		"nonsense":                    `unknown command "nonsense"`,
		"sidehook nonsense":           "there is no command nonsense: there are check, deliveries,",
		"sidehook check Caddyfile":    "write check --config Caddyfile",
		"events a b":                  "unexpected \"b\": write `events [event id]`",
		"events crm":                  "is no id of an event",
		"deliveries retry":            "write `deliveries retry dlv_…`",
		"replay --since 0":            "replay wants more: write `replay SUBSCRIPTION --since WHEN`",
		"subscriptions stop crm":      "write `subscriptions`, or `subscriptions pause NAME`",
		"subscriptions change crm --": "say what to change",
		"subscriptions change crm x":  "unexpected \"x\": write `subscriptions change ID`",
		"test":                        "test wants more: write `test FILE…`",
	} {
		out, err := exec.Command(binary, strings.Fields(line)...).CombinedOutput()
		exit, _ := errors.AsType[*exec.ExitError](err)
		if exit == nil || exit.ExitCode() != 1 || !strings.Contains(string(out), want) {
			t.Errorf("%s: %v: %s, want %q", line, err, out, want)
		}
	}
}

// The help of a command begins with what it does, and calls it by what it is
// called by: in a Caddy of somebody's own that is below sidehook.
func TestHelpSaysWhatACommandDoes(t *testing.T) {
	other := filepath.Join(t.TempDir(), "caddy")
	if err := os.Symlink(binary, other); err != nil {
		t.Fatal(err)
	}
	for name, ours := range map[string]bool{binary: strings.TrimSuffix(filepath.Base(binary), ".exe") == "sidehook", other: false} {
		out, err := exec.Command(name, "sidehook", "tail", "--help").CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		usage := "\n  caddy sidehook tail [flags]\n"
		if ours {
			usage = "\n  sidehook tail [flags]\n"
		}
		if text := string(out); !strings.HasPrefix(text, "Print events of the running server") || !strings.Contains(text, usage) || !strings.Contains(text, "docs/operations.md") {
			t.Errorf("%s: %s", name, text)
		}
	}
}

package e2e

import (
	"path/filepath"
	"strings"
	"testing"
)

// logged returns the log's lines that contain what.
func (p *process) logged(what string) (lines []string) {
	for line := range strings.Lines(p.log.String()) {
		if strings.Contains(line, what) {
			lines = append(lines, line)
		}
	}
	return lines
}

// What is owed from a directory that a reload leaves does not vanish silently.
func TestAReloadToAnotherDirectorySaysWhatItLeavesBehind(t *testing.T) {
	api := serve(t, itemAPI())
	crm := receive(t, status(500))
	text := caddyfile(subscribe("crm", crm, "scopes item.**"), "\t\tresource item /items", api.URL)
	p := start(t, text)
	until(t, "the start is logged", func() bool { return len(p.logged("sidehook starts")) > 0 })
	if lines := p.logged("sidehook starts"); len(lines) != 1 || !strings.Contains(lines[0], `"deliveries_pending":0`) ||
		!strings.Contains(lines[0], `"subscriptions":1,"resources":1`) || !strings.Contains(lines[0], filepath.Join(p.dir, "data")) {
		t.Errorf("the start says %q", lines)
	}
	p.call("PATCH", "/items/a", `{"n":1}`)
	until(t, "an attempt has failed", func() bool { return len(crm.all()) > 0 })
	p.configure(strings.Replace(text, "{DATA}", "{DATA}2", 1))
	if err := p.reload(); err != nil {
		t.Fatal(err)
	}
	const left = "no configuration uses this directory any more"
	until(t, "the log names the directory and what is pending", func() bool {
		lines := p.logged(left)
		return len(lines) == 1 && strings.Contains(lines[0], filepath.Join(p.dir, "data")+`"`) && strings.Contains(lines[0], `"deliveries_pending":1`)
	})
	p.configure(text)
	if err := p.reload(); err != nil {
		t.Fatal(err)
	}
	until(t, "the old directory is in use again, and its deliveries are found", func() bool {
		lines := p.logged("sidehook starts")
		return len(lines) == 3 && strings.Contains(lines[2], `"deliveries_pending":1`)
	})
	if lines := p.logged(left); len(lines) != 1 {
		t.Errorf("a directory from which nothing is owed is warned of: %q", lines)
	}
}

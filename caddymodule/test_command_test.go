package caddymodule_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sidehook/sidehook/caddymodule"
)

// try runs `sidehook test` on files of the given texts.
func try(t *testing.T, args []string, texts ...string) (out string, files []string, err error) {
	t.Helper()
	dir := t.TempDir()
	for i, text := range texts {
		file := filepath.Join(dir, string(rune('a'+i))+".txt")
		write(t, file, text)
		files = append(files, file)
	}
	cmd := caddymodule.TestCommand()
	var buf bytes.Buffer
	cmd.SetOut(&buf)
	cmd.SetErr(&buf)
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	cmd.SetArgs(append(args, files...))
	err = cmd.Execute()
	return buf.String(), files, err
}

const (
	paidRules = "-- rules --\nresource order /orders {\n\temit order.paid when became(\"status\", \"paid\")\n}\n"
	paidCall  = `-- before --
{"id": "o-1", "status": "open"}
-- exchange --
PATCH /orders/o-1

{"status": "paid"}
-- answer --
200

{"id": "o-1", "status": "paid"}
`
)

func TestTestPrintsTheEvents(t *testing.T) {
	out, _, err := try(t, nil, paidRules+paidCall)
	if err != nil {
		t.Fatal(err)
	}
	for _, scope := range []string{"order.updated order/o-1", "order.paid order/o-1"} {
		if !strings.Contains(out, scope) {
			t.Errorf("no %s in:\n%s", scope, out)
		}
	}
}

func TestTestTakesTheRulesOfAConfiguration(t *testing.T) {
	file := filepath.Join(t.TempDir(), "Caddyfile")
	write(t, file, ":8080 {\n\thandle /orders/* {\n\t\tsidehook shop {\n\t\t\tresource order /orders\n\t\t}\n\t}\n}\n")
	out, _, err := try(t, []string{"--config", file}, paidCall)
	if err != nil || !strings.Contains(out, "order.updated order/o-1") || strings.Contains(out, "order.paid") {
		t.Errorf("%v:\n%s", err, out)
	}
	if _, _, err := try(t, []string{"--config", file, "--api", "other"}, paidCall); err == nil || !strings.Contains(err.Error(), "no sidehook block of api other") {
		t.Errorf("another api: %v", err)
	}
}

func TestTestWritesAndHoldsTheEvents(t *testing.T) {
	_, files, err := try(t, []string{"--update"}, paidRules+paidCall+"-- events --\n")
	if err != nil {
		t.Fatal(err)
	}
	written := read(t, files[0])
	if out, _, err := try(t, nil, written); err != nil || !strings.Contains(out, "as it says") {
		t.Errorf("what was written does not hold: %v\n%s", err, out)
	}
	changed := strings.Replace(written, "order.paid order/o-1", "order.lost order/o-1", 1)
	if out, _, err := try(t, nil, changed, written); err == nil || !strings.Contains(err.Error(), "1 of 2 files") || !strings.Contains(out, "order.lost") {
		t.Errorf("other events are not refused: %v\n%s", err, out)
	}
}

func TestTestRefuses(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"no exchange":       {paidRules, "no exchange"},
		"a rule that fails": {strings.Replace(paidRules, "became", "becme", 1) + paidCall, "did you mean became?"},
		"its line":          {strings.Replace(paidRules, "became", "becme", 1) + paidCall, "a.txt (rules):2"},
		"empty rules":       {"-- rules --\n" + paidCall, "the section rules is empty"},
		"two blocks":        {"-- rules --\n:80 {\n\tsidehook a {\n\t\tresource order /orders\n\t}\n}\n:81 {\n\tsidehook b {\n\t\tresource order /orders\n\t}\n}\n" + paidCall, "2 sidehook blocks (a, b)"},
		"a shorthand":       {"-- rules --\nresource order /orders/{path}\n" + paidCall, "{path} is a shorthand of Caddy"},
	} {
		t.Run(name, func(t *testing.T) {
			out, _, err := try(t, nil, c.text)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got  %v\nwant %s\n%s", err, c.want, out)
			}
		})
	}
}

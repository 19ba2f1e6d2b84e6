package caddymodule_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/standard"
	"github.com/google/go-cmp/cmp"

	_ "github.com/sidehook/sidehook/caddymodule"
)

var update = flag.Bool("update", false, "write what adaptation yields into testdata/*.caddyfiletest")

// divider parts a Caddyfile from what is expected of it.
var divider = regexp.MustCompile(`(?m)^-{10,}\r?\n`)

// TestAdapt holds what each Caddyfile in testdata becomes: JSON, or the error
// that its user reads.
func TestAdapt(t *testing.T) {
	files, err := filepath.Glob("testdata/*.caddyfiletest")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".caddyfiletest"), func(t *testing.T) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			parts := divider.Split(string(raw), 2)
			if len(parts) == 1 && *update {
				parts = append(parts, "")
			}
			if len(parts) != 2 {
				t.Fatalf("%s: a line of dashes parts the Caddyfile from what is expected", file)
			}
			got := adaptText(t, parts[0])
			if *update {
				write(t, file, parts[0]+"----------\n"+got)
				return
			}
			if diff := cmp.Diff(parts[1], got); diff != "" {
				t.Errorf("adapted differently (-want +got), see -update:\n%s", diff)
			}
		})
	}
}

// adaptText returns the JSON of a Caddyfile, or the error, as text with a newline.
func adaptText(t *testing.T, caddyfile string) string {
	t.Helper()
	got, err := adapt(caddyfile)
	if err != nil {
		return err.Error() + "\n"
	}
	var out bytes.Buffer
	if err := json.Indent(&out, got, "", "\t"); err != nil {
		t.Fatal(err)
	}
	return out.String() + "\n"
}

func adapt(caddyfile string) ([]byte, error) {
	got, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(caddyfile), map[string]any{"filename": "Caddyfile"})
	return got, err
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

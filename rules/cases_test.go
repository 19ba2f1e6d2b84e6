package rules_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/rules/cases"
)

var update = flag.Bool("update", false, "write what the cases come to into their golden sections")

// TestCases runs testdata/*.txtar: one behaviour each.
func TestCases(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { runCase(t, file) })
	}
}

func runCase(t *testing.T, file string) {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c, err := cases.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	p := compile(t, c.Config)
	if *update {
		golden, err := c.Update(p)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, golden, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff, err := c.Check(p); err != nil || diff != "" {
		t.Errorf("%s\n%s%v", c.Comment, diff, err)
	}
}

func compile(t testing.TB, config []byte) *rules.Program {
	t.Helper()
	var c rules.Config
	d := json.NewDecoder(bytes.NewReader(config))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		t.Fatal(err)
	}
	p, err := rules.Compile(&c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

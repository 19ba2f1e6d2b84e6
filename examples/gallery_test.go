// Package examples_test holds what the documentation says of the examples.
package examples_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	block  = regexp.MustCompile("(?s)```(caddy|json)\n(.*?)```")
	folder = regexp.MustCompile(`\(\.\./examples/([a-z-]+)\)`)
)

// What the gallery shows of an example is in its Caddyfile, and in a sample of the
// product's documentation, line by line.
func TestTheGalleryShowsTheExamples(t *testing.T) {
	text, err := os.ReadFile("../docs/gallery.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]bool{}
	for _, section := range strings.Split(string(text), "\n## ")[1:] {
		title, _, _ := strings.Cut(section, "\n")
		found := folder.FindStringSubmatch(section)
		if found == nil {
			t.Errorf("%s links to no example", title)
			continue
		}
		name := found[1]
		shown[name] = true
		for _, b := range block.FindAllStringSubmatch(section, -1) {
			var there map[string]bool
			if b[1] == "caddy" {
				there = lines(t, name+"/Caddyfile")
			} else {
				there = lines(t, name+"/testdata/*.json")
			}
			for line := range strings.Lines(b[2]) {
				if line = strings.Trim(strings.TrimSpace(line), ","); line != "" && !there[line] {
					t.Errorf("%s: nowhere in examples/%s: %s", title, name, line)
				}
			}
		}
	}
	files, err := filepath.Glob("*/Caddyfile")
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, file := range files {
		if name := filepath.Dir(file); !shown[name] {
			t.Errorf("examples/%s is not in the gallery", name)
		}
	}
}

// lines returns the lines of files, without what is around them.
func lines(t *testing.T, pattern string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: no files: %v", pattern, err)
	}
	all := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			all[strings.Trim(strings.TrimSpace(line), ",")] = true
		}
	}
	return all
}

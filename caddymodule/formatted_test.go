package caddymodule_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/google/go-cmp/cmp"

	"github.com/sidehook/sidehook/caddymodule"
)

// sample is a Caddyfile, or a part of one, that users may copy.
type sample struct{ place, text string }

// fenced matches a block of Caddyfile in Markdown, or of a part of one.
var fenced = regexp.MustCompile("(?ms)^```caddy(?:file)?\n(.*?)^```")

// samples returns every Caddyfile of the repository, and every block of one in
// its documentation.
func samples(t *testing.T) []sample {
	t.Helper()
	var out []sample
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		switch {
		case d.IsDir() && (strings.HasPrefix(name, ".") && name != ".." || name == "bin" || name == "data"):
			return filepath.SkipDir
		case d.IsDir():
			return nil
		case strings.HasPrefix(name, "Caddyfile") || strings.HasSuffix(name, ".caddyfile"):
			out = append(out, sample{path, read(t, path)})
		case name == "gallery.md": // its parts are held against the examples themselves
		case filepath.Ext(name) == ".md":
			for _, m := range fenced.FindAllStringSubmatch(read(t, path), -1) {
				out = append(out, sample{path, m[1]})
			}
		}
		return nil
	})
	if err != nil || len(out) == 0 {
		t.Fatalf("no Caddyfiles found: %v", err)
	}
	return out
}

func TestShippedCaddyfilesAdaptAndAreFormatted(t *testing.T) {
	for _, s := range samples(t) {
		t.Run(s.place, func(t *testing.T) {
			formatted(t, s.text)
			if _, err := adapt(whole(s.text)); err != nil {
				t.Errorf("%v in\n%s", err, s.text)
			}
		})
	}
}

func TestGoldenCaddyfilesAreFormatted(t *testing.T) {
	files, err := filepath.Glob("testdata/*.caddyfiletest")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasPrefix(filepath.Base(file), "error_") {
			continue // what a formatter makes of a mistake is its own affair
		}
		t.Run(filepath.Base(file), func(t *testing.T) {
			formatted(t, divider.Split(read(t, file), 2)[0])
		})
	}
}

func formatted(t *testing.T, text string) {
	t.Helper()
	if diff := cmp.Diff(text, string(caddyfile.Format([]byte(text)))); diff != "" {
		t.Errorf("not as `caddy fmt` writes it (-is +fmt):\n%s", diff)
	}
}

// whole makes a Caddyfile of a part of one, which its first word tells: of the
// directive or global option sidehook, of directives around it, or of what
// stands in the block of sidehook or of a resource.
func whole(text string) string {
	first, _, _ := strings.Cut(strings.TrimSpace(text), " ")
	words := caddymodule.Words()
	in := func(tables ...string) bool {
		return slices.ContainsFunc(tables, func(table string) bool { return slices.Contains(words[table], first) })
	}
	switch {
	case first == "sidehook" && (strings.Contains(text, "subscription ") && !strings.Contains(text, "resource ") || strings.Contains(text, "\tpayload ")):
		return "{\n" + text + "\n}\n"
	case first == "sidehook" || first == "reverse_proxy" || first == "handle" || first == "route":
		return ":80 {\n" + text + "\n}\n"
	case in("app"):
		return "{\nsidehook {\n" + text + "\n}\n}\n"
	case in("handler", "defaults"):
		return whole("sidehook {\n" + text + "\n}\n")
	case in("resource"):
		return whole("resource thing /things {\n" + text + "\n}\n")
	}
	return text
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

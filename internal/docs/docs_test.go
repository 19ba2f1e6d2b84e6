// Package docs_test holds what the documentation says of the repository: that the
// tests that it names exist, and that its links lead somewhere.
package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const root = "../.."

// pages are the texts that people read.
func pages(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/decisions/*.md", "examples/*/README.md", "examples/hosts/*/README.md"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found...)
	}
	if len(all) < 20 {
		t.Fatalf("only %d pages: %v", len(all), all)
	}
	return all
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var (
	declared  = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)[A-Z]\w*)\(`)
	mentioned = regexp.MustCompile(`\b(?:Test|Fuzz)[A-Z]\w+\b`)
	cases     = regexp.MustCompile(`\b[a-z0-9_]+\.txtar\b`)
)

func TestTheTestsThatPagesNameExist(t *testing.T) {
	there := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, "_test.go") {
			for _, found := range declared.FindAllStringSubmatch(read(t, path), -1) {
				there[found[1]] = true
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages(t) {
		text := read(t, page)
		for _, name := range mentioned.FindAllString(text, -1) {
			if !there[name] {
				t.Errorf("%s names %s, and there is no such test", page, name)
			}
		}
		if strings.HasPrefix(page, filepath.Join(root, "examples")) {
			continue // whose cases are their own
		}
		for _, name := range cases.FindAllString(text, -1) {
			if _, err := os.Stat(filepath.Join(root, "rules/testdata", name)); err != nil && name != "x.txtar" {
				t.Errorf("%s names %s, and there is no such case", page, name)
			}
		}
	}
}

// The table of cases is complete: each of the 52 that were gathered has a row.
func TestEveryCaseOfDerivationIsTold(t *testing.T) {
	told := map[string]bool{}
	for _, found := range regexp.MustCompile(`E-[A-G] (\d+)`).FindAllStringSubmatch(read(t, filepath.Join(root, "docs/derivation.md")), -1) {
		told[found[1]] = true
	}
	for n := 1; n <= 52; n++ {
		if !told[strconv.Itoa(n)] {
			t.Errorf("docs/derivation.md has no row of case %d", n)
		}
	}
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	fence   = regexp.MustCompile("(?ms)^```.*?^```")
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	dropped = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
)

// anchors returns what a link to a heading of a page may say, as GitHub makes it.
func anchors(text string) map[string]bool {
	all := map[string]bool{}
	for _, found := range heading.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		name := dropped.ReplaceAllString(strings.ToLower(found[1]), "")
		all[strings.ReplaceAll(name, " ", "-")] = true
	}
	return all
}

func TestLinksLeadSomewhere(t *testing.T) {
	for _, page := range pages(t) {
		for _, found := range link.FindAllStringSubmatch(fence.ReplaceAllString(read(t, page), ""), -1) {
			to, anchor, _ := strings.Cut(found[1], "#")
			if strings.Contains(to, "://") {
				continue
			}
			file := page
			if to != "" {
				file = filepath.Join(filepath.Dir(page), to)
			}
			info, err := os.Stat(file)
			switch {
			case err != nil:
				t.Errorf("%s links to %s, which is not there", page, found[1])
			case anchor != "" && (info.IsDir() || !anchors(read(t, file))[anchor]):
				t.Errorf("%s links to %s, and there is no such heading", page, found[1])
			}
		}
	}
}

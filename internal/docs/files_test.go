package docs_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var inParentheses = regexp.MustCompile(`\(([^)]*)\)`)

// Package rules is large: its doc says which file is about what, of each file once.
func TestEveryFileOfRulesIsTold(t *testing.T) {
	_, list, _ := strings.Cut(read(t, filepath.Join(root, "rules/doc.go")), "# Which file")
	told := map[string]int{}
	for _, part := range inParentheses.FindAllStringSubmatch(list, -1) {
		for _, name := range strings.FieldsFunc(part[1], func(r rune) bool { return strings.ContainsRune(", \n/", r) }) {
			found, err := filepath.Glob(filepath.Join(root, "rules", name+".go"))
			if err != nil || len(found) == 0 {
				t.Errorf("doc.go tells of %s, and there is no such file", name)
			}
			for _, file := range found {
				told[file]++
			}
		}
	}
	files, err := filepath.Glob(filepath.Join(root, "rules/*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !strings.HasSuffix(file, "_test.go") && filepath.Base(file) != "doc.go" && told[file] != 1 {
			t.Errorf("doc.go tells %d times of %s: say what it is about, once", told[file], file)
		}
	}
}

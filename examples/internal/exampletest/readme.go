package exampletest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// mentioned matches the tests that a README names.
var mentioned = regexp.MustCompile(`\bTest[A-Z]\w*`)

// Readme checks that the tests that the example's README names exist, and that
// it has each of rows: what the product's documentation says, in its own words.
func Readme(t *testing.T, rows ...string) {
	t.Helper()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	there := tests(t)
	for _, name := range mentioned.FindAllString(string(text), -1) {
		if !there[name] {
			t.Errorf("the README names %s, and there is no such test", name)
		}
	}
	for _, row := range rows {
		line := regexp.MustCompile(`(?m)^\|[^|]*` + regexp.QuoteMeta(row) + `[^\w.-].*Test`)
		if !line.Match(text) {
			t.Errorf("the README's table has no row for %s that names a test", row)
		}
	}
}

// tests returns the test functions in the test's folder.
func tests(t *testing.T) map[string]bool {
	t.Helper()
	files, err := filepath.Glob("*_test.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no tests here: %v", err)
	}
	names := map[string]bool{}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				names[f.Name.Name] = true
			}
		}
	}
	return names
}

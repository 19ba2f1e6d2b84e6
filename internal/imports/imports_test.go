package imports_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

const module = "github.com/sidehook/sidehook"

// source is what the table is about: the non-test files of one folder.
type source struct {
	imports map[string]string // import path → the file that has it
	calls   map[string]string // package.Name → the file that names it
}

// sources are folders by their path in the module; the root is "".
type sources map[string]source

func TestTree(t *testing.T) {
	tree := read(t, os.DirFS("../.."))
	if len(tree["webhook"].imports) == 0 || len(tree["cmd/sidehook"].imports) == 0 {
		t.Fatal("found no sources: the test looks at the wrong folder")
	}
	for _, v := range violations(tree) {
		t.Error(v)
	}
}

// TestTableBites shows that every kind of rule fails, with its reason.
func TestTableBites(t *testing.T) {
	tree := read(t, fstest.MapFS{
		"webhook/a.go":             {Data: []byte(`package webhook; import _ "net/http"; import _ "example.com/x"`)},
		"rules/a.go":               {Data: []byte(`package rules; import clock "time"; var Now = clock.Now`)},
		"rules/a_test.go":          {Data: []byte(`package rules; import _ "os"`)},
		"rules/tree/a.go":          {Data: []byte(`package tree; import _ "` + module + `/rules/mapping"; import _ "` + module + `/rules/new"; import _ "` + module + `/rules/lang"`)},
		"rules/lang/a.go":          {Data: []byte(`package lang; import _ "net/url"; import _ "net"; import _ "net/http"`)},
		"store/badger/a.go":        {Data: []byte(`package badger; import _ "` + module + `/derive"`)},
		"derive/a.go":              {Data: []byte(`package derive; import _ "` + module + `/internal/glue"`)},
		"internal/glue/a.go":       {Data: []byte(`package glue; import _ "` + module + `/deliver"; import _ "` + module + `/caddymodule"`)},
		"deliver/a.go":             {Data: []byte(`package deliver; import _ "` + module + `/deliver/delivertest"`)},
		"deliver/rule/b.go":        {Data: []byte(`package rule; import _ "` + module + `/webhook"`)},
		"deliver/delivertest/a.go": {Data: []byte(`package delivertest; import _ "testing"`)},
		"examples/demo/a.go":       {Data: []byte(`package main; import _ "` + module + `/examples/crud"`)},
		"store/storetest/a.go":     {Data: []byte(`package storetest; import _ "testing"`)},
	})
	got := violations(tree)
	want := []string{
		"deliver/a.go imports deliver/delivertest: " + helpers,
		"derive reaches deliver (derive → internal/glue → deliver): an event is recorded before anybody is told of it: the store stands between",
		"internal/glue/a.go imports caddymodule: " + rim.why,
		"rules/a.go names time.Now: rules have no clock: an event takes its time from the exchange",
		"rules/lang/a.go imports net/http: rules are pure: what needs the network is derive's business",
		"rules/lang/a.go imports net: rules are pure: what needs the network is derive's business",
		"rules/tree/a.go imports rules/mapping: each package of rules imports only those before it in their order",
		"rules/tree/a.go imports rules/new: each package of rules imports only those before it in their order",
		"store/badger reaches deliver (store/badger → derive → internal/glue → deliver): deliver asks for what is due, through an interface of its own",
		"store/badger reaches derive (store/badger → derive): derive calls the store",
		"store/badger/a.go imports derive: store may import of ours only webhook (DESIGN.md §3)",
		"webhook/a.go imports example.com/x: the nouns are what everything else speaks in: what they need, everything needs",
		"webhook/a.go imports net/http: a noun is a value; how it travels is deliver's and caddymodule's business",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("violations (-want +got):\n%s", diff)
	}
}

// violations returns what in tree breaks the table, sorted.
func violations(tree sources) []string {
	found := map[string]bool{}
	for _, folder := range slices.Sorted(maps.Keys(tree)) {
		for imported, file := range tree[folder].imports {
			for _, v := range append(direct(tree, folder, imported, file), disorder(folder, imported, file)...) {
				found[v] = true
			}
		}
		for _, r := range table {
			if !below(folder, r.folder) {
				continue
			}
			for _, b := range r.calls {
				if file := tree[folder].calls[b.what]; file != "" && !helper(folder) {
					found[fmt.Sprintf("%s names %s: %s", file, b.what, b.why)] = true
				}
			}
			for _, b := range r.bans {
				if way := route(tree, folder, b.what); len(way) > 1 {
					found[fmt.Sprintf("%s reaches %s (%s): %s", folder, b.what, strings.Join(way, " → "), b.why)] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// direct judges one import by itself.
func direct(tree sources, folder, imported, file string) (broken []string) {
	say := func(why string) {
		broken = append(broken, fmt.Sprintf("%s imports %s: %s", file, strings.TrimPrefix(imported, module+"/"), why))
	}
	ours, isOurs := strings.CutPrefix(imported, module+"/")
	if isOurs && below(ours, outer) && !below(folder, outer) && !slices.ContainsFunc(rim.may, func(f string) bool {
		return folder == f || f != "" && below(folder, f)
	}) {
		say(rim.why)
	}
	if _, tests := tree[ours].imports["testing"]; tests && !helper(folder) {
		say(helpers)
	}
	for _, r := range table {
		if !below(folder, r.folder) {
			continue
		}
		for _, b := range r.bans {
			if !isOurs && (imported == b.what || foreign(b.what) && below(imported, b.what)) {
				say(b.why)
			}
		}
		allowed := func(f string) bool { return below(ours, f) }
		if isOurs && r.may != nil && !below(ours, r.folder) && !below(ours, "internal") && !slices.ContainsFunc(r.may, allowed) {
			say(fmt.Sprintf("%s may import of ours only %s (DESIGN.md §3)", r.folder, strings.Join(r.may, ", ")))
		}
		if r.stdOnly != "" && !isOurs && foreign(imported) {
			say(r.stdOnly)
		}
	}
	return broken
}

// disorder judges an import between packages of one of orders.
func disorder(folder, imported, file string) (broken []string) {
	for outer, order := range orders {
		ours, isOurs := strings.CutPrefix(imported, module+"/")
		if !isOurs || !below(folder, outer) || !below(ours, outer) {
			continue
		}
		place := func(f string) int { return slices.Index(order, strings.TrimPrefix(strings.TrimPrefix(f, outer), "/")) }
		if from, to := place(folder), place(ours); from < 0 || to < 0 || to >= from {
			broken = append(broken, fmt.Sprintf("%s imports %s: each package of %s imports only those before it in their order", file, ours, outer))
		}
	}
	return broken
}

// route returns the way from folder to a folder of ours below banned, over our
// own packages; nil if there is none.
func route(tree sources, folder, banned string) []string {
	if _, ours := tree[banned]; !ours && !slices.ContainsFunc(table, func(r rule) bool { return r.folder == banned }) {
		return nil
	}
	seen := map[string]bool{folder: true}
	for queue := [][]string{{folder}}; len(queue) > 0; queue = queue[1:] {
		way := queue[0]
		for _, imported := range slices.Sorted(maps.Keys(tree[way[len(way)-1]].imports)) {
			ours, isOurs := strings.CutPrefix(imported, module+"/")
			if !isOurs || seen[ours] {
				continue
			}
			seen[ours] = true
			next := append(slices.Clone(way), ours)
			if below(ours, banned) && !below(folder, banned) {
				return next
			}
			queue = append(queue, next)
		}
	}
	return nil
}

// foreign reports whether imported is neither ours nor of the standard library.
func foreign(imported string) bool {
	host, _, _ := strings.Cut(imported, "/")
	return strings.Contains(host, ".")
}

// below reports whether name is folder or lies in it.
func below(name, folder string) bool {
	return name == folder || strings.HasPrefix(name, folder+"/")
}

// helper reports whether folder holds helpers for tests, like store/storetest.
func helper(folder string) bool {
	return strings.HasSuffix(path.Base(folder), "test") && folder != "test"
}

// read parses the non-test Go files of the module at root, whatever their build tags.
func read(t *testing.T, root fs.FS) sources {
	t.Helper()
	tree := sources{}
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "bin" || d.Name() == "data"):
			return fs.SkipDir
		case d.IsDir() || path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		text, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		return tree.add(name, text)
	})
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func (s sources) add(name string, text []byte) error {
	file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	folder := strings.TrimPrefix(path.Dir(name), ".")
	if s[folder].imports == nil {
		s[folder] = source{imports: map[string]string{}, calls: map[string]string{}}
	}
	local := map[string]string{} // the name of a package in this file → its import path
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return err
		}
		s[folder].imports[imported] = name
		local[path.Base(imported)] = imported
		if spec.Name != nil {
			local[spec.Name.Name] = imported
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if pkg, ok := sel.X.(*ast.Ident); ok && local[pkg.Name] != "" {
				s[folder].calls[local[pkg.Name]+"."+sel.Sel.Name] = name
			}
		}
		return true
	})
	return nil
}

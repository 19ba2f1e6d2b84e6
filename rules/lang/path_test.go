package lang_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/sidehook/sidehook/rules/lang"
)

const nested = ` {"a":{"b":15000.00,"b.c":1,"list":[10,{"x":9007199254740993}]},"a":{"b":15000.00,"b.c":2,"list":[10,{"x":9007199254740993}]},
	"":"empty","*":"star","#":"hash","a|b":1,"@this":2,"7":"seven","é\n":"esc","s":"x","null":null} `

func TestPathGet(t *testing.T) {
	for path, want := range map[string]string{
		`a.b`: `15000.00`, `a.b\.c`: `2`, `a.list.0`: `10`, `a.list.1.x`: `9007199254740993`,
		`a.list.1`: `{"x":9007199254740993}`, `\e`: `"empty"`, `\*`: `"star"`, `#`: `"hash"`,
		`a|b`: `1`, `@this`: `2`, `7`: `"seven"`, "é\n": `"esc"`, `null`: `null`,
		`a.list.2`: ``, `a.list.01`: ``, `a.list.-1`: ``, `a.list.#`: ``, `a.list.x`: ``,
		`s.x`: ``, `s.0`: ``, `nothing`: ``, `null.x`: ``,
	} {
		p, err := lang.ParsePath(path)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		got, found := p.Get([]byte(nested))
		if string(got) != want || found != (want != "") {
			t.Errorf("Get(%s): got %s, %v; want %s", path, got, found, want)
		}
		if p.String() != path {
			t.Errorf("String of %s: got %s", path, p)
		}
	}
}

func TestPathGetSharesBytesAndFindsTheRoot(t *testing.T) {
	doc := []byte(` {"a":[1]} `)
	var root lang.Path
	if got, ok := root.Get(doc); !ok || string(got) != `{"a":[1]}` {
		t.Errorf("root: got %q, %v", got, ok)
	}
	got, _ := lang.NewPath("a", "0").Get(doc)
	got[0] = '7'
	if string(doc) != ` {"a":[7]} ` {
		t.Errorf("the bytes are a copy: %s", doc)
	}
}

func TestPathsOfAnyNamesReadBack(t *testing.T) {
	for _, names := range [][]string{{"a"}, {""}, {"", ""}, {"a.b", `c\d`}, {"*", "**", "*a", "a*"}, {`\e`, "e"}, {`\`}, {"."}, {"é", "0"}} {
		p := lang.NewPath(names...)
		back, err := lang.ParsePath(p.String())
		if err != nil || back != p {
			t.Errorf("%q: written %q, read back %q, %v", names, p, back, err)
		}
		if diff := cmp.Diff(names, p.Names()); diff != "" {
			t.Errorf("names of %q (-want +got):\n%s", p, diff)
		}
	}
}

func TestPathErrors(t *testing.T) {
	for path, part := range map[string]string{
		"": "empty", "a..b": "empty name", ".a": "empty name", "a.": "ends in a dot",
		"a.*": "names one value", "**": "names one value", `a\`: "backslash",
	} {
		if _, err := lang.ParsePath(path); err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%q: got %v, want an error with %q", path, err, part)
		}
	}
}

func TestPathsThatOnlyLookLikeNamesOfExpressions(t *testing.T) {
	for _, path := range []string{`\entity.x`, `\$.x`, "entity", "response", "entities.x", "a.entity.x", `a\,b`, "**"} {
		if err := lang.CheckWritten(path); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	for _, query := range []string{`\response.data`, "response", `items.#(t=="a,b").n`} {
		if err := lang.CheckWrittenQuery(query); err != nil {
			t.Errorf("%s: %v", query, err)
		}
	}
	p, err := lang.ParsePath(`\entity.x`)
	if got, ok := p.Get([]byte(`{"entity":{"x":7}}`)); err != nil || !ok || string(got) != "7" {
		t.Errorf(`\entity.x: got %s, %v`, got, err)
	}
	q, err := lang.ParseQuery(`\entity.#(n==1).x`)
	if got, ok := q.Get([]byte(`{"entity":[{"n":1,"x":7}]}`)); err != nil || !ok || string(got) != "7" {
		t.Errorf(`\entity.#(n==1).x: got %s, %v`, got, err)
	}
}

func TestGlobMatch(t *testing.T) {
	for _, c := range []struct {
		glob, path string
		want       bool
	}{
		{"owner", "owner", true}, {"owner", "owner.email", true}, {"owner", "owners", false},
		{"owner.email", "owner", false}, {"owner.*", "owner.email", true}, {"owner.*", "owner", false},
		{"owner.*.x", "owner.a.x", true}, {"owner.*.x", "owner.a.y", false},
		{"usage.**", "usage.a.b", true}, {"usage.**", "usage", false}, {"**", "a", true},
		{"*", "a", true}, {`\*`, "a", false}, {`\*`, `\*`, true}, {`a\.b`, `a\.b`, true}, {"a.b", `a\.b`, false},
		{"*", `\e`, true}, {"a", "", false}, {`\entity.x`, "entity.x.y", true}, {`a\,b`, "a,b", true}, {"a.*", `a.\e`, true},
	} {
		g, err := lang.ParseGlob(c.glob)
		if err != nil {
			t.Fatal(err)
		}
		if got := g.Match(c.path); got != c.want {
			t.Errorf("%s on %s: got %v", c.glob, c.path, got)
		}
	}
	if _, err := lang.ParseGlob("**.a"); err == nil || !strings.Contains(err.Error(), "must be the last") {
		t.Errorf("**.a: got %v", err)
	}
}

func TestQuery(t *testing.T) {
	doc := []byte(`{"items":[{"t":"a","n":1},{"t":"b","n":9007199254740993}],"a.b":3}`)
	for query, want := range map[string]string{
		`items.#(t=="b").n`: `9007199254740993`, `items.0.n`: `1`, `a\.b`: `3`, `items.#`: `2`,
		`items.#(t=="z").n`: ``, `nothing`: ``,
	} {
		q, err := lang.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := q.Get(doc); string(got) != want || ok != (want != "") {
			t.Errorf("%s: got %s, %v", query, got, ok)
		}
	}
	for _, query := range []string{"", "@this", "items|@reverse", "items.@reverse", "{a,b}", "a..b"} {
		if _, err := lang.ParseQuery(query); err == nil {
			t.Errorf("%q: no error", query)
		}
	}
}

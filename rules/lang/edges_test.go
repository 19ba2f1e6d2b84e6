package lang_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sidehook/sidehook/rules/lang"
)

// What a rim's Go code says in types of its own is read as values of the language.
func TestValuesOfGo(t *testing.T) {
	v := vars{
		"params": map[string]string{"id": "7"}, "item": map[string]any{
			"int": 7, "small": uint64(7), "big": uint64(1 << 63), "most": uint64(1<<63 - 1), "list": []string{"a", "b"},
			"raw": json.RawMessage(`{"a":[1]}`), "map": map[string]string{"k": "v"},
		},
	}
	for source, want := range map[string]any{
		`params.id`: "7", `params`: map[string]any{"id": "7"},
	} {
		x, err := lang.Compile(source, lang.EnvRule)
		if err != nil {
			t.Fatal(err)
		}
		got, err := x.Eval(v, nil)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v %s", source, err, diff)
		}
	}
	for name, want := range map[string]any{
		"int": int64(7), "small": int64(7), "big": "9223372036854775808", "most": int64(1<<63 - 1), "list": []any{"a", "b"},
		"raw": map[string]any{"a": []any{int64(1)}}, "map": map[string]any{"k": "v"},
	} {
		x, err := lang.Compile("item", lang.EnvRule)
		if err != nil {
			t.Fatal(err)
		}
		got, err := x.Eval(vars{"item": v["item"].(map[string]any)[name]}, nil)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v %s", name, err, diff)
		}
	}
}

// Where nothing is compared a predicate says so.
func TestPredicatesWithoutAChange(t *testing.T) {
	for source, want := range map[string]any{
		`changed("a")`: false, `became("a", nil)`: false, `was("a", nil)`: false, `added("a")`: false, `additions("a")`: []any{}, `crossed("a", 1)`: false,
	} {
		x, err := lang.Compile(source, lang.EnvRule)
		if err != nil {
			t.Fatal(err)
		}
		got, err := x.Eval(vars{}, nil)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v %s", source, err, diff)
		}
	}
}

// A name is the index of an element only as JSON pointers write one.
func TestPathsIntoArrays(t *testing.T) {
	const doc = ` {"l":["a","b"],"":"e","d":{"x":1,"x":2}} `
	for path, want := range map[string]string{
		"l.0": `"a"`, "l.1": `"b"`, "l.2": "", "l.00": "", "l.+1": "", "l.-1": "", "l.x": "", "l.0000000001": "", `l.\e`: "", "l.0.x": "",
		`\e`: `"e"`, "d.x": "2", "d.y": "", "d": `{"x":1,"x":2}`,
	} {
		p, err := lang.ParsePath(path)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := p.Get([]byte(doc))
		if string(got) != want || ok != (want != "") {
			t.Errorf("%s: got %s %v, want %s", path, got, ok, want)
		}
	}
	if got, ok := lang.NewPath("a").Get([]byte("  ")); ok {
		t.Errorf("in nothing: %s", got)
	}
	root := lang.Path{}
	if first, rest := root.Cut(); first != "" || !rest.IsRoot() || !root.IsRoot() || lang.NewPath("a").IsRoot() {
		t.Errorf("the root is cut into %q and %q", first, rest)
	}
	for _, name := range []string{"", "a", "a.b", `a\b`, "*", "**", "*a", "a*", `\`, `\e`, "."} {
		p := lang.NewPath("x", name, "y")
		if back, err := lang.ParsePath(p.String()); err != nil || back != p {
			t.Errorf("%q is written %s, and read %v, %v", name, p, back, err)
		}
		if diff := cmp.Diff([]string{"x", name, "y"}, p.Names()); diff != "" {
			t.Error(diff)
		}
	}
}

func TestQueriesFind(t *testing.T) {
	for query, want := range map[string]string{
		"data.id": "5", "data.none": "", `items.#(type=="b").id`: "2", `items.#(type=="z").id`: "", "items.#.id": "[1,2]",
	} {
		q, err := lang.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := q.Get([]byte(`{"data":{"id":5},"items":[{"type":"a","id":1},{"type":"b","id":2}]}`))
		if string(got) != want || ok != (want != "") || q.String() != query {
			t.Errorf("%s: got %s %v, want %s", q, got, ok, want)
		}
		if _, plain := q.Path(); plain != (query[:4] == "data") {
			t.Errorf("%s is plain: %v", q, plain)
		}
	}
}

// A star that is escaped is a name, and what selects nothing selects no root.
func TestGlobsOfStars(t *testing.T) {
	globs, err := lang.ParseGlobs([]string{`\**.x`, "a.*.b", "c.**"})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{
		`\**.x`: true, "z.x": false, "a.z.b": true, "a.z.c": false, "a.z.b.d": true, "a.z": false, "c": false, "c.d": true, "c.d.e": true, "": false,
	} {
		if got := globs.Match(path); got != want {
			t.Errorf("%q: got %v", path, got)
		}
	}
	if star, _ := lang.ParseGlobs([]string{"*"}); star.Match("") || !star.Match("a") {
		t.Error("a star stands for one name")
	}
	if _, whole := globs.Named("*"); whole {
		t.Error("the star of a.* is taken for a name")
	}
	if rest, _ := globs.Named("**"); len(rest) != 1 || rest[0].String() != `\**.x` {
		t.Errorf("the name ** has %v below it", rest)
	}
	if _, err := lang.ParseGlob("a.**.b"); err == nil {
		t.Error("** in the middle is read")
	}
}

// What success is said to be by a status is known without an answer: that it may be one.
func TestHasStatus(t *testing.T) {
	for source, want := range map[string][]int{
		`response.status == 303`: {303}, `303 == response.status`: {303}, `response.status in [200, 303]`: {200, 303},
		`response.status == 201 || response.status == 409`: {201, 409}, `response.status != 303`: nil, `response.status > 303`: nil,
		`request.body.status == 303`: nil, `response.body.status == 303`: nil, `response.body == 303`: nil, `response.status == request.body.n`: nil,
	} {
		x, err := lang.Compile(source, lang.EnvSuccess)
		if err != nil {
			t.Fatal(err)
		}
		for _, status := range []int{200, 201, 303, 409} {
			if got := x.HasStatus(status); got != slices.Contains(want, status) {
				t.Errorf("%s has %d: %v", source, status, got)
			}
		}
	}
}

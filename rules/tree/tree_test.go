package tree_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sidehook/sidehook/rules/tree"
)

func parse(t testing.TB, s string) *tree.Value {
	t.Helper()
	v, err := tree.Parse(s)
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return v
}

func TestParseKeepsBytes(t *testing.T) {
	for in, want := range map[string]string{
		`{"a": 1.50, "b": [12345678901234567890]}`:  `{"a": 1.50, "b": [12345678901234567890]}`,
		"\ufeff {\"a\":\t\"\\u00e9\\/\"} ":          "{\"a\":\t\"\\u00e9\\/\"}",
		`{"a": 1, "a": 2, "b": {"c": 1, "c": 2.0}}`: `{"a":2,"b":{"c":2.0}}`,
		`[{"": null}, true, false, -0, 1E+2, "\""]`: `[{"": null}, true, false, -0, 1E+2, "\""]`,
		`{"x\"y": 1, "x\"y": 2}`:                    `{"x\"y":2}`,
		`[{"a": 1, "a": 2}, {"b": 1}]`:              `[{"a":2},{"b": 1}]`,
		"{\"\u2028\": 1, \"<\": 2, \"<\": 3}":       "{\"\u2028\":1,\"<\":3}",
	} {
		if got := string(parse(t, in).JSON()); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, in := range []string{
		``, ` `, `{`, `{"a"`, `{"a":`, `{"a":1,}`, `{a:1}`, `[1,]`, `[1 2]`, `01`, `1.`, `.5`, `1e`, `+1`, `NaN`, `nul`,
		`"a`, "\"\n\"", `"\x"`, `"\u12"`, `{} {}`, strings.Repeat("[", 300) + strings.Repeat("]", 300), `'a'`, "\"\\",
	} {
		if v, err := tree.Parse(in); err == nil {
			t.Errorf("%q is read as %s", in, v.JSON())
		}
	}
}

func TestEqual(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{`1`, `1.0`, true}, {`100`, `1e2`, true}, {`0`, `-0.0`, true}, {`1`, `-1`, false}, {`0.1`, `0.10`, true},
		{`9007199254740993`, `9007199254740992`, false}, {`1e999999999999`, `1e999999999999`, true}, {`1e999999999999`, `2`, false},
		{`"é"`, `"\u00e9"`, true}, {`"a"`, `"A"`, false}, {`"1"`, `1`, false}, {`null`, `false`, false},
		{`{"a":1,"b":2}`, `{"b":2,"a":1}`, true}, {`{"a":null}`, `{}`, false}, {`[1,2]`, `[2,1]`, false}, {`[]`, `{}`, false},
		{`1`, `10`, false}, {`5e1`, `50`, true}, {`0.5`, `5`, false}, {`12e-1`, `1.20`, true}, {`-1e3`, `-1000.0`, true},
		{`0`, `1e999999999999`, false}, {`1e999999999999`, `0`, false}, {`1e999999999999`, `1.0e999999999999`, false},
		{`[1, {"a": [2]}]`, `[1.0,{"a":[2.0]}]`, true}, {`[1]`, `[1,2]`, false}, {`[1,2]`, `[1]`, false}, {`[1, 2]`, `[1,3]`, false},
		{`{"a":1}`, `{"a":1,"b":2}`, false}, {`{"a":1,"b":2}`, `{"a":1}`, false}, {`{"a":1}`, `{"b":1}`, false},
	} {
		if got := tree.Equal(parse(t, c.a), parse(t, c.b)); got != c.want {
			t.Errorf("%s and %s: got %v", c.a, c.b, got)
		}
	}
}

func TestDiff(t *testing.T) {
	for _, c := range []struct{ a, b, want string }{
		{`{"a":1,"b":{"c":1,"d":2}}`, `{"b":{"d":3,"c":1},"a":1}`, `b.d:2→3`},
		{`{"a":1}`, `{"b":1}`, `a:1→ b:→1`},
		{`{"a":null}`, `{}`, `a:null→`},
		{`{"a":[1,2]}`, `{"a":[1,3]}`, `a:[1,2]→[1,3]`},
		{`{"a":{"b":1}}`, `{"a":[1]}`, `a:{"b":1}→[1]`},
		{`{"k":[{"id":1,"v":1},{"id":2}]}`, `{"k":[{"id":2},{"id":1,"v":2}]}`, `k.1.v:1→2`},
		{`{"k":[{"id":1}, {"id":2}]}`, `{"k":[{"id":2},{"id":3}]}`, `k.1:{"id":1}→ element k.3:→{"id":3} element`},
		{`{"k":[{"id":1}]}`, `{}`, `k:[{"id":1}]→`}, {`{}`, `{"k":[{"id":1}]}`, `k:→[{"id":1}]`},
		{`{"k":[{"id":1}]}`, `{"k":null}`, `k:[{"id":1}]→null`}, {`{"k":null}`, `{"k":[{"id":1}]}`, `k:null→[{"id":1}]`},
		{`{"k":[{"id":1},{}]}`, `{"k":[{"id":1}]}`, `k:[{"id":1},{}]→[{"id":1}]`}, {`{"k":[{"id":1}]}`, `{"k":[{"id":1},{"id":1}]}`, `k:[{"id":1}]→[{"id":1},{"id":1}]`},
		{`{"a":[1, 2]}`, `{"a":[1.0,2]}`, ``}, {`{"n":1}`, `{"n":10}`, `n:1→10`},
		{`{"k":[{"id":1},{"id":1}]}`, `{"k":[]}`, `k:[{"id":1},{"id":1}]→[]`},
		{`{"x":[{"id":"a.b"}],"k":[{"id":"a.b"}]}`, `{"x":[],"k":[]}`, `k.a\.b:{"id":"a.b"}→ element x:[{"id":"a.b"}]→[]`},
	} {
		var got []string
		for _, ch := range tree.Diff(parse(t, c.a), parse(t, c.b), tree.Keys{"k": {"id"}}) {
			got = append(got, fmt.Sprintf("%s:%s→%s", ch.Path, ch.Old.JSON(), ch.New.JSON()))
			if ch.Element {
				got = append(got, "element")
			}
		}
		if diff := cmp.Diff(c.want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%s → %s: %s", c.a, c.b, diff)
		}
	}
}

func TestMergePatch(t *testing.T) {
	// The examples of RFC 7396, appendix A.
	for _, c := range []struct{ target, patch, want string }{
		{`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`}, {`{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`}, {`{"a":"b"}`, `{"a":null}`, `{}`},
		{`{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`}, {`{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`}, {`{"a":"c"}`, `{"a":["b"]}`, `{"a":["b"]}`},
		{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`}, {`{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`},
		{`["a","b"]`, `["c","d"]`, `["c","d"]`}, {`{"a":"b"}`, `["c"]`, `["c"]`}, {`{"a":"foo"}`, `null`, `null`},
		{`{"e":null}`, `{"a":1}`, `{"e":null,"a":1}`}, {`[1,2]`, `{"a":"b","c":null}`, `{"a":"b"}`}, {`{}`, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`},
	} {
		got := tree.MergePatch(parse(t, c.target), parse(t, c.patch))
		if string(got.JSON()) != c.want {
			t.Errorf("%s with %s: got %s, want %s", c.target, c.patch, got.JSON(), c.want)
		}
	}
}

func TestOverlay(t *testing.T) {
	older := parse(t, `{"a":1,"o":{"id":1,"x":1,"y":2},"p":{"id":1,"x":1},"z":9}`)
	newer := parse(t, `{"p":{"id":2},"o":{"id":1,"x":3},"a":2}`)
	got, doubts := tree.Overlay(older, newer, tree.Judge{Lacks: func(path string) tree.Fate {
		if path == "z" {
			return tree.Removed
		}
		return tree.KeptDoubt
	}})
	if want := `{"p":{"id":2},"o":{"id":1,"x":3,"y":2},"a":2}`; string(got.JSON()) != want {
		t.Errorf("got %s, want %s", got.JSON(), want)
	}
	if diff := cmp.Diff([]string{"o.y"}, doubts); diff != "" {
		t.Error(diff)
	}
	if string(newer.JSON()) != `{"p":{"id":2},"o":{"id":1,"x":3},"a":2}` {
		t.Errorf("the newer state was altered: %s", newer.JSON())
	}
}

// Arrays that are keyed are overlaid by element, and a judge may keep what says
// more.
func TestOverlayOfElementsAndOfWhatSaysLess(t *testing.T) {
	older := parse(t, `{"l":[{"id":1,"x":1,"y":2},{"id":2},{"id":3}],"o":{"id":7,"n":"Ann"},"u":[1,2]}`)
	newer := parse(t, `{"u":[1],"l":[{"id":1,"x":3},{"id":4}],"o":7}`)
	keys := tree.Keys{"l": {"id"}}
	got, doubts := tree.Overlay(older, newer, tree.Judge{
		Keys:  keys,
		Lacks: func(path string) tree.Fate { return tree.KeptDoubt },
		Element: func(path string) tree.Fate {
			if path == "l.3" {
				return tree.Removed
			}
			return tree.KeptDoubt
		},
		Less: func(path string, older, newer *tree.Value) (bool, []string) {
			return path == "o", []string{"o.n"}
		},
	})
	if want := `{"u":[1],"l":[{"id":1,"x":3,"y":2},{"id":4},{"id":2}],"o":{"id":7,"n":"Ann"}}`; string(got.JSON()) != want {
		t.Errorf("got %s, want %s", got.JSON(), want)
	}
	if diff := cmp.Diff([]string{"l.1.y", "o.n", "l.2"}, doubts, cmpopts.SortSlices(strings.Compare)); diff != "" {
		t.Error(diff)
	}
	for path, want := range map[string]string{"l.1.x": "3", "l.4": `{"id":4}`, "l.9": "", "u.0": "1", "o.n": `"Ann"`} {
		if v := keys.At(got, strings.Split(path, ".")...); string(v.JSON()) != want {
			t.Errorf("at %s: %s, want %s", path, v.JSON(), want)
		}
	}
}

// What is overlaid is the same thing at the root whatever its id, and below unless
// both show ids that differ; a state that is laid over another is not altered.
func TestOverlayOfOneThingAndAnother(t *testing.T) {
	keep := func(string) tree.Fate { return tree.Kept }
	for _, c := range []struct{ older, newer, want string }{
		{`{"id":1,"x":2}`, `{"id":"1"}`, `{"id":"1","x":2}`},
		{`{"o":{"id":1,"x":2}}`, `{"o":{"y":3}}`, `{"o":{"y":3,"id":1,"x":2}}`},
		{`{"o":{"x":2}}`, `{"o":{"id":1}}`, `{"o":{"id":1,"x":2}}`},
		{`{"o":{"id":1,"x":2}}`, `{"o":{"id":2}}`, `{"o":{"id":2}}`},
		{`{"o":{"id":1.0,"x":2}}`, `{"o":{"id":1}}`, `{"o":{"id":1,"x":2}}`},
		{`{"l":[{"id":1},{"id":2}]}`, `{"l":[{"id":2}]}`, `{"l":[{"id":2},{"id":1}]}`},
		{`{"l":[{"id":1,"x":1}]}`, `{"l":[{"id":1}]}`, `{"l":[{"id":1,"x":1}]}`},
		{`{"l":[{"id":1,"x":1}]}`, `{"l":[{"id":1},{"id":1}]}`, `{"l":[{"id":1},{"id":1}]}`},
		{`{"l":[{"id":1,"x":1},{"id":1}]}`, `{"l":[{"id":1}]}`, `{"l":[{"id":1}]}`},
		{`{"l":[{"id":1,"x":1}]}`, `{"l":[{}]}`, `{"l":[{}]}`},
	} {
		older, newer := parse(t, c.older), parse(t, c.newer)
		got, _ := tree.Overlay(older, newer, tree.Judge{Keys: tree.Keys{"l": {"id"}}, Lacks: keep, Element: keep})
		if string(got.JSON()) != c.want {
			t.Errorf("%s over %s: got %s, want %s", c.newer, c.older, got.JSON(), c.want)
		}
		if again := parse(t, c.newer); !tree.Equal(newer, again) || len(tree.Diff(newer, again, nil)) > 0 {
			t.Errorf("%s over %s: it was altered: %s", c.newer, c.older, newer.JSON())
		}
	}
	got, _ := tree.Overlay(parse(t, `{"l":[{"id":1}]}`), parse(t, `{"l":[]}`), tree.Judge{Keys: tree.Keys{"l": {"id"}}, Lacks: keep})
	if string(got.JSON()) != `{"l":[]}` {
		t.Errorf("nobody judges of elements, and one stays: %s", got.JSON())
	}
}

// An element is told by its own key, its id or its place.
func TestElement(t *testing.T) {
	for _, c := range []struct {
		elem, want string
		key        []string
	}{
		{`{"id":1,"sku":"a"}`, "a", []string{"sku"}}, {`{"id":1}`, "1", []string{"sku"}}, {`{"id":1,"sku":"a"}`, "1", nil},
		{`{"sku":"a"}`, "7", nil}, {`"x"`, "7", nil}, {`{"sku":{}}`, "7", []string{"sku"}},
	} {
		if got := tree.Element(parse(t, c.elem), c.key, 7); got != c.want {
			t.Errorf("%s by %v: got %q, want %q", c.elem, c.key, got, c.want)
		}
	}
	if got := tree.ElementsOf(""); got != "*" {
		t.Errorf("the elements of the root are %q", got)
	}
	if got := (tree.Keys{"l": {"id"}}).At(parse(t, `{"l":[{"x":1},{"id":"a"}]}`), "l", ""); got != nil {
		t.Errorf("an element without a key is found under none: %s", got.JSON())
	}
}

// FuzzParse compares with encoding/json: what we read is JSON, and means the same.
func FuzzParse(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.5e3,"x\u0041"],"a":null}`, `[]`, `"\ud83d"`, `{"":{"":[]}}`, "\"\x80\"",
		"{\"a\":1,\"a\":1,\"\xc1\":null}", // it says a name twice, so it is written anew
		"{\"a\":1,\"a\":1,\"\\u0000\\b\\n\\r\\t\\\"\\\\\\u001f\x7f\":null}",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := tree.Parse(s)
		if err != nil {
			return
		}
		if !json.Valid([]byte(strings.TrimPrefix(s, "\ufeff"))) || !json.Valid(v.JSON()) {
			t.Fatalf("%q is no JSON, nor is %q", s, v.JSON())
		}
		again := parse(t, string(v.JSON()))
		if !tree.Equal(v, again) || len(tree.Diff(v, again, nil)) > 0 {
			t.Fatalf("%q reads back as %q", s, again.JSON())
		}
	})
}

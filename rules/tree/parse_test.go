package tree_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sidehook/sidehook/rules/tree"
)

// Texts are read several bytes at a time: what ends or breaks one is found
// wherever it stands.
func TestTextsEndWhereTheyEnd(t *testing.T) {
	for n := range 20 {
		for at := range n + 1 {
			for _, special := range []string{"", `"`, `\`, `\"`, `\u00e9`, `\u00g9`, "\n", "\x1f", "\x00", "\x7f", "\x80", "\xff", "ä", "\\\\", " ", "!"} {
				for _, end := range []string{`"`, ``, `" `, `"]`, `""`} {
					doc := `"` + strings.Repeat("a", at) + special + strings.Repeat("#", n-at) + end
					if _, err := tree.Parse(doc); (err == nil) != json.Valid([]byte(doc)) {
						t.Errorf("%q: %v", doc, err)
					}
				}
			}
		}
	}
}

// A name that is there twice is found in objects of any size, however deep.
func TestNamesOccurOnce(t *testing.T) {
	for _, n := range []int{2, 8, 9, 33, 200} {
		for _, again := range []int{0, 1, n - 1} {
			var in, want strings.Builder
			for i := range n {
				fmt.Fprintf(&in, `"n%d":%d,`, i, i)
				value := i
				if i == again {
					value = -1
				}
				fmt.Fprintf(&want, `,"n%d":%d`, i, value)
			}
			for _, name := range []string{fmt.Sprintf("n%d", again), fmt.Sprintf(`\u006e%d`, again)} {
				object, once := fmt.Sprintf(`{%s"%s":-1}`, in.String(), name), "{"+want.String()[1:]+"}"
				for _, around := range []string{"%s", `[0,%s]`, `{"a":{"b":[{"c":1},%s]},"d":[2]}`} {
					doc := parse(t, fmt.Sprintf(around, object))
					if diff := cmp.Diff(fmt.Sprintf(around, once), string(doc.JSON())); diff != "" {
						t.Fatalf("%d members, n%d twice: %s", n, again, diff)
					}
				}
			}
		}
	}
}

// What is below the root is read when it is asked for, and says then what it is.
func TestReadsBelowTheRoot(t *testing.T) {
	doc := parse(t, `{"a": {"b": [ {"c": [1, {"d": "e"}]}, [], {} , { } ]}, "o": {}}`)
	if got, _ := doc.At("a", "b", "0", "c", "1", "d").Text(); got != "e" {
		t.Errorf("got %q", got)
	}
	elems := doc.At("a", "b").Elems()
	if len(elems) != 4 || len(elems[1].Elems()) != 0 || len(elems[2].Members()) != 0 || len(elems[3].Members()) != 0 {
		t.Errorf("got %d elements", len(elems))
	}
	if o := doc.Get("o"); !o.IsObject() || len(o.Members()) != 0 || o.Get("x") != nil || doc.Get("a").Elems() != nil {
		t.Error("an empty object is something else")
	}
}

// Members are found however often they are looked for.
func TestGetFindsAgainAndAgain(t *testing.T) {
	var s strings.Builder
	for i := range 100 {
		fmt.Fprintf(&s, `,"n%d":%d`, i, i)
	}
	doc := parse(t, "{"+s.String()[1:]+"}")
	for range 3 {
		for i := range 100 {
			if got, _ := doc.Get(fmt.Sprintf("n%d", i)).Text(); got != fmt.Sprint(i) {
				t.Fatalf("n%d is %q", i, got)
			}
		}
		if doc.Get("n100") != nil {
			t.Fatal("n100 is found")
		}
	}
}

// What leaves a value that shares its bytes is a copy, unless it is asked for as Shared.
func TestParseSharedGivesCopies(t *testing.T) {
	b := []byte(`{"id":"one","a":[1,2],"b.c":"x"}`)
	before, err := tree.ParseShared(b)
	if err != nil {
		t.Fatal(err)
	}
	after := parse(t, `{"id":"one","a":[1],"b.c":"y"}`)
	id, _ := before.Get("id").Text()
	raw, changes := before.Get("a").JSON(), tree.Diff(before, after, nil)
	shared := before.Get("a").Shared()
	copy(b, strings.Repeat("!", len(b)))
	if id != "one" || string(raw) != `[1,2]` || len(changes) != 2 || changes[0].Path != "a" || changes[1].Path != `b\.c` {
		t.Errorf("got %q, %s, %+v", id, raw, changes)
	}
	if string(shared) != "!!!!!" {
		t.Errorf("shared is a copy: %s", shared)
	}
}

func TestIs(t *testing.T) {
	for _, c := range []struct {
		v, text string
		want    bool
	}{
		{`"a"`, "a", true}, {`"\u0061"`, "a", true}, {`5`, "5", true}, {`5.0`, "5", false}, {`""`, "", false}, {`true`, "true", false}, {`"a"`, "b", false},
	} {
		if got := parse(t, c.v).Is(c.text); got != c.want {
			t.Errorf("%s is %q: %v", c.v, c.text, got)
		}
	}
}

// What is nearly what another document says is no JSON, or says something else.
func TestParseLikeReadsWhatStands(t *testing.T) {
	like := parse(t, `{"a":1,"b":"x"}`)
	for doc, want := range map[string]string{
		`{"a":1,"b":"x"}`: `{"a":1,"b":"x"}`, "\ufeff" + `{"a":1}`: `{"a":1}`, ` { "a":1 ,"b":"x" } `: `{"a":1 ,"b":"x"}`,
		`{"a":12}`: `{"a":12}`, `{"c":1,"b":"y"}`: `{"c":1,"b":"y"}`, `{"a":1,"a":2}`: `{"a":2}`, `{"b":"x","a":1}`: `{"b":"x","a":1}`,
		`{xa":1}`: "", `{"ax:1}`: "", `{"a"x1}`: "", `{"a":1`: "", `{"a":1]`: "", `{"a":1;`: "", `{"a":1x`: "", `{'a':1}`: "", `{"a":1,}`: "",
	} {
		v, err := tree.ParseLike([]byte(doc), like)
		if (err == nil) != (want != "") || err == nil && !tree.Equal(v, parse(t, want)) {
			t.Errorf("%q: got %s, %v", doc, v.JSON(), err)
		}
	}
}

// Arrays may be nested so deeply and no deeper, above what is read at once too.
func TestDepth(t *testing.T) {
	for _, around := range []string{"%s", `{"a":%s}`} {
		deep := tree.MaxDepth + 1
		if around != "%s" {
			deep--
		}
		for n, want := range map[int]bool{deep: true, deep + 1: false} {
			_, err := tree.Parse(fmt.Sprintf(around, strings.Repeat("[", n)+strings.Repeat("]", n)))
			if (err == nil) != want {
				t.Errorf("%d arrays in %s: %v", n, around, err)
			}
		}
	}
}

// FuzzParseLike reads a document by the light of another: it must be what it is
// by itself.
func FuzzParseLike(f *testing.F) {
	docs := []string{
		`{"id":1,"a":"x","o":{"b":[1,2]},"n":12}`, `{"id":1,"a":"y","o":{"b":[1,2]},"n":1}`, ` { "id":1,"a":"x" , "n":12.0}`,
		`{"id":1,"id":1,"a":"x"}`, `{"a\"b":1,"c":2}`, `{"a"b":1,"c":2}`, `{"\u0061":1}`, `{"a":1}`, `{"a":1`, `{"a":1,}`, `[{"a":1}]`, `{"o":{"b":1,"b":2},"n":1}`,
		"{\"a\\u0000\":1}", "{\"a\x00\":1}", `{"a":1 }`, `{"a":11}`, `{}`, `x`,
	}
	for _, like := range docs {
		for _, doc := range docs {
			f.Add(like, doc)
		}
	}
	f.Fuzz(func(t *testing.T, like, doc string) {
		other, err := tree.Parse(like)
		if err != nil {
			other = nil
		}
		want, err := tree.Parse(doc)
		got, err2 := tree.ParseLike([]byte(doc), other)
		if (err == nil) != (err2 == nil) {
			t.Fatalf("%q like %q: %v, by itself: %v", doc, like, err2, err)
		}
		if err != nil {
			return
		}
		if diff := cmp.Diff(string(want.JSON()), string(got.JSON())); diff != "" {
			t.Fatalf("%q like %q: %s", doc, like, diff)
		}
		if !tree.Equal(want, got) || len(tree.Diff(want, got, nil)) > 0 {
			t.Fatalf("%q like %q is another value", doc, like)
		}
	})
}

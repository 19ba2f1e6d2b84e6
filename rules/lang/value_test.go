package lang_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/sidehook/sidehook/rules/lang"
)

func TestDecode(t *testing.T) {
	for text, want := range map[string]any{
		`1`: int64(1), `-1`: int64(-1), `1.0`: 1.0, `1e2`: 100.0, `9223372036854775807`: int64(9223372036854775807),
		`9223372036854775808`: "9223372036854775808", `-9223372036854775808`: int64(-9223372036854775808),
		`1e400`: "1e400", `"\u00e9\ud83d\ude00\n\ud83d"`: "é😀\n\ufffd", ` [1, "a" , null] `: []any{int64(1), "a", nil},
		`{"a":1,"a":2}`: map[string]any{"a": int64(2)}, `{}`: map[string]any{}, `[]`: []any{},
	} {
		got, err := lang.Decode([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

func TestDecodeRefusesWhatNestsTooDeep(t *testing.T) {
	deep := strings.Repeat("[", 1<<20)
	if _, err := lang.Decode([]byte(deep)); !errors.Is(err, lang.ErrTooDeep) {
		t.Errorf("got %v, want %v", err, lang.ErrTooDeep)
	}
}

// In a keyed array an element is found by its key, whatever its place; of another
// array, and of one without that element, all is unknown.
func TestMarkUnknownFindsElementsByTheirKey(t *testing.T) {
	doc, _ := lang.Decode([]byte(`{"k":[{"id":1,"n":"a"},{"id":0,"n":"b","l":[{"k":"x","v":1}]}],"l":[1,2]}`))
	key := func(path string) (lang.Path, bool) {
		at, ok := map[string]string{"k": "id", "k.*.l": "k"}[path]
		return lang.NewPath(at), ok
	}
	for path, want := range map[string]string{
		"k.1.n":     `{"k":[{"id":1,"n":null},{"id":0,"l":[{"k":"x","v":1}],"n":"b"}],"l":[1,2]}`,
		"k.0.l.x.v": `{"k":[{"id":1,"n":"a"},{"id":0,"l":[{"k":"x","v":null}],"n":"b"}],"l":[1,2]}`,
		"k.7.n":     `{"k":null,"l":[1,2]}`,
		"l.0":       `{"k":[{"id":1,"n":"a"},{"id":0,"l":[{"k":"x","v":1}],"n":"b"}],"l":null}`,
	} {
		p, _ := lang.ParsePath(path)
		got, err := lang.Encode(lang.MarkUnknown(doc, []lang.Path{p}, key))
		if err != nil || string(got) != want {
			t.Errorf("%s: got %s, %v; want %s", path, got, err, want)
		}
	}
}

func TestMarkUnknownLeavesItsArgument(t *testing.T) {
	doc, _ := lang.Decode([]byte(`{"a":{"b":1,"c":2},"l":[1,2],"n":null,"t":"text"}`))
	got := lang.MarkUnknown(doc, []lang.Path{lang.NewPath("a", "b"), lang.NewPath("l", "1"), lang.NewPath("x", "y"), lang.NewPath("n", "z"), lang.NewPath("t", "z")}, nil)
	want := map[string]any{
		"a": map[string]any{"b": lang.Unknown, "c": int64(2)}, "l": lang.Unknown,
		"x": lang.Unknown, "n": nil, "t": "text",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if back, _ := lang.Encode(doc); string(back) != `{"a":{"b":1,"c":2},"l":[1,2],"n":null,"t":"text"}` {
		t.Errorf("the document was altered: %s", back)
	}
}

// FuzzDecode holds Decode against encoding/json: the same documents, the same
// values; and what is encoded reads back.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{nested, `[1,2.5,"a\u00e9\ud83d",{}]`, `{"a":[`, `01`, `-`, `1.`, `"\x"`, "\"\x01\"", `1 2`, `nul`, `[1,]`, `{"a" 1}`, "\"\xff\"", `1E20`, `-9.3e18`, "{\"\xab\":1,\"\xac\":2,\"é\":3}"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := lang.Decode(raw)
		if valid := json.Valid(raw); valid != (err == nil) && !errors.Is(err, lang.ErrTooDeep) {
			t.Fatalf("valid %v, got error %v", valid, err)
		}
		if err != nil {
			return
		}
		b, err := lang.Encode(got)
		if err != nil || !json.Valid(b) {
			t.Fatalf("encode %v: %s, %v", got, b, err)
		}
		back, err := lang.Decode(b)
		if err != nil {
			t.Fatalf("decode again: %v", err)
		}
		if again, _ := lang.Encode(back); !bytes.Equal(b, again) {
			t.Fatalf("%s reads back as %s", b, again)
		}
		if raw, ok := (lang.Path{}).Get(raw); !ok || !json.Valid(raw) {
			t.Fatalf("Get of the root: %s, %v", raw, ok)
		}
	})
}

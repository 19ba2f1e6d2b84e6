package document_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sidehook/sidehook/rules/document"
	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/rules/tree"
)

// FuzzOf: whatever is sent, each member that is read by itself is what it is when
// all is decoded, in whatever order they are read.
func FuzzOf(f *testing.F) {
	for _, seed := range []string{
		`{"a":1,"b":null,"c":{"d":[1,2.50,"x"]}}`, `{"a":1,"a":{"a":2},"b":9007199254740993}`,
		"{\"a\xff\":1,\"a\xfe\":2,\"\\u0061\":3,\"\":4}", `{"a\u0000b":"\ud800","x":"\u00e9"}`, `[1]`, `"x"`, `1e400`, `{}`,
	} {
		f.Add(seed, "a")
	}
	f.Fuzz(func(t *testing.T, text, first string) {
		v, err := tree.Parse(text)
		if err != nil {
			return
		}
		want, err := lang.Decode(v.Shared())
		if err != nil {
			t.Fatalf("%q was parsed, and cannot be decoded: %v", text, err)
		}
		got, ok := document.Of(v).(lang.Document)
		if !ok {
			if diff := cmp.Diff(want, document.Of(v)); diff != "" {
				t.Fatalf("%q (-want +got):\n%s", text, diff)
			}
			return
		}
		members := want.(map[string]any)
		for _, name := range append([]string{first, first}, keys(members)...) {
			value, there := got.Member(name)
			if is, ok := members[name]; there != ok || !cmp.Equal(is, value) || !cmp.Equal(is, got.Field(name)) {
				t.Fatalf("%q has %q: %v, %v; want %v, %v", text, name, value, there, is, ok)
			}
		}
		if diff := cmp.Diff(want, any(got.Value())); diff != "" {
			t.Fatalf("%q (-want +got):\n%s", text, diff)
		}
		for name, is := range members {
			if value, there := got.Member(name); !there || !cmp.Equal(is, value) {
				t.Fatalf("%q has %q, once all was read: %v, %v; want %v", text, name, value, there, is)
			}
		}
	})
}

func keys(m map[string]any) (all []string) {
	for name := range m {
		all = append(all, name)
	}
	return all
}

func TestWhatIsNoJSONIsAnError(t *testing.T) {
	if v, err := document.Parse([]byte(`{"a":`)); err == nil {
		t.Fatalf("it is %v", v)
	}
}

// TestAMemberIsDecodedOnce holds that reading a member again makes nothing anew,
// and that the others are left alone.
func TestAMemberIsDecodedOnce(t *testing.T) {
	v, err := document.Parse([]byte(`{"a":{"b":"text"},"c":"another","d":["and","more"]}`))
	if err != nil {
		t.Fatal(err)
	}
	o := v.(lang.Object)
	o.Field("a")
	if n := testing.AllocsPerRun(10, func() { o.Field("a") }); n != 0 {
		t.Errorf("reading a member again takes %v allocations", n)
	}
}

package tree_test

import (
	"testing"

	"github.com/sidehook/sidehook/rules/tree"
)

func TestMayHaveNull(t *testing.T) {
	for text, want := range map[string]bool{
		`{"a":{"b":1}}`: false, `{"a":{"b":null}}`: true, `[null]`: true, `null`: true, `1`: false, `{"null":1}`: true,
	} {
		v, err := tree.Parse(text)
		if err != nil || v.MayHaveNull() != want {
			t.Errorf("%s: %v (%v)", text, !want, err)
		}
	}
	one, _ := tree.Parse(`{"a":1}`)
	null, _ := tree.Parse(`null`)
	if with := one.With("a", *null); !with.MayHaveNull() {
		t.Error("not seen in what was built")
	}
}

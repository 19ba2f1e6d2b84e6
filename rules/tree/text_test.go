package tree_test

import (
	"encoding/json"
	"testing"

	"github.com/sidehook/sidehook/rules/tree"
)

// Any text becomes a JSON string that reads back: forms have lines and tabs.
func TestTextIsJSON(t *testing.T) {
	for _, s := range []string{"", "plain", "two\nlines", "\x00\x1f\t", `"`, `\`, "\x7f", "é", "a\u2028b"} {
		v := tree.Text(s)
		var back string
		if err := json.Unmarshal(v.JSON(), &back); err != nil || back != s {
			t.Errorf("%q became %s: %v", s, v.JSON(), err)
		}
		if got, _ := v.Text(); got != s {
			t.Errorf("%q reads %q", s, got)
		}
	}
}

// With alters one member of a copy.
func TestWith(t *testing.T) {
	v, err := tree.Parse(`{"a":1,"b":2}`)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"a": `{"a":"x","b":2}`, "c": `{"a":1,"b":2,"c":"x"}`} {
		if out := v.With(name, tree.Text("x")); string(out.JSON()) != want {
			t.Errorf("got %s, want %s", out.JSON(), want)
		}
	}
	if string(v.JSON()) != `{"a":1,"b":2}` {
		t.Errorf("it was altered: %s", v.JSON())
	}
}

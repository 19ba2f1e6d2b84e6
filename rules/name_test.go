package rules_test

import (
	"testing"
)

func TestMayName(t *testing.T) {
	p := compile(t, []byte(`{"resources": [{"name": "{collection}.item", "path": "/items/{collection}"}, {"name": "note", "path": "/notes"}]}`))
	for name, want := range map[string]bool{
		"posts.item": true, "a.b.item": true, "my posts.item": true, "note": false, ".item": false, "posts": false, "posts.items": false, "xitem": false,
	} {
		if got := p.MayName(name); got != want {
			t.Errorf("%q: %v, want %v", name, got, want)
		}
	}
}

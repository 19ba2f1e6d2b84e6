package look

import (
	"fmt"
	"testing"

	"github.com/sidehook/sidehook/webhook"
)

// Subscriptions that come, fail and are deleted leave nothing behind for ever, and take
// from nobody what is under way.
func TestGatesOfTheDeletedAreBounded(t *testing.T) {
	var g gates
	last := gateKey{"shop", "last"}
	if w, until := g.admit(last); w == nil {
		t.Fatal("not admitted until", until)
	}
	for i := range 3 * maxGates {
		k := gateKey{"shop", webhook.SubscriptionID(fmt.Sprint("sub_", i))}
		if w, until := g.admit(k); w == nil {
			t.Fatal("not admitted until", until)
		}
		g.left(k, false)
		if len(g.of) > maxGates {
			t.Fatalf("%d gates are known, want %d at most", len(g.of), maxGates)
		}
	}
	g.left(last, true)
	if g.all != 0 || g.apis["shop"].inside != 0 {
		t.Errorf("%d are inside still", g.all)
	}
}

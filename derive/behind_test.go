package derive_test

import (
	"testing"

	"github.com/sidehook/sidehook/derive"
)

// What is recorded of an entity is its state before a call once every other call
// that ended there is recorded. Calls that are open have no part in that.
func TestACallIsBehindThoseThatAreNotRecorded(t *testing.T) {
	traffic(t, func(t *testing.T, tr *derive.Traffic) {
		want := func(c *derive.Call, want bool, when string) {
			t.Helper()
			if got := c.Behind(project5); got != want {
				t.Errorf("behind %v %s", got, when)
			}
		}
		first := tr.Enter(t.Context(), project5, gateTime)
		gone := leave(first)
		want(first, false, "though it is the first")
		first.Settle()

		second := tr.Enter(t.Context(), project5, gateTime)
		open := tr.Enter(t.Context(), project5, gateTime)
		leave(second)
		want(second, true, "while the first is not recorded")
		unnamed := tr.EnterUnnamed()
		leave(unnamed)
		want(unnamed, true, "a call whose path names nothing")
		tr.Forget(gone)
		want(second, false, "once the first is recorded, while another is open")
		open.Drop()
		second.Settle()
		unnamed.Settle()
	})
}

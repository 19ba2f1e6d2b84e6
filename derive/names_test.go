package derive_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sidehook/sidehook/derive"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// A call under another name of an entity stands in the lane of the entity: it
// is not recorded before one that ended first, however long that waits.
func TestNamesOfOneEntityShareItsLane(t *testing.T) {
	l := openLine(t, t.TempDir()).run()
	t.Cleanup(func() { l.close() })
	named := func(id string) webhook.EntityKey {
		return webhook.EntityKey{API: rules.DefaultAPI, Resource: "project", ID: id}
	}
	x := l.exchange("a", `{"id":"b","name":"Roof","status":"open","n":1,"m":2}`)
	x.Request.Body.Bytes = []byte(`{"id":"b"}`)
	l.end(x)
	l.seen.wait(t, "recorded", 1)

	first := l.exchange("a", `{"id":"b","name":"Gable","status":"open","n":1,"m":2}`)
	c := l.traffic.Enter(t.Context(), named("a"), 0)
	l.traffic.Enter(t.Context(), named("c"), 0).Drop()
	if !l.traffic.Busy(named("b")) || l.traffic.Busy(named("c")) {
		t.Error("a call on a is none on b, or one on c")
	}
	c.Leave(first.ID, time.Now())
	l.end(first)
	second := l.exchange("b", "")
	second.Request.Method, second.Response.Status = "DELETE", 204
	l.end(second)
	l.patch("other", 1)
	l.seen.wait(t, "recorded", 2)
	c.Settle()
	l.seen.wait(t, "recorded", 4)

	var got []string
	for _, e := range l.events() {
		got = append(got, e.Scope+" "+e.Key.ID)
	}
	want := []string{"project.updated a", "project.updated other", "project.updated a", "project.deleted a"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A call that may have renamed its entity holds the gate under the new name, too:
// what comes there at once is not shown by its GET.
func TestTheGateHoldsUnderANewName(t *testing.T) {
	traffic(t, func(t *testing.T, tr *derive.Traffic) {
		renamed := project5
		renamed.ID = "six"
		first := tr.Enter(t.Context(), project5, gateTime)
		id := leave(first)
		first.Observe(project5, answering(200*time.Millisecond, "v1"), project5, renamed)
		start := time.Now()
		second := tr.Enter(t.Context(), renamed, gateTime)
		if waited := time.Since(start); waited != 200*time.Millisecond {
			t.Errorf("the next call waited %v, want 200ms", waited)
		}
		wantSeen(t, tr, id, "v1", false)
		leave(second)
		second.Settle()
	})
}

// A call that is open under the new name before the rename is answered overlaps it:
// no GET tells of the rename until that call has ended, and then it tells of that one.
func TestACallUnderANewNameOverlapsTheRename(t *testing.T) {
	for name, refused := range map[string]bool{"done": false, "refused": true} {
		t.Run(name, func(t *testing.T) {
			traffic(t, func(t *testing.T, tr *derive.Traffic) {
				renamed := project5
				renamed.ID = "six"
				first, second := tr.Enter(t.Context(), project5, gateTime), tr.Enter(t.Context(), renamed, gateTime)
				id1 := leave(first)
				first.Observe(project5, answering(time.Millisecond, "v"), project5, renamed)
				time.Sleep(time.Second)
				if refused {
					second.Drop()
					wantSeen(t, tr, id1, "v", false)
					return
				}
				id2 := leave(second)
				second.Observe(renamed, answering(time.Millisecond, "v"))
				wantSeen(t, tr, id1, "nothing", true)
				wantSeen(t, tr, id2, "v", true)
				if third := tr.Enter(t.Context(), project5, 0); !third.Behind(renamed) {
					t.Error("what ended under both names is recorded already")
				}
			})
		})
	}
}

// A GET that is under way when the call on the new name is found to be one on the
// entity does not count.
func TestAGetAmidARenameDoesNotCount(t *testing.T) {
	traffic(t, func(t *testing.T, tr *derive.Traffic) {
		renamed := project5
		renamed.ID = "six"
		first, second := tr.Enter(t.Context(), project5, gateTime), tr.Enter(t.Context(), renamed, gateTime)
		id2 := leave(second)
		second.Observe(renamed, answering(time.Second, "v"))
		time.Sleep(500 * time.Millisecond)
		id1 := leave(first)
		first.Observe(project5, answering(time.Millisecond, "w"), project5, renamed)
		wantSeen(t, tr, id2, "nothing", true)
		wantSeen(t, tr, id1, "w", false)
	})
}

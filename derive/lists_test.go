package derive_test

import (
	"sync"
	"testing"
	"time"

	"github.com/sidehook/sidehook/derive"
	"github.com/sidehook/sidehook/webhook"
)

// A call whose body names many may change any of them before its answer is there:
// a GET behind another call waits for it.
func TestAGetWaitsForACallThatMayBeOnItsEntity(t *testing.T) {
	for _, test := range []struct {
		name       string
		list       webhook.EntityKey
		when       time.Duration // of the GET, which takes 10 ms, behind the call
		concurrent bool
	}{
		{"of its resource", webhook.EntityKey{API: "default", Resource: "project"}, time.Second, true},
		{"of another resource", webhook.EntityKey{API: "default", Resource: "task"}, 10 * time.Millisecond, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			traffic(t, func(t *testing.T, tr *derive.Traffic) {
				list := tr.EnterList(test.list)
				c := tr.Enter(t.Context(), project5, gateTime)
				id := leave(c)
				began := time.Now()
				c.Observe(project5, answering(10*time.Millisecond, "state"))
				var ended sync.WaitGroup
				ended.Go(func() {
					time.Sleep(time.Second - 10*time.Millisecond)
					leave(list)
					list.ObserveEach([]derive.Part{{Key: webhook.EntityKey{API: "default", Resource: "project", ID: "6"}}})
				})
				defer ended.Wait()
				wantSeen(t, tr, id, "state", test.concurrent)
				if took := time.Since(began); took != test.when {
					t.Errorf("after %v, want %v", took, test.when)
				}
			})
		})
	}
}

// If it turns out to be on the entity, or comes while a GET is under way, the GET
// tells nothing of the call before; one that is dropped does not count.
func TestAListSupersedesTheCallsBefore(t *testing.T) {
	traffic(t, func(t *testing.T, tr *derive.Traffic) {
		c := tr.Enter(t.Context(), project5, gateTime)
		id := leave(c)
		c.Observe(project5, answering(100*time.Millisecond, "state"))
		time.Sleep(50 * time.Millisecond)
		list := tr.EnterList(project5)
		time.Sleep(100 * time.Millisecond)
		leave(list)
		list.ObserveEach([]derive.Part{{Key: project5}})
		wantSeen(t, tr, id, "nothing", true)

		c = tr.Enter(t.Context(), project5, gateTime)
		id = leave(c)
		c.Observe(project5, answering(100*time.Millisecond, "state"))
		tr.EnterList(project5).Drop()
		wantSeen(t, tr, id, "state", false)
	})
}

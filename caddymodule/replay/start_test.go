package replay

import (
	"log/slog"
	"testing"
	"time"

	"github.com/sidehook/sidehook/deliver/delivertest"
	"github.com/sidehook/sidehook/webhook"
)

// What a replay had made due before a start is found again: cancelled then, it takes back
// what it owes and nothing else, and what has ended before stays as it ended.
func TestAReplayOfAnEarlierStartIsTakenBack(t *testing.T) {
	replay(t, 20, []delivertest.Reply{500}, func(x *replayed) {
		id := x.begin(1000)
		r, _ := x.after(time.Second, id)
		if len(r.Owed) == 0 {
			t.Fatal("nothing is owed: there is nothing to take back")
		}
		live := x.q.Owe("crm", "evt_live", "")
		x.ids = append(x.ids, live)
		done := webhook.Replay{ID: "rpl_done", Subscription: "crm", Low: 1, Next: 22, High: 22, Status: webhook.ReplayDone}
		r.Low, r.Next = 1, 22
		x.kept = []webhook.Replay{done, r.Replay}
		later := New(x.replayStore, x.to, slog.New(slog.DiscardHandler))
		if err := later.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		if all := later.List(); len(all) != 2 || all[0].ID != id || all[1].ID != done.ID {
			t.Errorf("it knows %+v, want the newest first", all)
		}
		for _, of := range []webhook.ReplayID{done.ID, id, "rpl_none"} {
			if err := later.Cancel(t.Context(), of, "by a call"); err != nil {
				t.Fatal(err)
			}
		}
		if r, ok := later.Get(done.ID); !ok || r.Status != webhook.ReplayDone {
			t.Errorf("what was done is %s", r.Status)
		}
		if r, ok := later.Get(id); !ok || r.Status != webhook.ReplayCancelled || len(r.Owed) > 0 {
			t.Errorf("it is %s, and owes %d", r.Status, len(r.Owed))
		}
		for _, id := range x.ids[:20] {
			if state := x.q.Delivery(id).State; state != webhook.Exhausted {
				t.Errorf("%s is %s, and was exhausted", id, state)
			}
		}
		if state := x.q.Delivery(live).State; state != webhook.Pending {
			t.Errorf("what is live is %s", state)
		}
		if _, ok := later.Get("rpl_none"); ok {
			t.Error("one is known that never was")
		}
	})
}

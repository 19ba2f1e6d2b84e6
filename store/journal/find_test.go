package journal_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sidehook/sidehook/store/journal"
	"github.com/sidehook/sidehook/webhook"
)

// What is recorded is still found, in whichever segment it is, until that is
// dropped; what is not there is not found.
func TestFind(t *testing.T) {
	j := open(t, journal.Options{Dir: t.TempDir(), SegmentSize: 16 << 10})
	var all []*webhook.Exchange
	for i := range 40 {
		x := exchange(i+1, 1<<9)
		if err := j.Begin(&webhook.Begin{ID: x.ID, Method: "PATCH"}); err != nil {
			t.Fatal(err)
		}
		if i%8 == 7 {
			x = &webhook.Exchange{ID: x.ID, Ending: webhook.Rejected, Response: webhook.Response{Status: 409}}
		}
		if err := j.End(t.Context(), x, true); err != nil {
			t.Fatal(err)
		}
		all = append(all, x)
	}
	for i, x := range all {
		k, err := j.Find(t.Context(), x.ID)
		if err != nil || k.End == nil || k.Begin == nil || k.Begin.Method != "PATCH" || k.Rejected != (i%8 == 7) {
			t.Fatalf("exchange %d: found %+v, %v", i, k, err)
		}
		if diff := cmp.Diff(x, k.End); diff != "" {
			t.Fatalf("exchange %d: -want +found:\n%s", i, diff)
		}
	}
	if k, err := j.Find(t.Context(), webhook.ExchangeID{99}); err != nil || k != (journal.Kept{}) {
		t.Errorf("found what is not there: %+v, %v", k, err)
	}
	open := exchange(200, 10).ID
	if err := j.Begin(&webhook.Begin{ID: open}); err != nil {
		t.Fatal(err)
	}
	if k, err := j.Find(t.Context(), open); err != nil || k.Begin == nil || k.End != nil {
		t.Errorf("a call in flight: found %+v, %v", k, err)
	}
	seen := map[webhook.ExchangeID]int{}
	if err := j.Scan(t.Context(), func(id webhook.ExchangeID, _ journal.Kept) bool { seen[id]++; return len(seen) < 30 }); err != nil {
		t.Fatal(err)
	}
	if len(seen) != 30 || seen[open] != 1 {
		t.Errorf("a scan saw %d calls, the newest %d times", len(seen), seen[open])
	}
}

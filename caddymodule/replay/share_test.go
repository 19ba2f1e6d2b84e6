package replay

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sidehook/sidehook/caddymodule/view"
	"github.com/sidehook/sidehook/webhook"
)

// What the replays of one caller send in all is bounded, however many there are and
// whatever their rates; the operator's are not.
func TestReplaysOfACallerShareARate(t *testing.T) {
	of := func(owner, tenant string, operator bool, rate float64, waits string, status webhook.ReplayStatus) *Replay {
		return &Replay{Replay: webhook.Replay{Asked: owner, Tenant: tenant, Operator: operator, Rate: rate, Status: status}, Waits: waits}
	}
	const running = webhook.ReplayRunning
	p := Replays{all: []*Replay{
		of("ann", "acme", false, 1000, "", running),
		of("ann", "acme", false, 1000, "", running),
		of("ann", "acme", false, 7, "", running),
		of("ann", "acme", false, 1000, "its circuit is open", running),
		of("ann", "acme", false, 1000, "", webhook.ReplayDone),
		of("ann", "other", false, 1000, "", running),
		of("bob", "acme", false, 150, "", running),
		of("", "", true, 1000, "", running),
		of("", "", true, 900, "", running),
	}}
	for i, want := range []float64{callerReplayed / 3.0, callerReplayed / 3.0, 7, callerReplayed / 4.0, callerReplayed / 4.0, callerReplayed, 150, 1000, 900} {
		if got := p.rate(p.all[i]); got != want {
			t.Errorf("replay %d sends %g a second, want %g", i, got, want)
		}
	}
}

// The share is what is sent.
func TestAReplayOfACallerKeepsToItsShare(t *testing.T) {
	replay(t, 3000, nil, func(x *replayed) {
		id := x.begin(1000)
		x.after(time.Second, id)
		if _, came := x.after(10*time.Second, id); came > 10*callerReplayed+callerReplayed/10 || came < 9*callerReplayed {
			t.Errorf("%d came in ten seconds, want %d", came, 10*callerReplayed)
		}
	})
}

// What is known of replays is bounded: of all, of callers in all, and of one. The oldest
// that has ended goes for a new one, its caller's own first, and none that runs; a caller
// takes nothing from the operator, and runs so many at once.
func TestReplaysMakeRoom(t *testing.T) {
	const runs, ended = webhook.ReplayRunning, webhook.ReplayDone
	of := func(n int, asked string, status webhook.ReplayStatus) (all []*Replay) {
		for range n {
			all = append(all, &Replay{Replay: webhook.Replay{Asked: asked, Operator: asked == "", Status: status, Subscription: "another"}})
		}
		return all
	}
	callers := func(n, each int, status webhook.ReplayStatus) (all []*Replay) {
		for i := range n {
			all = append(all, of(each, string(rune('A'+i)), status)...)
		}
		return all
	}
	for name, c := range map[string]struct {
		all   []*Replay
		asked string
		drop  int
		wrong string
	}{
		"there is room":                                     {slices.Concat(of(99, "", ended), callers(7, 50, ended), of(49, "ann", ended)), "ann", -1, ""},
		"of a caller that has many":                         {slices.Concat(of(3, "bob", ended), of(2, "ann", runs), of(48, "ann", ended)), "ann", 5, ""},
		"of a caller that runs many":                        {slices.Concat(of(5, "ann", ended), of(runningReplays, "ann", runs)), "ann", -1, "20 replays of yours are running"},
		"of one that runs a few less":                       {of(runningReplays-1, "ann", runs), "ann", -1, ""},
		"of the operator, who may run any":                  {of(runningReplays, "", runs), "", -1, ""},
		"of a caller, of whom there are many":               {slices.Concat(of(1, "", ended), of(2, "bob", runs), callers(8, 49, ended), of(6, "bob", runs)), "ann", 3, ""},
		"of one of them that has some":                      {slices.Concat(of(1, "", ended), callers(8, 49, ended), of(8, "ann", ended)), "ann", 393, ""},
		"of a caller, of whom all run":                      {slices.Concat(of(50, "", ended), callers(20, 20, runs)), "ann", -1, "400 replays are running"},
		"of the operator, where callers' run":               {slices.Concat(callers(20, 20, runs), of(7, "", ended)), "", -1, ""},
		"of the operator, of all that there is":             {slices.Concat(of(2, "", runs), callers(8, 50, ended), of(98, "", runs)), "", 2, ""},
		"of the operator, who has some":                     {slices.Concat(callers(8, 50, ended), of(100, "", ended)), "", 400, ""},
		"of a caller, where the operator's run":             {slices.Concat(of(view.MostReplays-2, "", runs), of(2, "bob", ended)), "ann", view.MostReplays - 2, ""},
		"of a caller, where all are the operator's":         {of(view.MostReplays, "", ended), "ann", 0, ""},
		"of a caller, where all are the operator's and run": {of(view.MostReplays, "", runs), "ann", -1, "500 replays are running"},
	} {
		p := Replays{all: c.all}
		drop, err := p.room(&webhook.Replay{Asked: c.asked, Operator: c.asked == "", Subscription: "crm"})
		if drop != c.drop || (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
			t.Errorf("one %s: %d goes, want %d: %v", name, drop, c.drop, err)
		}
	}
	p := Replays{all: of(1, "bob", runs)}
	if _, err := p.room(&webhook.Replay{Operator: true, Subscription: "another"}); err == nil || !strings.Contains(err.Error(), "is running") {
		t.Errorf("two replays of one subscription run at once: %v", err)
	}
	p.all[0].Status = ended
	if drop, err := p.room(&webhook.Replay{Operator: true, Subscription: "another"}); drop != -1 || err != nil {
		t.Errorf("behind one that has ended: %d goes, %v", drop, err)
	}
}

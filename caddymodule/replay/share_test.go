package replay

import (
	"testing"
	"time"

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

package deliver

import (
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// A circuit opens when of the attempts of the last oddsSpan, from the first one
// that failed on, there are tipLeast or more and tipShare percent of them failed.
// Attempts before the first failure do not count: a receiver that was well for
// long and now fails each time is noticed after ten attempts, however many there
// were before.
const (
	oddsSpan = 5 * time.Minute
	oddsStep = oddsSpan / 10
	tipLeast = 10
	tipShare = 70
)

// odds counts what the attempts of one subscription came to lately, in steps.
type odds struct {
	step         int64 // the newest one
	made, failed [oddsSpan / oddsStep]int
}

// count counts an attempt that ended now.
func (o *odds) count(now time.Time, failed bool) {
	step := now.UnixNano() / int64(oddsStep)
	n := int64(len(o.made))
	for passed := max(o.step+1, step-n+1); passed <= step; passed++ {
		o.made[passed%n], o.failed[passed%n] = 0, 0
	}
	o.step = max(o.step, step)
	o.made[o.step%n]++
	if failed {
		o.failed[o.step%n]++
	}
}

// sum returns the counts of all steps.
func (o *odds) sum() (made, failed int) {
	for i := range o.made {
		made += o.made[i]
		failed += o.failed[i]
	}
	return made, failed
}

// tip counts a, and reports whether the circuit of s, which is closed, is to
// open. As long as nothing fails it has nothing to do.
func (s *subscriber) tip(a *webhook.Attempt) bool {
	failed := a.Outcome == webhook.Failed
	if s.odds == nil && !failed || s.state.Opened > 0 {
		return false
	}
	if a.Outcome == webhook.Throttled || a.Outcome == webhook.Broken || a.Outcome.Withheld() {
		return false // it asks us to wait, and we do; or we are at fault; or it was not asked
	}
	if s.odds == nil {
		s.odds = new(odds)
	}
	s.odds.count(a.Started.Add(a.Latency), failed)
	switch made, bad := s.odds.sum(); {
	case bad == 0:
		s.odds = nil
	case failed && made >= tipLeast && 100*bad >= tipShare*made:
		s.odds = nil
		return true
	}
	return false
}

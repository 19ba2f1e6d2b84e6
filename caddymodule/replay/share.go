package replay

import (
	"github.com/sidehook/sidehook/caddymodule/problem"
	"github.com/sidehook/sidehook/caddymodule/view"
	"github.com/sidehook/sidehook/webhook"
)

// rate returns how many deliveries r sends in a second: what it was asked to, or of
// what its caller's may send together an even share with those that do not wait. The
// lock is held.
func (p *Replays) rate(r *Replay) float64 {
	if r.Operator {
		return r.Rate
	}
	sharing := 0
	for _, other := range p.all {
		if other == r || other.Status == webhook.ReplayRunning && other.Waits == "" && other.sameCaller(&r.Replay) {
			sharing++
		}
	}
	return min(r.Rate, callerReplayed/float64(sharing))
}

// sameCaller reports whether who asked for r asked for other.
func (r *Replay) sameCaller(other *webhook.Replay) bool {
	return r.Operator == other.Operator && r.Asked == other.Asked && r.Tenant == other.Tenant
}

// room returns which replay is forgotten so that r is not one too many, -1: none.
// Of those of r's caller the oldest that has ended goes first, and of the operator's
// one goes for a caller while callers have less than they may.
func (p *Replays) room(r *webhook.Replay) (drop int, err error) {
	mine, callers, running := 0, 0, 0
	ended, endedCallers, endedMine := -1, -1, -1 // the oldest that has
	for i, other := range p.all {
		own := other.sameCaller(r)
		runs := other.Status == webhook.ReplayRunning
		switch {
		case runs && other.Subscription == r.Subscription:
			return -1, problem.New(409, "replay %s of %s is running: wait for its end, or cancel it", other.ID, r.Subscription)
		case runs && own:
			running++
		case !runs && own && endedMine < 0:
			endedMine = i
		}
		if !runs && ended < 0 {
			ended = i
		}
		if !runs && !other.Operator && endedCallers < 0 {
			endedCallers = i
		}
		if own {
			mine++
		}
		if !other.Operator {
			callers++
		}
	}
	n, full := len(p.all), len(p.all) >= view.MostReplays
	if !r.Operator {
		if running >= runningReplays {
			return -1, problem.New(409, "%d replays of yours are running, as many as may at once: wait for one to end, or cancel it", running)
		}
		if mine >= callerReplays {
			return endedMine, nil // not all of them run
		}
		if callers >= callersReplays { // the others are the operator's
			n, full, ended = callers, true, endedCallers
		}
	}
	switch {
	case !full:
		return -1, nil
	case endedMine >= 0:
		return endedMine, nil
	case ended >= 0:
		return ended, nil
	}
	return -1, problem.New(409, "%d replays are running, as many as may be: try again when one has ended", n)
}

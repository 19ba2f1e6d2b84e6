package engine

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/sidehook/sidehook/caddymodule/problem"
	"github.com/sidehook/sidehook/caddymodule/view"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

const (
	// mostReplayed is how many deliveries of one replay are owed at once, those
	// that wait for another attempt included: a receiver that refuses them all
	// ends up with so many retries, not with all there ever was.
	mostReplayed = 100

	// Of the [view.MostReplays] that are known, as many are the operator's at any time as callers may not have, in
	// all; one caller may have some of them, and of those fewer that run.
	callersReplays = 400
	callerReplays  = 50
	runningReplays = 20

	// callerReplayed is how many deliveries all replays of one caller send in a second
	// at most, whatever their rates are: all its receivers may be one stranger's.
	callerReplayed = 200
)

// replays are the replays of an engine: what one goroutine works off.
type replays struct {
	wake chan struct{}

	mu  sync.Mutex
	all []*Replaying // oldest first
}

// Replaying is a replay, and what memory knows of one that runs.
type Replaying struct {
	webhook.Replay
	Waits  string               // why it does not go on; "": it does
	Owed   []webhook.DeliveryID // that it made due, and that are not settled
	fresh  int                  // of owed, those that were not attempted yet
	found  bool                 // owed was looked for after a start
	tokens float64
	turn   time.Time // the last one; zero: none yet
}

// load reads what replays there are.
func (p *replays) load(ctx context.Context, s store.Replays) error {
	p.wake = make(chan struct{}, 1)
	all, err := s.AllReplays(ctx)
	for _, r := range all {
		p.all = append(p.all, &Replaying{Replay: r})
	}
	return err
}

// running returns those that go on.
func (p *replays) running() (all []*Replaying) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.all {
		if r.Status == webhook.ReplayRunning {
			all = append(all, r)
		}
	}
	return all
}

// Get returns the replay of an id as it is now.
func (p *replays) Get(id webhook.ReplayID) (Replaying, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.all {
		if r.ID == id {
			return *r, true
		}
	}
	return Replaying{}, false
}

// List returns them as they are now, newest first.
func (p *replays) List() (all []Replaying) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range slices.Backward(p.all) {
		all = append(all, *r)
	}
	return all
}

// StartReplay keeps r and lets it run. There is one at a time of a subscription.
func (e *Engine) StartReplay(ctx context.Context, r webhook.Replay) error {
	p := &e.Replays
	p.mu.Lock()
	defer p.mu.Unlock()
	drop, err := p.room(&r)
	if err != nil {
		return err
	}
	if drop >= 0 {
		if err := e.Store.DropReplay(ctx, p.all[drop].ID); err != nil {
			return err
		}
		p.all = slices.Delete(p.all, drop, drop+1)
	}
	if _, err := e.Store.PutReplay(ctx, r, time.Now().UTC()); err != nil {
		return err
	}
	p.all = append(p.all, &Replaying{Replay: r, found: true})
	e.Logger.Info("replay begins", "replay", string(r.ID), "subscription", string(r.Subscription), "low", r.Low, "high", r.High, "asked", r.Asked)
	select {
	case p.wake <- struct{}{}:
	default:
	}
	return nil
}

// rate returns how many deliveries r sends in a second: what it was asked to, or of
// what its caller's may send together an even share with those that do not wait. The
// lock is held.
func (p *replays) rate(r *Replaying) float64 {
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
func (r *Replaying) sameCaller(other *webhook.Replay) bool {
	return r.Operator == other.Operator && r.Asked == other.Asked && r.Tenant == other.Tenant
}

// room returns which replay is forgotten so that r is not one too many, -1: none.
// Of those of r's caller the oldest that has ended goes first.
func (p *replays) room(r *webhook.Replay) (drop int, err error) {
	mine, callers, running := 0, 0, 0
	ended, endedMine := -1, -1 // the oldest of those that may go for r
	for i, other := range p.all {
		own := other.sameCaller(r)
		runs := other.Status == webhook.ReplayRunning
		switch {
		case runs && other.Subscription == r.Subscription:
			return -1, problem.New(409, "replay %s of %s is running: wait for its end, or cancel it", other.ID, r.Subscription)
		case !runs && own && endedMine < 0:
			endedMine = i
		}
		if !runs && ended < 0 && (r.Operator || !other.Operator) {
			ended = i
		}
		if own {
			mine++
		}
		if own && runs {
			running++
		}
		if !other.Operator {
			callers++
		}
	}
	full := len(p.all) >= view.MostReplays
	if !r.Operator {
		if running >= runningReplays {
			return -1, problem.New(409, "%d replays of yours are running, as many as may at once: wait for one to end, or cancel it", running)
		}
		if mine >= callerReplays {
			return endedMine, nil // not all of them run
		}
		full = full || callers >= callersReplays
	}
	switch {
	case !full:
		return -1, nil
	case endedMine >= 0:
		return endedMine, nil
	case ended >= 0:
		return ended, nil
	}
	return -1, problem.New(409, "%d replays are running, as many as may be: try again when one has ended", len(p.all))
}

package deliver

import (
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// roster knows the subscriptions, what each has ready to be attempted, and
// whose turn it is. Its methods want [Deliverer].mu held.
type roster struct {
	subs map[webhook.SubscriptionID]*subscriber

	turns []*subscriber // first in, first out: something ready and a free slot
	asks  []*subscriber // first in, first out: to be asked of the queue

	ready    int // claimed ahead, over all
	maxReady int

	slots    int // attempts that may be under way at once
	inFlight int
	tight    bool // somebody was passed over for want of slots

	load load // of what is in flight

	unsettled    int // attempts made and not recorded
	maxUnsettled int

	alarms alarms

	unsaved map[webhook.SubscriptionID]*subscriber // whose state is not durable
}

// subscriber is a subscription at work.
type subscriber struct {
	id   webhook.SubscriptionID
	plan *plan // nil: absent from the configuration, or not usable

	state   webhook.SubscriptionState
	version uint64 // of state
	removed bool   // deleted: its state is written no more

	rate *bucket   // nil: it has no rate
	odds *odds     // nil: no attempt has failed lately
	rest time.Time // until when nothing is tried because the API does not say what may be seen

	ready    []webhook.Delivery // claimed, not yet attempted
	inFlight int
	bytes    int // of what is in flight
	inTurns  bool

	ask    bool      // the queue may have more
	inAsks bool      // in roster.asks
	next   time.Time // when to ask again; zero: not by time
	epoch  uint64    // counts what makes a claim under way void
	claims backoff   // of claims that failed

	alarm    time.Time // when it is looked at, if it is in roster.alarms
	inAlarms int       // where it is there
}

func (r *roster) init(slots, bytes int) {
	unsettled := 2 * slots
	r.slots, r.load.most = slots, bytes
	r.subs = map[webhook.SubscriptionID]*subscriber{}
	r.unsaved = map[webhook.SubscriptionID]*subscriber{}
	r.maxUnsettled = unsettled
	r.maxReady = 4 * unsettled
}

// eligible reports whether s may be attempted now. Its rate is asked apart, by
// [roster.take]: it ends so often that what is claimed is kept meanwhile.
func (s *subscriber) eligible(now time.Time) bool {
	return s.plan != nil && s.state.Status == webhook.Active && !now.Before(s.waits())
}

// waits returns when s may be tried again; it may have passed.
func (s *subscriber) waits() time.Time {
	if at := s.state.Waits(); at.After(s.rest) {
		return at
	}
	return s.rest
}

// restMost bounds the rest of a subscriber whose API does not say what it may
// see: then each of its deliveries is put off, which is a write, and one a second
// shows as well as a thousand when that is over. What goes elsewhere rests no
// longer.
const restMost = time.Second

// withheld notes that a delivery of s was withheld: nothing was sent, so its rate
// is not used up.
func (s *subscriber) withheld(a *webhook.Attempt, now time.Time) {
	if s.rate != nil {
		s.rate.giveBack()
	}
	if a.Outcome != webhook.Unasked {
		return
	}
	if s.rest = now.Add(restMost); a.RetryAt.Before(s.rest) {
		s.rest = a.RetryAt
	}
}

// room returns how many deliveries to claim for s: enough to keep its slots
// busy, asked for when half of that is used up.
func (r *roster) room(s *subscriber) int {
	want := 2 * s.plan.concurrency
	if s.rate != nil {
		want = min(want, s.rate.ahead())
	}
	if r.ready >= r.maxReady || s.state.Opened > 0 {
		want = 1
	}
	if len(s.ready) > want/2 {
		return 0
	}
	return want - len(s.ready)
}

// asked notes that the queue may have something for s. It reports whether the
// dispatcher has to be woken.
func (r *roster) asked(s *subscriber, now time.Time) bool {
	s.ask = true
	return r.consider(s, now)
}

// consider lets s ask if it has to and may; else it is looked at again when a wait
// of it ends.
func (r *roster) consider(s *subscriber, now time.Time) bool {
	r.arm(s, now)
	if !s.ask || s.inAsks || !s.eligible(now) || r.room(s) == 0 {
		return false
	}
	s.inAsks = true
	r.asks = append(r.asks, s)
	return true
}

// nextAsk takes the subscriber that is to be asked of the queue, and for how
// many deliveries.
func (r *roster) nextAsk(now time.Time) (s *subscriber, max int) {
	for len(r.asks) > 0 {
		s, r.asks = r.asks[0], r.asks[1:]
		s.inAsks = false
		if !s.eligible(now) {
			r.arm(s, now) // who let it ask may have looked at the clock later
			continue
		}
		if max = r.room(s); max > 0 {
			s.ask, s.next = false, time.Time{}
			return s, max
		}
	}
	return nil, 0
}

// take puts the delivery whose turn it is into d, and returns whose it is; nil
// if it is nobody's turn.
func (r *roster) take(now time.Time, d *webhook.Delivery) (s *subscriber) {
	if r.unsettled >= r.maxUnsettled {
		return nil
	}
	var passed []*subscriber // for whom there is no room now
	defer func() {
		for _, s := range passed {
			r.queueUp(s)
		}
	}()
	for len(r.turns) > 0 {
		s, r.turns = r.turns[0], r.turns[1:]
		s.inTurns = false
		r.load.leave(s)
		if s.free() <= 0 || !s.eligible(now) {
			continue
		}
		if !r.leaves(s) || !r.load.fits(s, weight(s.plan, &s.ready[0]), now) {
			passed = append(passed, s)
			continue
		}
		if s.rate != nil && !s.rate.take(now) {
			r.alarms.wake(s, s.rate.next())
			continue
		}
		*d, s.ready = s.ready[0], s.ready[1:]
		r.ready--
		s.inFlight++
		r.inFlight++
		r.load.add(s, weight(s.plan, d))
		r.queueUp(s)
		return s
	}
	return nil
}

// slotsReserved is the part of the slots that is left to subscribers that have none.
const slotsReserved = 4

// leaves reports whether s leaves slots to others if it takes one more: it may have
// as many as stay free beside it and beside those that are reserved. So a receiver
// that hangs takes some from the others, whatever its concurrency is, and many that
// hang take one each of what is reserved.
func (r *roster) leaves(s *subscriber) bool {
	if s.inFlight == 0 || s.inFlight < r.slots-r.inFlight-r.slots/slotsReserved {
		return true
	}
	r.tight = true
	return false
}

// queueUp puts s at the end of the turns if it can use one.
func (r *roster) queueUp(s *subscriber) {
	if !s.inTurns && s.free() > 0 {
		s.inTurns = true
		r.turns = append(r.turns, s)
	}
}

// free returns how many deliveries of s could be attempted at once now.
func (s *subscriber) free() int {
	if s.plan == nil {
		return 0
	}
	slots := s.plan.concurrency
	if s.state.Opened > 0 {
		slots = 1 // half open: one is tried
	}
	return max(0, min(len(s.ready), slots-s.inFlight))
}

// runnable returns how many deliveries could be attempted at once now.
func (r *roster) runnable() (n int) {
	for _, s := range r.turns {
		n += s.free()
	}
	return n
}

// drop empties what s has ready and returns the ids, to be unclaimed. What a
// claim under way will bring is void.
func (r *roster) drop(s *subscriber) []webhook.DeliveryID {
	var ids []webhook.DeliveryID
	for i := range s.ready {
		ids = append(ids, s.ready[i].ID)
	}
	r.ready -= len(s.ready)
	s.ready = nil
	s.ask = true
	s.epoch++
	return ids
}

// set gives s a new state, to be made durable. It reports whether the status
// changed.
func (r *roster) set(s *subscriber, state webhook.SubscriptionState) bool {
	if state == s.state {
		return false
	}
	changed := state.Status != s.state.Status
	s.state = state
	s.version++
	if !s.removed {
		r.unsaved[s.id] = s
	}
	return changed
}

// saved notes that version of s's state is durable.
func (r *roster) saved(s *subscriber, version uint64) {
	if s.version == version {
		delete(r.unsaved, s.id)
	}
}

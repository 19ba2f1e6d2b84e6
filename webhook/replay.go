package webhook

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Replay sends recorded events again to one subscription, slowly and behind all
// else: the same events, with the same webhook-id. It goes through positions
// upwards and survives restarts.
type Replay struct {
	ID           ReplayID
	Subscription SubscriptionID

	// Which events: those of positions from Low, below High, whose scope one of
	// Scopes selects (none: all), and of which the delivery is in one of States.
	Low, High uint64
	Scopes    []Pattern
	States    []DeliveryState

	// Missed: also events of which there is no delivery, and which the
	// subscription would want if they were recorded now.
	Missed bool

	Rate float64 // deliveries in a second, at most

	Status ReplayStatus
	Reason string // in words, of one that was cancelled by itself

	Next   uint64 // the position that it looks at next
	Queued uint64 // how many deliveries it has made due
	Asked  string // the owner who asked for it; "" for nobody known
	Tenant string // whose tenant that is

	// Operator says that nobody's owner asked, but who runs Sidehook.
	Operator bool

	// Repeat tells a repeat of the call that began it: a hash of the key that it
	// carried, and one of its body. "": it carried none.
	Repeat string

	Created time.Time
	Ended   time.Time // zero: it runs
}

// ReplayID is "rpl_" and 26 characters. Ids sort by time.
type ReplayID string

// ReplayStatus says whether a replay goes on.
type ReplayStatus string

const (
	ReplayRunning   ReplayStatus = "running"
	ReplayDone      ReplayStatus = "done"      // all that it selects was made due
	ReplayCancelled ReplayStatus = "cancelled" // by a call, or with its subscription
)

// NewReplayID returns a fresh id.
func NewReplayID(now time.Time) ReplayID {
	var raw [16]byte
	x := NewExchangeID(now)
	copy(raw[:6], x[:6])
	rand.Read(raw[6:])
	return ReplayID("rpl_" + idText.EncodeToString(raw[:]))
}

// Selects reports whether r sends deliveries in state s again.
func (r *Replay) Selects(s DeliveryState) bool { return slices.Contains(r.States, s) }

// Takes reports whether r is about events of scope.
func (r *Replay) Takes(scope string) bool {
	return len(r.Scopes) == 0 || slices.ContainsFunc(r.Scopes, func(p Pattern) bool { return p.Match(scope) })
}

// End returns r ended.
func (r Replay) End(status ReplayStatus, reason string, now time.Time) Replay {
	r.Status, r.Reason, r.Ended = status, reason, now
	return r
}

// CheckStates returns an error that says what to write if a state cannot be
// replayed: what is owed is sent anyway.
func (r *Replay) CheckStates() error {
	for _, s := range r.States {
		if !s.Final() || !slices.Contains(DeliveryStates(), s) {
			return fmt.Errorf("state %q cannot be replayed: write %s, or missed", s, finalStates())
		}
	}
	return nil
}

func finalStates() string {
	var names []string
	for _, s := range DeliveryStates() {
		if s.Final() {
			names = append(names, string(s))
		}
	}
	return strings.Join(names, ", ")
}

// replayLane stands before the lane of a delivery that a replay made due. So
// replayed deliveries of one entity keep their order, and what is recorded
// meanwhile does not wait for them.
const replayLane = "replay "

// Earlier is how a delivery stood before a replay made it due again.
type Earlier struct {
	State    DeliveryState // a final one
	Reason   string
	Attempts int
	Priority Priority
	Settled  time.Time
}

// Replayed returns d, which is final or new, pending for a replay: due now, with
// a fresh schedule, behind live and retried deliveries, and in a lane beside that
// of live ones. One that is final remembers how it stood.
func (d Delivery) Replayed(now time.Time) Delivery {
	var earlier *Earlier
	if d.State.Final() {
		earlier = &Earlier{d.State, d.Reason, d.Attempts, d.Priority, d.Settled}
	}
	d = d.Retry(now)
	d.Priority, d.Earlier = Replaying, earlier
	if d.Lane != "" {
		d.Lane = replayLane + d.Lane
	}
	return d
}

// Beside reports whether d is in the lane of a replay, beside that of live ones.
func (d *Delivery) Beside() bool { return strings.HasPrefix(d.Lane, replayLane) }

// asEarlier returns d, which is pending for a replay, as it stood before: what
// was made of it meanwhile is told by its attempts.
func (d Delivery) asEarlier() Delivery {
	was := d.Earlier
	d = d.settle(was.State, was.Reason, was.Settled)
	d.Attempts, d.Priority = was.Attempts, was.Priority
	return d
}

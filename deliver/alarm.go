package deliver

import (
	"container/heap"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// alarms are the subscribers of which a wait may end by itself, the soonest first.
// Each is in there once. Their methods are those of [heap.Interface].
type alarms []*subscriber

func (a alarms) Len() int           { return len(a) }
func (a alarms) Less(i, j int) bool { return a[i].alarm.Before(a[j].alarm) }

func (a alarms) Swap(i, j int) {
	a[i], a[j] = a[j], a[i]
	a[i].inAlarms, a[j].inAlarms = i, j
}

// Push is for the heap.
func (a *alarms) Push(s any) {
	s.(*subscriber).inAlarms = len(*a)
	*a = append(*a, s.(*subscriber))
}

// Pop is for the heap.
func (a *alarms) Pop() any {
	last := len(*a) - 1
	s := (*a)[last]
	(*a)[last] = nil
	*a, s.alarm = (*a)[:last], time.Time{}
	return s
}

// first returns when the soonest is; zero: there is none.
func (a alarms) first() time.Time {
	if len(a) == 0 {
		return time.Time{}
	}
	return a[0].alarm
}

// wake sees to it that s is looked at, at the latest, at a time.
func (a *alarms) wake(s *subscriber, at time.Time) {
	switch {
	case at.IsZero(), !s.alarm.IsZero() && !at.Before(s.alarm):
	case s.alarm.IsZero():
		s.alarm = at
		heap.Push(a, s)
	default:
		s.alarm = at
		heap.Fix(a, s.inAlarms)
	}
}

// forget takes s out.
func (a *alarms) forget(s *subscriber) {
	if !s.alarm.IsZero() {
		heap.Remove(a, s.inAlarms)
	}
}

// ring lets those ask whose wait is over. Those that wait for their rate get a turn.
func (r *roster) ring(now time.Time) {
	for len(r.alarms) > 0 && !r.alarms[0].alarm.After(now) {
		s := heap.Pop(&r.alarms).(*subscriber)
		if s.rate != nil {
			r.queueUp(s) // take looks at the rate
		}
		if !s.next.IsZero() && !s.next.After(now) {
			s.next, s.ask = time.Time{}, true
		}
		r.consider(s, now)
	}
}

// arm sees to it that s is looked at when a wait of it ends by itself.
func (r *roster) arm(s *subscriber, now time.Time) {
	switch {
	case s.plan == nil || s.state.Status != webhook.Active:
	case now.Before(s.waits()):
		r.alarms.wake(s, s.waits())
	case !s.ask:
		r.alarms.wake(s, s.next)
	}
}

package badger

import (
	"context"
	"fmt"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// Claim implements [store.Queue]. It reads the disk only for what the windows
// do not show.
func (s *Store) Claim(ctx context.Context, sub webhook.SubscriptionID, through uint64, now time.Time, max int) ([]webhook.Delivery, time.Time, error) {
	if s.queue.hold(sub).boundary != through {
		if err := s.holdThrough(ctx, sub, through); err != nil {
			return nil, time.Time{}, fmt.Errorf("claim of %s: %w", sub, err)
		}
	}
	ds, next, err := s.queue.claim(sub, now, max)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("claim of %s: %w", sub, err)
	}
	return ds, next, nil
}

// claiming is one call of Claim.
type claiming struct {
	q    *queue
	v    *view
	l    *line
	now  uint64
	max  int
	ds   []webhook.Delivery
	next uint64 // the earliest time at which there is more; 0: unknown
}

func (q *queue) claim(sub subscription, now time.Time, max int) ([]webhook.Delivery, time.Time, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.lines[sub]
	if l == nil || l.pending == 0 || max <= 0 {
		return nil, time.Time{}, nil
	}
	v, err := q.s.views.get()
	if err != nil {
		return nil, time.Time{}, err
	}
	defer v.release()
	l.claimed = now
	c := claiming{q: q, v: v, l: l, now: nanos(now), max: max}
	for p := range l.windows {
		if err := c.window(webhook.Priority(p)); err != nil {
			for i := range c.ds {
				q.unclaim(tailOf(c.ds[i].ID))
			}
			return nil, time.Time{}, err
		}
	}
	return c.ds, fromNanos(c.next), nil
}

// window gives out what is due of one priority, queued or fresh, reading on
// while that brings more.
func (c *claiming) window(p webhook.Priority) error {
	queued, fresh := &c.l.windows[p], &c.l.fresh[p]
	for i, j := 0, 0; ; {
		if i == len(queued.items) && !queued.whole {
			if err := c.q.refill(c.v, c.l, p, refillN); err != nil {
				return err
			}
			continue
		}
		w, at := queued, &i
		if i == len(queued.items) || j < len(fresh.items) && fresh.items[j].before(queued.items[i].queuePlace) {
			w, at = fresh, &j
		}
		if *at == len(w.items) {
			return nil
		}
		it := w.items[*at]
		switch {
		case it.due > c.now:
			c.soon(it.due)
			return nil
		case !c.free(it):
			*at++
		case len(c.ds) == c.max:
			c.soon(c.now)
			return nil
		default:
			if err := c.give(w, *at); err != nil {
				return err
			}
		}
	}
}

func (c *claiming) soon(due uint64) {
	if due != never && (c.next == 0 || due < c.next) {
		c.next = due
	}
}

// free reports whether nothing of it's lane is given out, or yet to be queued
// in front of it.
func (c *claiming) free(it *item) bool {
	if it.lane == "" {
		return true
	}
	return !c.l.busy[it.lane] && (c.q.floor == 0 || it.position <= c.q.floor)
}

// give gives out the item at i.
func (c *claiming) give(w *window, i int) error {
	it := w.items[i]
	if it.delivery == nil {
		v, err := c.stored(it.place)
		if err != nil {
			return err
		}
		if it.delivery, err = decodeDelivery(it.place, v.bytes); err != nil {
			return err
		}
	}
	w.take(i)
	if !it.fresh {
		c.q.shownN--
	}
	c.q.out[it.tail] = it
	if it.lane != "" {
		c.l.busy[it.lane] = true
	}
	c.ds = append(c.ds, *it.delivery)
	return nil
}

func (c *claiming) stored(p place) (value, error) {
	k := keyDelivery(p)
	if v, ok := c.q.s.values.get(string(k)); ok && v.found() {
		return v, nil
	}
	return c.v.get(k)
}

// Unclaim implements [store.Queue].
func (s *Store) Unclaim(ids ...webhook.DeliveryID) {
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	for _, id := range ids {
		s.queue.unclaim(tailOf(id))
	}
	s.queue.signal()
}

func (q *queue) unclaim(tail uint64) {
	if it := q.out[tail]; it != nil {
		q.back(tail)
		if it.fresh {
			q.showFresh(it)
		} else if !it.behind && it.line.hold.section(it.position) == it.line.hold.open {
			q.insert(it)
		}
	}
}

// Waiting implements [store.Queue].
func (s *Store) Waiting() <-chan map[subscription]bool { return s.queue.waiting }

// Pending implements [store.Queue].
func (s *Store) Pending(sub webhook.SubscriptionID) uint64 {
	return s.queue.pending(sub)
}

// Backlogs implements [store.Queue]. The oldest of a subscription of which all
// is given out is the present.
func (s *Store) Backlogs(context.Context) ([]webhook.Backlog, error) {
	q := s.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	v, err := s.views.get()
	if err != nil {
		return nil, err
	}
	defer v.release()
	var all []webhook.Backlog
	for sub, l := range q.lines {
		if l.pending == 0 {
			continue
		}
		oldest, err := q.oldest(v, l)
		if err != nil {
			return nil, fmt.Errorf("backlog of %s: %w", sub, err)
		}
		all = append(all, webhook.Backlog{Subscription: sub, Pending: l.pending, Oldest: oldest})
	}
	return all, nil
}

// oldest returns when the first delivery of l is, or was, due: of those that
// wait, those that are held and those that are given out.
func (q *queue) oldest(v *view, l *line) (time.Time, error) {
	due := uint64(0)
	earlier := func(d uint64) {
		if d != never && (due == 0 || d < due) {
			due = d
		}
	}
	for p := range l.windows {
		w := &l.windows[p]
		if len(w.items) == 0 && !w.whole {
			if err := q.refill(v, l, webhook.Priority(p), 1); err != nil {
				return time.Time{}, err
			}
		}
		for _, items := range [][]*item{w.items, l.fresh[p].items} {
			if len(items) > 0 {
				earlier(items[0].due)
			}
		}
		if l.hold.boundary == 0 {
			continue
		}
		prefix := keySection(l.id, 1-l.hold.open).byte(byte(p))
		k, err := v.first(scan{prefix: prefix})
		if err != nil {
			return time.Time{}, err
		}
		if at, ok := parseQueued(k[min(len(k), len(prefix)-1):]); ok {
			earlier(at.due)
		}
	}
	for _, it := range q.out {
		if it.line == l {
			earlier(it.due)
		}
	}
	return fromNanos(due), nil
}

// Awaited implements [store.Queue]. Of lanes that are queued on disk it is not
// known what follows, so it says yes.
func (s *Store) Awaited(id webhook.DeliveryID) bool {
	q := s.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	it := q.out[tailOf(id)]
	return it != nil && it.lane != "" && (!it.fresh || len(it.line.lanes[it.lane]) > 1)
}

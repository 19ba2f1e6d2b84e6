package missed

import (
	"context"
	"slices"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// Recorder is where gaps are recorded; see [derive.Deriver.Gap].
type Recorder interface {
	Gap(ctx context.Context, x webhook.ExchangeID, key webhook.EntityKey, g webhook.Gap) error
}

// Run records a gap of each resource whenever calls can be journaled again, until ctx ends.
func (l *List) Run(ctx context.Context, to Recorder, healthy func() bool) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if !l.Since().IsZero() && healthy() {
			l.Record(ctx, to)
		}
	}
}

// Record records the gap of each resource. A call that is missed from now on
// begins another one.
func (l *List) Record(ctx context.Context, to Recorder) {
	l.mu.Lock()
	l.owed = l.all()
	clear(l.calls)
	owed, expects := slices.Clone(l.owed), len(l.expected) > 0
	l.mu.Unlock()
	if expects { // what covered them is being recorded
		l.keep()
	}
	for _, c := range owed {
		if err := to.Gap(ctx, c.gap, c.key, c.asGap()); err != nil {
			l.log.Error("a gap could not be recorded yet", "resource", c.key.Resource, "error", err)
			continue
		}
		l.mu.Lock()
		l.owed = slices.DeleteFunc(l.owed, func(o *calls) bool { return o == c })
		l.mu.Unlock()
		l.keep()
	}
}

// Leave leaves to the next process what is not recorded.
func (l *List) Leave() {
	since := l.Since()
	if since.IsZero() {
		return
	}
	if l.keep() {
		l.log.Error("calls were missed, and no gap that says so could be recorded; the next start does it", "since", since)
	} else {
		l.log.Error("calls were missed, and no gap will say so: nothing could be written", "since", since)
	}
}

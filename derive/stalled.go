package derive

import (
	"context"
	"sync/atomic"
	"time"
)

// stalled remembers since when deriving waits for something, and for what.
type stalled struct{ now atomic.Pointer[stall] }

type stall struct {
	since time.Time
	why   string
}

func (s *stalled) note(err error) {
	st := &stall{since: time.Now(), why: err.Error()}
	if old := s.now.Load(); old != nil {
		st.since = old.since
	}
	s.now.Store(st)
}

// Stalled reports whether deriving waits for the store or the journal, since
// when and why. What it has not derived is in the journal meanwhile.
func (d *Deriver) Stalled() (since time.Time, why string, yes bool) {
	st := d.stalled.now.Load()
	if st == nil {
		return time.Time{}, "", false
	}
	return st.since, st.why, true
}

// goesOn is called for every exchange that is recorded.
func (d *Deriver) goesOn() {
	if d.stalled.now.Load() == nil {
		return
	}
	if st := d.stalled.now.Swap(nil); st != nil {
		d.Logger.Info("deriving goes on", "waited", time.Since(st.since).Round(time.Millisecond))
	}
}

// pause logs err with what it was about, and waits. It reports false if ctx
// ended.
func (d *Deriver) pause(ctx context.Context, err error, wait time.Duration, about ...any) bool {
	if ctx.Err() != nil {
		return false
	}
	d.stalled.note(err)
	d.Logger.Error("deriving waits, and tries again", append(about, "error", err, "again_in", wait)...)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

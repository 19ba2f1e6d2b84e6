package journal

import (
	"time"
)

// health is guarded by Journal.mu.
type health struct {
	err    error // nil: it writes
	since  time.Time
	bySync bool // err is one of fdatasync
}

// fail notes that an append or a sync failed.
func (h *health) fail(err error, bySync bool) {
	if h.err == nil {
		h.since = time.Now()
	}
	h.err = err
	h.bySync = h.bySync || bySync
}

// wrote notes that something was written, or synced.
func (h *health) wrote(synced bool) {
	if h.err != nil && (synced || !h.bySync) {
		*h = health{}
	}
}

// Health says whether the journal is degraded: the last append failed, or the
// last sync, and none has succeeded since. since and reason are of the first
// and the last failure.
func (j *Journal) Health() (degraded bool, since time.Time, reason string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.health.err == nil {
		return false, time.Time{}, ""
	}
	return true, j.health.since, j.health.err.Error()
}

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

// wrote notes that something was written, or synced, and reports whether that
// is news.
func (h *health) wrote(synced bool) bool {
	if h.err == nil || h.bySync && !synced {
		return false
	}
	*h = health{}
	return true
}

// fail notes in the health that an append or a sync failed, and has the keeper
// find out when they work again: traffic may wait for that. The caller holds mu.
func (j *Journal) fail(err error, bySync bool) {
	if j.health.err == nil {
		kick(j.keepKick)
	}
	j.health.fail(err, bySync)
}

// wrote notes in the health that something was written, or synced. The caller
// holds mu.
func (j *Journal) wrote(synced bool) {
	if j.health.wrote(synced) {
		kick(j.keepKick) // for begins to close
	}
}

// probeEvery is how often a degraded journal is tried.
const probeEvery = time.Second

// probe tries a degraded journal: it prepares a segment, if there is none,
// appends a frame that no reader sees, and has it synced. It is for the keeper,
// and returns when to call it again; nil: not before the next failure.
func (j *Journal) probe() (again <-chan time.Time) {
	j.mu.Lock()
	if j.health.err == nil {
		j.mu.Unlock()
		return nil
	}
	if wait := probeEvery - time.Since(j.probed); wait > 0 {
		j.mu.Unlock()
		return time.After(wait)
	}
	j.probed = time.Now()
	j.beginToPrepare()
	j.mu.Unlock()
	j.keepPrepared()
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, err := j.write(header{kind: kindProbe}, make([]byte, headerSize), patience{}); err == nil {
		j.join() // the sync that ends well restores the health
	}
	return time.After(probeEvery)
}

// Health says whether the journal is degraded: the last append failed, or the
// last sync, and none has succeeded since. It is tried every second, so the
// journal recovers without any traffic. since and reason are of the first and
// the last failure.
func (j *Journal) Health() (degraded bool, since time.Time, reason string) {
	if !j.lock(&j.mu) {
		return true, time.Now().Add(-j.stuckFor()), errSlow.Error()
	}
	defer j.mu.Unlock()
	if j.health.err == nil {
		return false, time.Time{}, ""
	}
	return true, j.health.since, j.health.err.Error()
}

package journal

import "errors"

// Scrub sees to it that nothing that is in the journal now outlives its need: no
// file of the segments there are is used for another one, where what it held
// would lie until it is written over, and the one being written is ended, so
// that it goes as soon as its exchanges are recorded. It returns the highest
// number of these segments: when [Stats.First] is above it, they are gone. It
// returns at once, and needs room for a segment to succeed.
func (j *Journal) Scrub() (through uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.scrub = j.newest
	if j.preparing {
		j.scrub++
	}
	kick(j.keepKick)
	return j.scrub
}

// keepScrubbed ends segments up to what Scrub asked for, and removes their
// spares. It is for the keeper.
func (j *Journal) keepScrubbed() {
	j.mu.Lock()
	through := j.scrub
	j.mu.Unlock()
	if through <= j.scrubbed {
		return
	}
	var errs error
	for _, name := range j.spares {
		errs = errors.Join(errs, j.fs.Remove(name))
	}
	if errs = errors.Join(errs, j.fs.SyncDir()); errs != nil {
		j.log.Warn("what was erased may be in a file of the journal still", "error", errs)
	}
	j.spares = nil
	for j.turn(through) {
		j.keepPrepared()
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.active == nil || j.active.number > through {
		j.scrubbed = through
	}
}

// turn goes over to the next segment while the active one is not above through,
// and reports whether there is more to do for that.
func (j *Journal) turn(through uint64) bool {
	j.mu.Lock()
	if j.next == nil {
		j.beginToPrepare()
		j.mu.Unlock()
		j.keepPrepared()
		j.mu.Lock()
	}
	defer j.mu.Unlock()
	if j.closed || j.active == nil || j.active.number > through || j.next == nil {
		return false
	}
	j.retire(true)
	return j.activate()
}

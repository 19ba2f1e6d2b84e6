package journal

import (
	"errors"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/wire"
	"github.com/sidehook/sidehook/webhook"
)

// A begin is open until its end is written. One that is over without an end is
// closed by the end of a rejected call, which says no more than that.

// note keeps account of what was written at the place.
func (j *Journal) note(k kind, id webhook.ExchangeID, at place) {
	switch k {
	case kindBegin, kindCopy:
		j.closeBegin(id)
		j.open[id] = at
		at.segment.begins++
	case kindEnd, kindRejected:
		j.closeBegin(id)
		delete(j.unclosed, id)
	}
}

// closeBegin reports whether it was open. The caller holds mu.
func (j *Journal) closeBegin(id webhook.ExchangeID) bool {
	at, ok := j.open[id]
	if ok {
		at.segment.begins--
		delete(j.open, id)
		j.kickIfDroppable()
	}
	return ok
}

// DoneBegin implements [store.Journal].
func (j *Journal) DoneBegin(id webhook.ExchangeID) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closeBegin(id) && j.writeClose(id) != nil {
		j.unclosed[id] = struct{}{}
	}
}

// giveUp lets go of the begin of a call that could not be journaled: whoever got
// err sees to it that a gap covers the call. On disk the begin is closed once
// the journal can write again; until then, that is if the process dies first,
// the next start may as well find it open.
func (j *Journal) giveUp(id webhook.ExchangeID, err error) {
	if !errors.Is(err, store.ErrJournalDown) {
		return
	}
	if !j.lock(&j.mu) {
		j.refused.add(id)
		kick(j.keepKick) // which waits for the disk, and closes the begin then
		return
	}
	defer j.mu.Unlock()
	if j.closeBegin(id) && !j.closed {
		j.unclosed[id] = struct{}{}
		if j.health.err == nil { // it has recovered meanwhile
			kick(j.keepKick)
		}
	}
}

// closeLater closes on disk what could not be closed when it was over. There
// are not more of these than begins fit into the space that was reserved.
func (j *Journal) closeLater() {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, id := range j.refused.take() {
		if j.closeBegin(id) {
			j.unclosed[id] = struct{}{}
		}
	}
	for id := range j.unclosed {
		if j.health.err != nil || j.writeClose(id) != nil {
			return // a failure, or a segment that is full, brings the keeper back
		}
	}
}

// writeClose appends an end that closes a begin. The caller holds mu.
func (j *Journal) writeClose(id webhook.ExchangeID) error {
	x := webhook.Exchange{ID: id, Ending: webhook.Rejected}
	buf := wire.AppendExchange(make([]byte, headerSize, 2*headerSize), &x)
	h := header{id: id, kind: kindRejected, length: len(buf) - headerSize, sum: checksum(buf[headerSize:])}
	at, err := j.write(h, buf, patience{})
	if err == nil {
		j.note(kindRejected, id, at)
	}
	return err
}

package journal

import (
	"fmt"
	"runtime"
	"time"

	"github.com/sidehook/sidehook/store"
)

// batch is what one fdatasync makes durable: everything written to its segment
// when the sync begins.
type batch struct {
	segment *segment
	joined  int           // calls that wait
	final   bool          // the segment gets no more
	done    chan struct{} // closed when err is set
	err     error
}

func newBatch(s *segment) *batch { return &batch{segment: s, done: make(chan struct{})} }

// join makes the caller, which holds mu, wait for the present batch.
func (j *Journal) join() *batch {
	j.batch.joined++
	j.waiting.Add(1)
	kick(j.commitKick)
	return j.batch
}

// commitLoop syncs batches until the journal stops, and then what is left.
func (j *Journal) commitLoop() {
	for {
		select {
		case <-j.commitKick:
			j.gather()
			j.commit()
		case <-j.stop:
			j.commit()
			return
		}
	}
}

// gather yields to calls that are about to join, so that they share the sync:
// as long as that lets the batch grow, and 8 times at most.
func (j *Journal) gather() {
	joined := j.waiting.Load()
	for range 8 {
		runtime.Gosched()
		now := j.waiting.Load()
		if now == joined {
			return
		}
		joined = now
	}
}

// commit syncs what is queued and then the active segment, in this order.
func (j *Journal) commit() {
	j.mu.Lock()
	batches := j.queue
	j.queue = nil
	if j.batch != nil && j.batch.joined > 0 {
		batches = append(batches, j.batch)
		j.batch = newBatch(j.active)
	}
	j.mu.Unlock()
	for _, b := range batches {
		j.syncSegment(b)
		j.waiting.Add(int64(-b.joined))
		close(b.done)
	}
}

func (j *Journal) syncSegment(b *batch) {
	s := b.segment
	j.mu.Lock()
	j.syncing = time.Now()
	j.mu.Unlock()
	if s.failed {
		b.err = fmt.Errorf("%w: segment %d was not synced", store.ErrJournalDown, s.number)
	} else if err := s.file.Sync(); err != nil {
		b.err = fmt.Errorf("%w: sync segment %d: %w", store.ErrJournalDown, s.number, err)
		j.log.Error("journal segment is given up", "segment", s.number, "error", err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.syncing = time.Time{}
	if b.err != nil {
		j.fail(b.err, true)
		s.failed = true
		if s == j.active {
			j.retire(false)
		}
	} else if b.joined > 0 {
		j.wrote(true)
	}
	if b.final {
		s.file.Close()
		s.file = nil
		j.kickIfDroppable()
	}
}

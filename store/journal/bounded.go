package journal

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// A write to the page cache can hang like a sync: the file system is frozen for a
// snapshot, a network disk is dead. It hangs under mu, so whatever a call wants of
// the journal is done by a goroutine of its own, which the call leaves behind when
// its patience is over. A begin that is written late is closed; an end that is
// written late is handed out, beside the gap that covers its call.

const (
	// hangTime is how long a write may have hung for an end to wait for it: calls
	// are not to be held up one after the other.
	hangTime = 10 * time.Second

	// grace is what an append that is not held up takes to say that its time is over.
	grace = 100 * time.Millisecond

	// maxRefused bounds the calls that are remembered until the disk goes on.
	maxRefused = 1 << 16
)

// bounded is append, but that it returns when p is over, and leaves buf to who
// appends.
func (j *Journal) bounded(k kind, id webhook.ExchangeID, x *webhook.Exchange, buf *[]byte, durable bool, p patience) (*batch, error) {
	most := beginTime
	if p.ctx != nil {
		most = j.hang
	}
	if j.stuckFor() > most {
		return nil, fmt.Errorf("%w: %w", store.ErrJournalDown, errSlow)
	}
	a := &attempt{done: make(chan appended, 1)}
	go j.attempt(a, k, id, x, *buf, durable, p)
	got, slow := a.wait(p)
	if slow != nil {
		*buf = nil
		return nil, fmt.Errorf("%w: %w", store.ErrJournalDown, slow)
	}
	return got.batch, got.err
}

// attempt is an append that somebody waits for, or has left behind.
type attempt struct {
	over atomic.Bool   // it is made, or was left behind, whatever came first
	done chan appended // receives what came of it, unless it was left behind
}

type appended struct {
	batch *batch
	err   error
}

// attempt appends. A begin that nobody waited for is closed at once.
func (j *Journal) attempt(a *attempt, k kind, id webhook.ExchangeID, x *webhook.Exchange, buf []byte, durable bool, p patience) {
	batch, err := j.append(k, id, x, buf, durable, p)
	switch {
	case a.over.CompareAndSwap(false, true):
		a.done <- appended{batch, err}
	case err != nil:
		j.giveUp(id, err)
	case k == kindBegin:
		j.DoneBegin(id)
	}
}

// wait returns what came of a, or leaves it behind a little after p is over: an
// append that is not held up says so itself.
func (a *attempt) wait(p patience) (got appended, slow error) {
	slow = errSlow
	after := time.Until(p.until)
	if p.ctx != nil {
		select {
		case got = <-a.done:
			return got, nil
		case <-p.ctx.Done():
		}
		slow, after = fmt.Errorf("%w: %w", errSlow, p.ctx.Err()), 0
	}
	limit := time.NewTimer(after + grace)
	defer limit.Stop()
	select {
	case got = <-a.done:
		return got, nil
	case <-limit.C:
	}
	if a.over.CompareAndSwap(false, true) {
		return got, slow
	}
	return <-a.done, nil
}

// stuckFor returns for how long the write that is being made has taken; 0: none is.
func (j *Journal) stuckFor() time.Duration {
	if since := j.writing.Load(); since != 0 {
		return time.Since(j.opened) - time.Duration(since)
	}
	return 0
}

// writeAt writes buf to s at its end. The caller holds mu.
func (j *Journal) writeAt(s *segment, buf []byte) error {
	j.writing.Store(max(int64(time.Since(j.opened)), 1))
	_, err := s.file.WriteAt(buf, s.end)
	j.writing.Store(0)
	return err
}

// lock locks one of the journal's mutexes for who only looks, unless a write is
// stuck, which holds it.
func (j *Journal) lock(mu *sync.Mutex) bool {
	for tries := 0; !mu.TryLock(); tries++ {
		switch {
		case j.stuckFor() > beginTime:
			return false
		case tries < 100: // a write takes some microseconds, and calls wait with strict
			runtime.Gosched()
		default:
			time.Sleep(time.Millisecond)
		}
	}
	return true
}

// refused are calls that were given up while a write was stuck: their begins are to
// be closed once the disk goes on.
type refused struct {
	mu  sync.Mutex
	ids []webhook.ExchangeID
}

func (r *refused) add(id webhook.ExchangeID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.ids) < maxRefused {
		r.ids = append(r.ids, id)
	}
}

func (r *refused) take() []webhook.ExchangeID {
	r.mu.Lock()
	defer r.mu.Unlock()
	ids := r.ids
	r.ids = nil
	return ids
}

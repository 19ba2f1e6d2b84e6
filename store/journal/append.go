package journal

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/wire"
	"github.com/sidehook/sidehook/webhook"
)

var (
	errClosed    = errors.New("it is closed")
	errNoSegment = errors.New("no segment could be prepared")
	errSlow      = fmt.Errorf("the disk takes longer than %v", beginTime)
)

// beginTime is how long a begin waits for the disk: its call is held up.
const beginTime = time.Second

// retryEvery bounds how often a segment is prepared in vain.
const retryEvery = time.Second

// keptBuffer is the largest encoding buffer that is used again.
const keptBuffer = 256 << 10

var buffers = sync.Pool{New: func() any { return new([]byte) }}

// Begin implements [store.Journal]. It waits for the disk for a second at most
// (and a tenth, for one that takes no writes), and not at all for one that has
// taken that long already.
func (j *Journal) Begin(b *webhook.Begin) error {
	buf := buffers.Get().(*[]byte)
	defer release(buf)
	*buf = wire.AppendBegin(append((*buf)[:0], make([]byte, headerSize)...), b)
	p := patience{until: time.Now().Add(beginTime)}
	batch, err := j.bounded(kindBegin, b.ID, nil, buf, j.sync.Load(), p)
	if err == nil && batch != nil {
		if err = p.wait(batch.done); err != nil {
			err = j.hangs(0)
		} else {
			err = batch.err
		}
	}
	if err != nil {
		j.giveUp(b.ID, err)
		return fmt.Errorf("journal the begin of %s: %w", b.ID, err)
	}
	return nil
}

// End implements [store.Journal]. If ctx ends while it waits for the sync, it
// returns the error of ctx; the exchange is written and may yet be durable. If
// ctx ends before it is written, the error wraps [store.ErrJournalDown] too, and
// it may yet be written if the disk takes no writes. One that has taken none for ten
// seconds is not waited for. Up to 1,024 ends, of 16 MiB together, stay in memory
// until they are handed out.
func (j *Journal) End(ctx context.Context, x *webhook.Exchange, durable bool, meanwhile ...func()) error {
	buf := buffers.Get().(*[]byte)
	defer release(buf)
	*buf = wire.AppendExchange(append((*buf)[:0], make([]byte, headerSize)...), x)
	k := kindEnd
	if x.Ending == webhook.Rejected {
		k = kindRejected
	}
	p := patience{ctx: ctx}
	batch, err := j.bounded(k, x.ID, x, buf, durable, p)
	if err == nil {
		for _, f := range meanwhile {
			f()
		}
	}
	if err == nil && batch != nil {
		if err = p.wait(batch.done); err != nil {
			j.hangs(beginTime)
		} else {
			err = batch.err
		}
	}
	if err != nil {
		j.giveUp(x.ID, err)
		return fmt.Errorf("journal the end of %s: %w", x.ID, err)
	}
	return nil
}

func release(buf *[]byte) {
	if cap(*buf) <= keptBuffer {
		buffers.Put(buf)
	}
}

// patience is how long a caller waits for the disk: until ctx ends, or else
// until a time; the zero patience is none.
type patience struct {
	ctx   context.Context
	until time.Time
}

func (p patience) none() bool { return p == patience{} }

// spent reports whether what began at start has taken too long already for who
// has no ctx.
func (p patience) spent(start time.Time) bool {
	return p.ctx == nil && !start.IsZero() && time.Since(start) > beginTime
}

func (p patience) wait(done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	default:
	}
	ctx := p.ctx
	if ctx == nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(context.Background(), p.until)
		defer cancel()
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for the disk: %w", ctx.Err())
	}
}

// hangs notes that syncs take too long, if the present one does already, and
// returns that as an error.
func (j *Journal) hangs(already time.Duration) error {
	err := fmt.Errorf("%w: %w", store.ErrJournalDown, errSlow)
	if !j.lock(&j.mu) {
		return err
	}
	defer j.mu.Unlock()
	if already == 0 || !j.syncing.IsZero() && time.Since(j.syncing) > already {
		j.fail(err, true)
	}
	return err
}

// append writes buf, which has room for the header in front of the payload; x
// is what is in it, if that is the end of a call. If durable, the caller waits
// for the batch.
func (j *Journal) append(k kind, id webhook.ExchangeID, x *webhook.Exchange, buf []byte, durable bool, p patience) (*batch, error) {
	h := header{id: id, kind: k, length: len(buf) - headerSize, sum: checksum(buf[headerSize:])}
	if h.length > maxPayload {
		return nil, fmt.Errorf("%w: %d bytes, of at most %d", store.ErrTooLarge, h.length, maxPayload)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if durable && p.spent(j.syncing) {
		return nil, fmt.Errorf("%w: %w", store.ErrJournalDown, errSlow)
	}
	at, err := j.write(h, buf, p)
	if err != nil {
		return nil, err
	}
	j.note(k, id, at)
	if k == kindEnd {
		j.recent.add(written{x, at, at.offset + int64(len(buf))})
		j.wakeReader()
		j.last = store.Position{Segment: at.segment.number, Offset: at.offset}
	}
	if !durable {
		return nil, nil
	}
	return j.join(), nil
}

// write puts the frame into the active segment, or into a fresh one if that is
// full or fails. The caller holds mu, which is let go of while it waits. The
// keeper, which cannot wait for itself, has no patience and gets errNoSegment
// where others wait for the next segment.
func (j *Journal) write(h header, buf []byte, p patience) (place, error) {
	var err error
	for range 2 {
		var seg *segment
		if seg, err = j.room(int64(len(buf)), p); err == errNoSegment {
			return place{}, err
		} else if err != nil {
			break
		}
		h.put(buf, seg.mark)
		if err = j.writeAt(seg, buf); err != nil {
			if seg.end+int64(len(buf)) > seg.size {
				break // no room to make the file larger; smaller frames still fit
			}
			j.log.Warn("journal segment is given up", "segment", seg.number, "error", err)
			j.retire(true)
			continue
		}
		at := place{seg, seg.end}
		seg.end += int64(len(buf))
		seg.size = max(seg.size, seg.end)
		j.wrote(false)
		return at, nil
	}
	err = fmt.Errorf("%w: %w", store.ErrJournalDown, err)
	j.fail(err, false)
	return place{}, err
}

// room returns the active segment with room for n bytes. It waits for one that
// is being prepared, but not for one that failed before.
func (j *Journal) room(n int64, p patience) (*segment, error) {
	for {
		if j.closed {
			return nil, errClosed
		}
		if s := j.active; s != nil && (s.end == dataStart || s.end+n+headerSize <= j.limit) {
			return s, nil
		}
		if j.active != nil {
			j.retire(true)
		}
		if j.activate() {
			continue
		}
		failed := j.prepareErr
		j.askPrepare()
		switch {
		case failed != nil:
			return nil, failed
		case p.none():
			return nil, errNoSegment
		case p.spent(j.asked):
			return nil, errSlow
		}
		prepared := j.prepared
		j.mu.Unlock()
		err := p.wait(prepared)
		j.mu.Lock()
		if err != nil {
			return nil, err
		}
	}
}

// activate goes over to the prepared segment, if there is one, and asks for
// another.
func (j *Journal) activate() bool {
	if j.next == nil {
		return false
	}
	j.active, j.next = j.next, nil
	j.segments = append(j.segments, j.active)
	j.batch = newBatch(j.active)
	j.askPrepare()
	return true
}

// retire ends writing to the active segment. It is synced before anything of
// the next one is; with seal, it gets its seal before.
func (j *Journal) retire(seal bool) {
	s := j.active
	if seal {
		var buf [headerSize]byte
		header{kind: kindSeal}.put(buf[:], s.mark)
		if err := j.writeAt(s, buf[:]); err != nil {
			j.log.Warn("journal segment stays unsealed", "segment", s.number, "error", err)
		} else {
			s.end += headerSize
		}
	}
	s.sealed = true
	j.wakeReader() // to pass it
	j.batch.final = true
	j.queue = append(j.queue, j.batch)
	j.active, j.batch = nil, nil
	kick(j.commitKick)
	j.kickIfDroppable()
}

// kick wakes the goroutine that receives from c, now or when it comes back.
func kick(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

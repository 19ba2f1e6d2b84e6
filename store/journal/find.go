package journal

import (
	"context"
	"fmt"
	"slices"

	"github.com/sidehook/sidehook/store/wire"
	"github.com/sidehook/sidehook/webhook"
)

// Kept is what the journal still has of one call. What is recorded is kept
// until its segment is dropped, which nobody can rely on.
type Kept struct {
	Begin    *webhook.Begin    // nil: not kept
	End      *webhook.Exchange // nil: not kept, or the call is in flight
	Rejected bool              // End has a status and times only
}

// Find looks for exchange id in all segments, the newest first. It reads files
// and takes as long as that does; nothing waits for it meanwhile. What is
// damaged, or dropped while it reads, is passed over.
func (j *Journal) Find(ctx context.Context, id webhook.ExchangeID) (k Kept, err error) {
	err = j.look(ctx, func(w *window, h header, off, end int64) bool {
		if h.id == id {
			if f, ok := w.frame(off, end); ok {
				k.read(f)
			}
		}
		return true
	}, func() bool { return k.End == nil || k.Begin == nil })
	return k, err
}

// Scan calls f with what each begin and each end says that is kept, segment by
// segment, the newest segment first and in order within it, until f returns
// false. Of Kept either Begin or End is set. It reads files as [Journal.Find]
// does.
func (j *Journal) Scan(ctx context.Context, f func(webhook.ExchangeID, Kept) bool) error {
	more := true
	return j.look(ctx, func(w *window, h header, off, end int64) bool {
		if h.kind > kindCopy {
			return true
		}
		if fr, ok := w.frame(off, end); ok {
			var k Kept
			k.read(fr)
			more = f(h.id, k)
		}
		return more
	}, func() bool { return more })
}

// look calls each for every frame of every segment, the newest segment first,
// until each returns false, or more does behind a segment.
func (j *Journal) look(ctx context.Context, each func(w *window, h header, off, end int64) bool, more func() bool) error {
	j.mu.Lock()
	all := make([]segment, 0, len(j.segments))
	for _, s := range j.segments {
		if s.absent == 0 {
			all = append(all, segment{number: s.number, mark: s.mark, end: s.end})
		}
	}
	j.mu.Unlock()
	for i := range slices.Backward(all) {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("look through the journal: %w", err)
		}
		if j.lookIn(&all[i], each); !more() {
			break
		}
	}
	return nil
}

func (j *Journal) lookIn(s *segment, each func(w *window, h header, off, end int64) bool) {
	f, err := j.fs.Open(segmentName(s.number))
	if err != nil {
		return // dropped meanwhile
	}
	defer f.Close()
	w := newWindow(f, s.mark)
	for off := int64(dataStart); off < s.end; {
		h, ok := w.header(off, s.end)
		if !ok {
			off = w.resync(off, s.end)
			continue
		}
		if !each(w, h, off, s.end) {
			return
		}
		off += headerSize + int64(h.length)
	}
}

// read takes in a frame of the call.
func (k *Kept) read(f frame) {
	payload := append([]byte(nil), f.payload...)
	switch f.kind {
	case kindBegin, kindCopy:
		if b, err := wire.DecodeBegin(payload); err == nil {
			k.Begin = b
		}
	case kindEnd, kindRejected:
		if x, err := wire.DecodeExchange(payload); err == nil {
			k.End, k.Rejected = x, f.kind == kindRejected
		}
	}
}

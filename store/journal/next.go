package journal

import (
	"context"
	"fmt"
	"io"

	"github.com/sidehook/sidehook/store"
)

// maxHandedOut bounds, roughly, the bytes that one call of Next returns.
const maxHandedOut = 8 << 20

// Next implements [store.Journal]. It is for one consumer, which calls Done for
// each end that is not of a rejected call, and comes back for more when it has
// dealt with begins and what was lost: that is what a segment is dropped on. A
// consumer that starts again at the zero position gets everything still kept,
// from the file if need be. One that keeps up costs no reading.
func (j *Journal) Next(ctx context.Context, after store.Position, max int) ([]store.Entry, error) {
	if max < 1 {
		max = 1
	}
	for {
		select {
		case <-j.stop:
			return nil, io.EOF
		default:
		}
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("read journal: %w", err)
		}
		entries, wake, err := j.read(after, max)
		if err != nil {
			return nil, fmt.Errorf("read journal: %w", err)
		}
		if len(entries) > 0 {
			return entries, nil
		}
		select {
		case <-wake:
		case <-ctx.Done():
		case <-j.stop:
		}
	}
}

// read returns what is there now, or a channel that is closed when there may
// be more.
func (j *Journal) read(after store.Position, max int) ([]store.Entry, <-chan struct{}, error) {
	j.readMu.Lock()
	defer j.readMu.Unlock()
	c := &j.cursor
	if c.segment == nil || c.after != after {
		if err := j.seek(after); err != nil {
			return nil, nil, err
		}
	} else {
		j.confirm()
	}
	var entries []store.Entry
	for size := int64(0); len(entries) < max && size < maxHandedOut; {
		if len(entries) == 0 {
			if recalled, wake, ok := j.recall(max); ok {
				return recalled, wake, nil
			}
		}
		end, wake, err := j.reach(len(entries) == 0)
		if err != nil && len(entries) == 0 || wake != nil {
			return nil, wake, err
		}
		if end == 0 {
			break
		}
		from := c.off
		if e, ok := j.step(end); ok {
			c.after = e.At
			entries = append(entries, e)
			size += c.off - from
		}
	}
	return entries, nil, nil
}

// confirm notes that the consumer has come back: it is done with all segments
// before the cursor's.
func (j *Journal) confirm() {
	c := &j.cursor
	if c.confirmed >= c.segment.number {
		return
	}
	c.confirmed = c.segment.number
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, s := range j.segments {
		if s.number >= c.confirmed {
			break
		}
		s.passed = true
	}
	j.kickIfDroppable()
}

// waitForMore returns a channel that is closed when there may be more to read.
// The caller holds mu.
func (j *Journal) waitForMore() <-chan struct{} {
	if j.wake == nil {
		j.wake = make(chan struct{})
	}
	return j.wake
}

// wakeReader is called when there may be more to read. The caller holds mu.
func (j *Journal) wakeReader() {
	if j.wake != nil {
		close(j.wake)
		j.wake = nil
	}
}

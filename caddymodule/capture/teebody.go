package capture

import (
	"io"
	"sync"

	"github.com/sidehook/sidehook/webhook"
)

// teeBody is a request body that keeps what is read through it. It changes
// nothing of what its reader sees. The reader may go on after the call ended
// (Go's transport does), so what was seen is handed out once, by finish.
type teeBody struct {
	inner  io.ReadCloser
	length int64 // as declared; -1: not known

	mu     sync.Mutex
	seen   Body
	read   int64
	ended  bool // read to its end
	broken bool // reading failed
	closed bool // finished: nothing more is kept
}

func newTeeBody(inner io.ReadCloser, length, limit int64, b *Budget) *teeBody {
	return &teeBody{
		inner: inner, length: length,
		seen: Body{limit: limit, length: length, budget: b},
	}
}

// Read reads from the inner body and returns exactly what that returned.
func (t *teeBody) Read(p []byte) (int, error) {
	n, err := t.inner.Read(p)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return n, err
	}
	t.seen.add(p[:n])
	t.read += int64(n)
	switch {
	case err == io.EOF:
		t.ended = true
	case err != nil:
		t.broken = true
	}
	return n, err
}

// Close closes the inner body.
func (t *teeBody) Close() error { return t.inner.Close() }

// finish stops keeping and returns what was seen, once. The bytes are the
// caller's; it gives taken back to the budget when it does not need them any
// more.
func (t *teeBody) finish() (b webhook.Body, taken int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	switch {
	case t.ended || t.read == t.length:
	case t.broken:
		t.seen.drop(webhook.CutOff)
	case t.seen.missing == webhook.NotMissing:
		t.seen.drop(webhook.Unread)
	}
	b, taken = t.seen.Captured(), t.seen.taken
	t.seen = Body{budget: t.seen.budget}
	return b, taken
}

// untouched reports whether nobody has read from the body.
func (t *teeBody) untouched() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.read == 0 && !t.ended && !t.broken
}

package capture

import "sync/atomic"

// Budget bounds the bytes that all captures of the process hold together. It
// is safe for concurrent use.
type Budget struct {
	size int64
	used atomic.Int64
}

// NewBudget returns a Budget of size bytes.
func NewBudget(size int64) *Budget { return &Budget{size: size} }

// TryTake takes n bytes if they are there. It never waits.
func (b *Budget) TryTake(n int64) bool {
	if b.used.Add(n) <= b.size {
		return true
	}
	b.used.Add(-n)
	return false
}

// Give returns n bytes that were taken.
func (b *Budget) Give(n int64) { b.used.Add(-n) }

package deliver

import (
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// burst is how much of a rate may be used at once after a rest: what it gives
// in this time, and one request at least. It spreads what waits smoothly, so
// that a receiver that counts by the minute never sees two minutes' worth in
// one, and is long enough for a timer to keep up with any rate.
const burst = 100 * time.Millisecond

// bucket is the token bucket of a subscription with a rate. It holds the time
// at which it was, or will be, empty of debt: a request moves that on by what
// one request takes up.
type bucket struct {
	rate   webhook.Rate
	each   time.Duration
	credit time.Duration // how far free may lie in the past
	free   time.Time     // when the next request would be, were there no burst
}

// newBucket returns a full bucket, or nil for no rate.
func newBucket(r webhook.Rate) *bucket {
	if r == (webhook.Rate{}) {
		return nil
	}
	each := r.Each()
	return &bucket{rate: r, each: each, credit: max(0, burst-each)}
}

// next returns when the next request may be made; it may have passed.
func (b *bucket) next() time.Time { return b.free }

// take takes one request out, and reports whether there was one.
func (b *bucket) take(now time.Time) bool {
	if b.free.After(now) {
		return false
	}
	if earliest := now.Add(-b.credit); b.free.Before(earliest) {
		b.free = earliest
	}
	b.free = b.free.Add(b.each)
	return true
}

// giveBack puts back what take has taken, for a request that was not made.
func (b *bucket) giveBack() { b.free = b.free.Add(-b.each) }

// ahead is how many deliveries are worth claiming ahead.
func (b *bucket) ahead() int { return 2 + int(b.credit/b.each) }

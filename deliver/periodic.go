package deliver

import (
	"log/slog"
	"sync"
	"time"
)

// logPeriod is how often one trouble is logged while it lasts.
const logPeriod = time.Minute

// periodic logs each kind of trouble at most once per period, with how often
// it was kept quiet since.
type periodic struct {
	log *slog.Logger

	mu   sync.Mutex
	last map[string]time.Time
	kept map[string]int
}

// error logs err under what, a constant sentence.
func (p *periodic) error(what string, err error, args ...any) {
	now := time.Now()
	p.mu.Lock()
	if p.last == nil {
		p.last, p.kept = map[string]time.Time{}, map[string]int{}
	}
	if at, seen := p.last[what]; seen && now.Sub(at) < logPeriod {
		p.kept[what]++
		p.mu.Unlock()
		return
	}
	repeats := p.kept[what]
	p.last[what], p.kept[what] = now, 0
	p.mu.Unlock()
	p.log.Error(what, append(args, "error", err, "repeats", repeats)...)
}

// backoff is a wait that doubles with each failure, from 50 ms to 5 s.
type backoff struct{ failures int }

const (
	backoffFirst = 50 * time.Millisecond
	backoffMost  = 5 * time.Second
)

func (b *backoff) next() time.Duration {
	wait := backoffFirst << min(b.failures, 10)
	b.failures++
	return min(wait, backoffMost)
}

func (b *backoff) reset() { b.failures = 0 }

package capture

import (
	"context"
	"sync/atomic"
	"time"
)

// sharedFor is how long calls share the end of their patience: a timer for each
// would cost more than it is worth.
const sharedFor = time.Second

// patience makes contexts that end after commitTime, or a little earlier. The
// zero patience is ready for use, by many goroutines.
type patience struct{ last atomic.Pointer[patienceUntil] }

type patienceUntil struct {
	ctx    context.Context
	cancel context.CancelFunc // never called: the context ends by itself
	shared time.Time          // until then
}

// context returns a context that ends after commitTime, at most sharedFor
// earlier, and never before that.
func (p *patience) context() context.Context {
	now := time.Now()
	if last := p.last.Load(); last != nil && now.Before(last.shared) {
		return last.ctx
	}
	next := &patienceUntil{shared: now.Add(sharedFor)}
	next.ctx, next.cancel = context.WithTimeout(context.Background(), commitTime)
	p.last.Store(next)
	return next.ctx
}

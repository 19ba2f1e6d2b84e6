// Package missed remembers which resources calls went through to that could not be
// journaled, so that one gap of each resource covers the time. The list is kept in a
// file as well: a process that dies before it has recorded the gaps owes them to the
// next one.
//
// What is missed is noted here, and in expect.go what may be; keep.go keeps the file (file.go) up to date, record.go
// has the gaps recorded, and gap.go says what is in them.
package missed

import (
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// Where a resource's name has parameters, callers make up the names. Beyond most of
// them, one gap for anyResource of the api stands for the others.
const (
	most        = 4096
	anyResource = "*"
)

// List is what was missed and no gap covers yet. All methods are safe for concurrent use.
type List struct {
	log   *slog.Logger
	fresh chan struct{} // receives when the file is behind

	writing sync.Mutex
	path    string // of file; "": not known yet, or not any more
	file    *file  // nil: it could not be opened
	said    string // the error that was logged last, while there is one
	saidAt  time.Time

	mu    sync.Mutex
	calls map[webhook.EntityKey]*calls // by api and resource; more may come

	// expected are calls in flight that the next process is to tell of if this one dies.
	expected map[webhook.EntityKey]*calls
	noted    chan struct{} // closed when all that is known now is in the file, if it can be
	slow     chan struct{} // the noted that somebody did not wait for to the end

	// any is why something may have been missed of any resource; nil: nothing was.
	any error

	// owed are calls that no more come to: their gaps are being recorded. What
	// is missed meanwhile wants a gap of its own, since that of these may be
	// recorded already when the process dies.
	owed []*calls
}

// calls are those of one resource that one gap covers.
type calls struct {
	key      webhook.EntityKey
	gap      webhook.ExchangeID // what the gap is recorded as
	from, to time.Time
	count    int // that this process knows of
	why      string
	died     bool // an earlier process died before it could record the gap
}

// New returns an empty list, which is in no file yet.
func New(log *slog.Logger) *List {
	return &List{
		log: log, fresh: make(chan struct{}, 1), noted: make(chan struct{}),
		calls: make(map[webhook.EntityKey]*calls), expected: make(map[webhook.EntityKey]*calls),
	}
}

// Add notes a call that went through and was not journaled. It never waits for the disk.
func (l *List) Add(key webhook.EntityKey, at time.Time, why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := callsOf(l.calls, key, at, why)
	if c.to = time.Now(); c.count == 1 {
		l.isFresh()
	}
}

// callsOf returns the calls of key in all, with one more.
func callsOf(all map[webhook.EntityKey]*calls, key webhook.EntityKey, at time.Time, why error) *calls {
	if all[key] == nil && len(all) >= most {
		key.Resource = anyResource
	}
	c := all[key]
	if c == nil {
		c = &calls{key: key, gap: webhook.NewExchangeID(at), from: at, why: why.Error()}
		all[key] = c
	}
	c.count++
	return c
}

// Lose notes, also on disk, that something may have been missed of any resource.
func (l *List) Lose(why error) {
	l.mu.Lock()
	known := l.any != nil
	if !known {
		l.any = why
	}
	l.mu.Unlock()
	if !known {
		l.log.Error("something is lost; a gap of each resource will say so", "error", why)
		l.keep()
	}
}

// Resolve makes of what may have been missed of any resource one of each of keys.
func (l *List) Resolve(keys []webhook.EntityKey) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.any == nil {
		return
	}
	why := l.any.Error()
	l.any = nil
	for _, key := range keys {
		l.owed = append(l.owed, &calls{key: key, gap: webhook.NewExchangeID(now), from: now, to: now, why: why, died: true})
	}
	l.isFresh()
}

// Since returns when the oldest call was missed that no gap covers yet; zero
// if there is none.
func (l *List) Since() (oldest time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.all() {
		if oldest.IsZero() || c.from.Before(oldest) {
			oldest = c.from
		}
	}
	return oldest
}

// Count returns how many gaps are not recorded yet.
func (l *List) Count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.all())
}

// all returns what no gap covers yet. The caller holds mu.
func (l *List) all() []*calls {
	return slices.AppendSeq(slices.Clone(l.owed), maps.Values(l.calls))
}

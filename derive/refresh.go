package derive

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// Get makes one GET of a path of the API. It never returns nil; it must return
// soon after ctx ends.
type Get func(ctx context.Context, path string) *webhook.Observation

// maxRefreshing bounds the refreshes that are under way. What is beyond is not
// done.
const maxRefreshing = 256

var (
	errNobodyAsks  = errors.New("nobody may ask the API: the caller's credentials are gone or good for its own request only, and there is no origin")
	errNoRules     = errors.New("the configuration that says how to read the entity is gone")
	errTooMany     = errors.New("too many others were under way")
	errEnding      = errors.New("the process ends")
	errUnderWay    = errors.New("other calls on the entity did not come to an end; they tell of it themselves")
	errNotAnEntity = errors.New("the GET showed no entity")
)

// refresh has GETs show the entities that t's exchange may have changed too. Each
// becomes an exchange of its own. It does not wait for them. What is under way
// when the process dies the next one makes up for: a note was recorded with t.
func (d *Deriver) refresh(t *ticket) {
	all := t.derived.Refresh
	if len(all) == 0 {
		return
	}
	get := d.Traffic.borrow(t.x.ID)
	if get == nil {
		get = d.service(t.x)
	}
	x, program, left := t.x, t.program, new(atomic.Int64)
	left.Store(int64(len(all)))
	for _, r := range all {
		err := errNobodyAsks
		if get != nil {
			err = d.Traffic.goRefresh(func(ctx context.Context) {
				d.refreshed(ctx, x, r, d.refreshOne(ctx, program, x, r, get), left)
			})
		}
		if err != nil {
			d.Observer.Refreshed(x, r, err)
			d.notRefreshed(x, err, left)
		}
	}
}

// notRefreshed forgets a refresh that nobody began. It does not wait for the store.
func (d *Deriver) notRefreshed(x *webhook.Exchange, why error, left *atomic.Int64) {
	if errors.Is(why, errEnding) || left.Add(-1) > 0 {
		return
	}
	d.Traffic.goAlways(func(ctx context.Context) { d.forgetRefresh(ctx, x.ID) })
}

// refreshed tells what became of a refresh of x. When none is left the note goes,
// but for what the end of the process cut off, or the journal could not write.
func (d *Deriver) refreshed(ctx context.Context, x *webhook.Exchange, r rules.Refreshed, err error, left *atomic.Int64) {
	d.Observer.Refreshed(x, r, err)
	if err != nil && (ctx.Err() != nil || errors.Is(err, store.ErrJournalDown)) || left.Add(-1) > 0 {
		return
	}
	d.forgetRefresh(ctx, x.ID)
}

// forgetRefresh forgets that exchange id refreshes anything. If that fails the
// next start refreshes once more, which does no harm.
func (d *Deriver) forgetRefresh(ctx context.Context, id webhook.ExchangeID) {
	if err := d.Store.PutNotes(ctx, store.Note{Key: refreshNote(id)}); err != nil && ctx.Err() == nil {
		d.Logger.Warn("an entity will be refreshed again at the next start", "exchange", id.String(), "error", err)
	}
}

// refreshOne makes the GET of r, while no captured call on its entity is open,
// and journals what it showed: on disk, for then the note that it is owed goes.
func (d *Deriver) refreshOne(ctx context.Context, p *rules.Program, cause *webhook.Exchange, r rules.Refreshed, get Get) error {
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	o := d.Traffic.calm(ctx, r.Key, func(ctx context.Context) *webhook.Observation { return get(ctx, r.Path) })
	switch {
	case o == nil:
		return errUnderWay
	case o.Error != "":
		return errors.New(o.Error)
	case o.Status != http.StatusOK:
		return errNotAnEntity
	}
	o.Requested, o.Received = o.Requested.UTC().Round(0), o.Received.UTC().Round(0)
	return d.Journal.End(ctx, p.Observed(webhook.NewExchangeID(time.Now()), cause, r, o), true)
}

// Lend lets get be used for what follows from the call, until its exchange is
// recorded. It is called before Settle and Observe.
func (c *Call) Lend(get Get) {
	c.traffic.mu.Lock()
	defer c.traffic.mu.Unlock()
	c.get = get
}

// borrow returns what the call behind exchange id has lent; nil if nothing.
func (t *Traffic) borrow(id webhook.ExchangeID) Get {
	t.mu.Lock()
	defer t.mu.Unlock()
	if c := t.calls[id]; c != nil {
		return c.get
	}
	return nil
}

// goRefresh runs f in a goroutine of t's, or says why not.
func (t *Traffic) goRefresh(f func(ctx context.Context)) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.draining:
		return errEnding
	case t.refreshing == maxRefreshing:
		return errTooMany
	}
	t.refreshing++
	t.fetches.Go(func() {
		defer func() {
			t.mu.Lock()
			t.refreshing--
			t.mu.Unlock()
		}()
		f(t.ctx)
	})
	return nil
}

// goAlways runs f in a goroutine of t's, but not once t ends.
func (t *Traffic) goAlways(f func(ctx context.Context)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.draining {
		t.fetches.Go(func() { f(t.ctx) })
	}
}

// calm makes one GET of an entity while no captured call on it is open, nor any
// that may be on it, and again if one comes meanwhile. It returns nil if ctx ends
// before that works. A call that came and was recorded meanwhile may escape it:
// then the entity is known to have been changed since the GET began.
func (t *Traffic) calm(ctx context.Context, key webhook.EntityKey, fetch Fetch) *webhook.Observation {
	for ctx.Err() == nil {
		e, seen := t.waitOpen(ctx, key)
		o := fetch(ctx)
		t.mu.Lock()
		now := t.entities[t.entityOf(key)]
		undisturbed := !t.listed(key) && (e == nil && now == nil || e != nil && e.seen == seen && e.open+e.unresolved == 0 && (now == nil || now == e))
		t.mu.Unlock()
		if undisturbed {
			return o
		}
	}
	return nil
}

// waitOpen waits until no call is open on the entity, or may be on it, and those
// that ended are journaled, or ctx ends. It returns the entity, if it is kept, and
// its fence.
func (t *Traffic) waitOpen(ctx context.Context, key webhook.EntityKey) (e *entity, seen uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for ctx.Err() == nil {
		e = t.entities[t.entityOf(key)]
		var change <-chan struct{}
		switch {
		case e != nil && e.open+e.unresolved > 0:
			change = e.awaited()
		case t.listed(key):
			change = t.lists.idle.next()
		case e == nil:
			return nil, 0
		default:
			return e, e.seen
		}
		t.mu.Unlock()
		select {
		case <-change:
		case <-ctx.Done():
		}
		t.mu.Lock()
	}
	return nil, 0
}

// awaited returns a channel that is closed when no call on e is open any more, or
// else when the after of all is known.
func (e *entity) awaited() <-chan struct{} {
	if e.open > 0 {
		return e.idle.next()
	}
	return e.gate.next()
}

package derive

import (
	"fmt"
	"runtime/debug"
	"time"

	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// ticket is one exchange, or one gap, on its way from the journal to the store.
type ticket struct {
	d       *Deriver
	x       *webhook.Exchange // nil: a gap's
	at      store.Position
	begin   bool // x is of a begin that has no end
	old     bool // x is an earlier process's
	program *rules.Program
	plan    *rules.Plan // nil: not kept, see keptPlan
	gap     *gap
	again   chan error // of an exchange that is derived again: receives once what became of it

	keys    []webhook.EntityKey // its lanes, each once
	after   []rules.Seen        // of each subject; nil: not known yet
	now     time.Time           // when it was about to be recorded first
	derived rules.Derived

	subjects int // of the plan
	size     int // of its bodies

	oneKey   [1]webhook.EntityKey // usually there is one entity
	oneAfter [1]rules.Seen
}

// older reports whether t's exchange is an earlier process's.
func (t *ticket) older() bool { return t.old || t.begin }

// setPlan makes the plan's entities t's.
func (t *ticket) setPlan(pl *rules.Plan) {
	t.plan, t.subjects = pl, len(pl.Subjects)
	t.keys = pl.Keys(t.oneKey[:0])
}

// setAfter says what was found out about the after, by the call behind t's
// exchange; nil: there is none in this process.
func (t *ticket) setAfter(c *Call) {
	t.after = t.oneAfter[:0]
	for _, key := range t.keys[:t.subjects] {
		t.after = append(t.after, c.saw(key))
	}
}

// record returns what the store is given.
func (t *ticket) record() store.Record {
	if t.gap != nil {
		return t.gap.record
	}
	return store.Record{Exchange: t.x.ID, Segment: t.at.Segment, Entities: t.keys, Derive: t.derive}
}

// derive is the [store.Record]'s. It keeps a panic of the rules from leaving
// this package: the exchange goes to quarantine like after any other rule error.
func (t *ticket) derive(before []webhook.Snapshot) (c store.Consequences, err error) {
	defer recovered(&err)
	pl := t.plan
	if pl == nil {
		if pl, err = plan(t.program, t.x); err != nil {
			return c, err
		}
	}
	if t.derived, err = t.program.Derive(t.x, pl, before, t.after); err != nil {
		return c, err
	}
	if t.begin {
		t.unseenUntil(time.Now())
	}
	return t.consequences()
}

// unseenUntil has the gaps of a call whose end nobody saw last until now: the API
// may have done it after this process's predecessor died.
func (t *ticket) unseenUntil(now time.Time) {
	for i := range t.derived.Events {
		if g := t.derived.Events[i].Gap; g != nil && g.To.Before(now) {
			until := *g
			until.To = now
			t.derived.Events[i].Gap = &until
		}
	}
}

// consequences adds to what was derived the deliveries that it causes.
func (t *ticket) consequences() (store.Consequences, error) {
	c := store.Consequences{Snapshots: t.derived.Snapshots, Events: t.derived.Events}
	c.Notes = t.d.resources.fresh(c.Snapshots)
	if len(t.derived.Refresh) > 0 {
		note, err := noteRefresh(t.x, t.derived.Refresh)
		if err != nil {
			return c, fmt.Errorf("note what %s refreshes: %w", t.x.ID, err)
		}
		c.Notes = append(c.Notes, note)
	}
	owing := webhook.Owing{Ahead: t.d.Ahead()}
	for i := range c.Events {
		e := &c.Events[i]
		wants, err := t.d.Want(e)
		if err != nil {
			return c, fmt.Errorf("who wants %s: %w", e.Scope, err)
		}
		for _, w := range wants {
			owing.Add(e, w.Subscription, w.Unjudged, t.now)
		}
	}
	c.Deliveries = owing.Deliveries
	return c, nil
}

// plan is the program's, without its panics.
func plan(p *rules.Program, x *webhook.Exchange) (pl *rules.Plan, err error) {
	defer recovered(&err)
	return p.Plan(x), nil
}

func recovered(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("panic in the rules: %v\n%s", r, debug.Stack())
	}
}

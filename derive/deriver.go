package derive

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// Bounds of what is read from the journal and not yet recorded.
const (
	batchEntries    = 128      // read at once
	maxOutstanding  = 1024     // exchanges
	maxOutstandingB = 64 << 20 // bytes of their bodies
)

// Store is the part of the store that deriving needs.
type Store interface {
	store.Recorder
	store.Configs
	store.Notes
	store.Quarantine
}

// Options is what a Deriver works with. All fields but Service are needed.
type Options struct {
	Journal store.Journal
	Store   Store
	Traffic *Traffic

	// Recovered is where the entries of earlier processes end. A begin up to
	// there without an end is a call whose outcome is unknown.
	Recovered store.Position

	// Want says which subscriptions want an event, as they are now.
	Want func(*webhook.Event) ([]rules.Want, error)

	// Service returns what asks the api of a call, about what the call's tenant
	// has, as itself and not as its caller; nil if nothing may. Service may be nil.
	Service func(x *webhook.Exchange) Get

	// Resources returns the resources in use, as keys without ID: what a gap
	// that names no exchange must cover.
	Resources func() []webhook.EntityKey

	// Ahead returns how far what is due goes by a clock that is ahead of the
	// machine's; nil: by the machine's.
	Ahead func() time.Duration

	Observer Observer
	Logger   *slog.Logger
}

// Observer is told what deriving comes to; the rim makes metrics of it. Its
// methods are called from two goroutines and must return at once.
type Observer interface {
	Recorded(x *webhook.Exchange, r *store.Recorded, d *rules.Derived)
	Nothing(x *webhook.Exchange, why string)
	Quarantined(x *webhook.Exchange, why string)

	// Refreshed tells what became of the refresh of an entity because of x: a nil
	// err says that it was journaled. It is called by any goroutine.
	Refreshed(x *webhook.Exchange, r rules.Refreshed, err error)
}

// Deriver turns journaled exchanges into recorded events.
type Deriver struct {
	Options
	programs programs
	line     *line
	begins   map[webhook.ExchangeID]begun // only those of earlier processes
	owed     owed
	resources
	caughtUp chan struct{}
	ended    chan struct{} // closed when nothing is recorded any more
	stalled  stalled
}

// New returns a Deriver that has not read anything yet. Where it is called after the
// first call of this process came, [Traffic.Expect] was called before that.
func New(o Options) *Deriver {
	d := &Deriver{
		Options: o, begins: make(map[webhook.ExchangeID]begun),
		caughtUp: make(chan struct{}), ended: make(chan struct{}),
	}
	if o.Ahead == nil {
		d.Ahead = func() time.Duration { return 0 }
	}
	d.programs.store = o.Store
	d.line = newLine(o.Traffic)
	if o.Recovered != (store.Position{}) {
		o.Traffic.Expect()
	} else {
		o.Traffic.asked()
	}
	return d
}

// CaughtUp returns a channel that is closed when everything that earlier
// processes journaled has been read and queued.
func (d *Deriver) CaughtUp() <-chan struct{} { return d.caughtUp }

// Run reads the journal from its start and records what it says until ctx ends
// or the journal is closed; then it waits for what is being recorded. What is
// left unrecorded is read again by the next Run of a new Deriver.
func (d *Deriver) Run(ctx context.Context) {
	unrefreshed := d.unrefreshed(ctx) // before this process adds to them
	go func() {
		defer close(d.ended)
		d.recordAll(ctx)
	}()
	defer func() {
		d.line.close()
		<-d.ended
	}()
	var at store.Position
	recovered, behind := false, false
	var pace pace
	timer := time.NewTimer(longRest)
	timer.Stop()
	for {
		if !recovered && !at.Before(d.Recovered) {
			recovered = true
			d.reconcile(ctx)
			d.makeUp(ctx, unrefreshed)
			close(d.caughtUp)
		}
		d.line.reached(at)
		if !behind {
			sleep(ctx, timer, pace.left())
		}
		entries, done, err := d.next(ctx, at)
		pace.begin()
		behind = len(entries) == batchEntries
		if errors.Is(err, io.EOF) || ctx.Err() != nil {
			return
		}
		for i := range entries {
			d.take(ctx, &entries[i], done)
			at = entries[i].At
		}
	}
}

// next reads entries after at and tells which are recorded already. Whatever
// stands in the way is waited for: nothing is given up while the process lives.
func (d *Deriver) next(ctx context.Context, at store.Position) (entries []store.Entry, done map[webhook.ExchangeID]bool, err error) {
	for wait := firstPause; ; wait = min(2*wait, maxPause) {
		if entries, err = d.Journal.Next(ctx, at, batchEntries); err == nil {
			done, err = d.alreadyRecorded(ctx, entries)
		}
		if err == nil || errors.Is(err, io.EOF) || !d.pause(ctx, err, wait, "journal position", at) {
			return entries, done, err
		}
	}
}

// alreadyRecorded tells which of the entries' exchanges have their mark. Only
// those of earlier processes can.
func (d *Deriver) alreadyRecorded(ctx context.Context, entries []store.Entry) (map[webhook.ExchangeID]bool, error) {
	var ids []webhook.ExchangeID
	for _, e := range entries {
		if e.End != nil && !d.Recovered.Before(e.At) {
			ids = append(ids, e.End.ID)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	return d.Store.Recorded(ctx, ids)
}

// take queues one entry.
func (d *Deriver) take(ctx context.Context, e *store.Entry, done map[webhook.ExchangeID]bool) {
	switch {
	case e.Lost != nil:
		d.lost(ctx, e)
	case e.Begin != nil:
		if !d.Recovered.Before(e.At) {
			d.begins[e.Begin.ID] = begun{e.Begin, e.At, d.named(ctx, e.Begin)}
		}
	case e.End != nil:
		delete(d.begins, e.End.ID)
		if done[e.End.ID] {
			d.Journal.Done(e.At)
			return
		}
		d.queue(ctx, &ticket{d: d, x: e.End, at: e.At, old: !d.Recovered.Before(e.At)})
	}
}

// queue plans t's exchange and puts it into the line.
func (d *Deriver) queue(ctx context.Context, t *ticket) {
	if t.older() {
		d.Traffic.older(1)
	}
	if t.x.Ending == webhook.Rejected {
		d.finish(t)
		return
	}
	var err error
	if t.program, err = d.program(ctx, t.x); ctx.Err() != nil {
		return
	}
	var pl *rules.Plan
	if err == nil {
		pl, err = plan(t.program, t.x)
	}
	if err != nil {
		d.quarantine(ctx, t, err)
		return
	}
	if pl.Nothing != "" {
		d.Observer.Nothing(t.x, pl.Nothing)
		d.finish(t)
		return
	}
	t.setPlan(pl)
	if t.old {
		d.overdue(ctx, t)
		d.owe(t)
	}
	d.line.join(ctx, t)
}

// program returns the program that derives x. A store that cannot be read is
// waited for; an error is final.
func (d *Deriver) program(ctx context.Context, x *webhook.Exchange) (p *rules.Program, err error) {
	for wait := firstPause; ; wait = min(2*wait, maxPause) {
		p, err = d.programs.get(ctx, x.Config)
		var unread *unreadError
		if !errors.As(err, &unread) || !d.pause(ctx, err, wait, "exchange", x.ID.String()) {
			return p, err
		}
	}
}

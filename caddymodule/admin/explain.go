package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/caddymodule/engine"
	"github.com/sidehook/sidehook/caddymodule/problem"
	"github.com/sidehook/sidehook/caddymodule/view"
	"github.com/sidehook/sidehook/caddymodule/words"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/journal"
	"github.com/sidehook/sidehook/webhook"
)

// Bounds of what one explanation tells.
const (
	mostExplained   = 20   // events, and entities
	mostDerived     = 200  // entities of a call that is derived again
	mostQuarantined = 1000 // looked through
	mostEvents      = 1000 // read of one exchange
)

// explainer gathers one explanation.
type explainer struct {
	view.Explanation
	e      *engine.Engine
	ctx    context.Context
	only   webhook.EventID // "": all events of the exchange
	kept   journal.Kept
	x      *webhook.Exchange // nil: not kept
	q      *store.Quarantined
	marked bool

	otherwise bool            // it earned nothing, and would by what is kept: that tells less than was known
	events    []webhook.Event // of the exchange
}

func explain(e *engine.Engine, r *http.Request) (any, error) {
	id := r.PathValue("id")
	ex := &explainer{e: e, ctx: r.Context(), Explanation: view.Explanation{Asked: id}}
	if err := ex.find(id); err != nil {
		return nil, err
	}
	if err := ex.gather(); err != nil {
		return nil, err
	}
	ex.decide()
	ex.derive()
	return &ex.Explanation, ex.tellEvents()
}

// find tells which exchange an id is about: its own, an event's or a
// delivery's.
func (ex *explainer) find(id string) (err error) {
	var ok bool
	switch {
	case strings.HasPrefix(id, "exc_"):
		if ex.Exchange, err = webhook.ParseExchangeID(id); err != nil {
			return problem.New(http.StatusBadRequest, "%s", err)
		}
		return nil
	case strings.HasPrefix(id, "dlv_"):
		d, err := ex.e.Store.Delivery(ex.ctx, webhook.DeliveryID(id))
		if err != nil {
			return fmt.Errorf("delivery %s: %w", id, err)
		}
		ex.only = d.Event
	case strings.HasPrefix(id, "chk_"):
		if ex.Exchange, ok = webhook.ChunkExchange(id); !ok {
			return problem.New(http.StatusBadRequest, "%q is no id of a chunk: write it as webhook-id has it", id)
		}
		return nil
	default:
		ex.only = webhook.EventID(id)
	}
	if ex.Exchange, _, ok = ex.only.Exchange(); !ok {
		return problem.New(http.StatusBadRequest, "%q: write the id of an event (evt_…), of a chunk (chk_…), of an exchange (exc_…) or of a delivery (dlv_…), or a path like /api/projects/17; `events --entity project/17` lists those of an entity", id)
	}
	return nil
}

// gather reads everything that is kept of the exchange.
func (ex *explainer) gather() (err error) {
	if ex.kept, err = ex.e.Journal.Find(ex.ctx, ex.Exchange); err != nil {
		return err
	}
	if !ex.kept.Rejected {
		ex.x = ex.kept.End
	}
	quarantined, err := ex.e.Store.Quarantined(ex.ctx, mostQuarantined)
	if err != nil {
		return err
	}
	for i := range quarantined {
		if quarantined[i].Exchange.ID == ex.Exchange {
			ex.q, ex.x = &quarantined[i], &quarantined[i].Exchange
		}
	}
	marks, err := ex.e.Store.Recorded(ex.ctx, []webhook.ExchangeID{ex.Exchange})
	if err != nil {
		return err
	}
	ex.marked = marks[ex.Exchange]
	if ex.events, err = ex.e.Store.Events(ex.ctx, store.EventQuery{Exchange: ex.Exchange, Max: mostEvents}); err != nil {
		return err
	}
	ex.Call = ex.call()
	return ex.gatherAsked()
}

// gatherAsked adds the event that was asked about, if its exchange has more
// events than are read.
func (ex *explainer) gatherAsked() error {
	if ex.only == "" || len(ex.events) < mostEvents || slices.ContainsFunc(ex.events, func(ev webhook.Event) bool { return ev.ID == ex.only }) {
		return nil
	}
	ev, err := ex.e.Store.Event(ex.ctx, ex.only)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil
	case err != nil:
		return err
	}
	ex.events = append(ex.events, *ev)
	return nil
}

// decide says what became of the exchange, as far as that is known without
// deriving it again.
func (ex *explainer) decide() {
	say := func(o view.Outcome, format string, args ...any) { ex.Outcome, ex.Why = o, fmt.Sprintf(format, args...) }
	since, stalled, isStalled := ex.e.Deriver.Stalled()
	end := ex.kept.End
	switch {
	case ex.q != nil:
		say(view.OutcomeQuarantined, "a rule failed on it at %s: %s", words.Clock(ex.q.At), words.FirstLine(ex.q.Why))
	case ex.own() != nil:
		say(view.OutcomeOwn, "%s", whyOwn(ex.own()))
	case len(ex.events) > 0:
		say(view.OutcomeEvents, "%s recorded", words.Counted(len(ex.events), "event was", "events were"))
	case ex.kept.Rejected && end.Response.Status > 0:
		say(view.OutcomeNothing, "the API answered %d: nothing was done", end.Response.Status)
	case ex.kept.Rejected:
		say(view.OutcomeNothing, "nothing was done: the call did not come as far as the API (nobody listened there, or a handler in front of it refused)")
	case ex.x == nil && ex.marked:
		say(view.OutcomeNothing, "%s", ex.gone())
	case ex.x == nil && ex.kept.Begin != nil:
		say(view.OutcomeOpen, "its answer has not ended yet")
	case ex.x == nil:
		say(view.OutcomeNotKnown, "%s", ex.gone())
	case ex.marked:
		say(view.OutcomeNothing, "it was recorded, and earned no event")
	case isStalled:
		say(view.OutcomeWaiting, "it is in the journal; since %s deriving waits: %s", words.Clock(since), stalled)
	default:
		say(view.OutcomeWaiting, "it is in the journal, and was not derived yet")
	}
}

// tellEvents tells of the events who got them.
func (ex *explainer) tellEvents() error {
	for i := range ex.events {
		ev := &ex.events[i]
		if ex.only != "" && ev.ID != ex.only {
			continue
		}
		if len(ex.Events) == mostExplained {
			ex.More++
			continue
		}
		told, err := ex.event(ev)
		if err != nil {
			return err
		}
		ex.Events = append(ex.Events, told)
	}
	if ex.only != "" && len(ex.Events) == 0 {
		if len(ex.events) > 0 {
			return fmt.Errorf("event %s: %w, though other events of its exchange are there: ask for %s", ex.only, store.ErrNotFound, ex.Exchange)
		}
		ex.NotKnown = append(ex.NotKnown, "event "+string(ex.only)+" is not kept (any more)")
	}
	return nil
}

// event tells who got ev. Who wanted it was judged when it was recorded; why
// is told by the subscriptions as they are now.
func (ex *explainer) event(ev *webhook.Event) (view.ExplainedEvent, error) {
	out := view.ExplainedEvent{
		ID: ev.ID, Position: ev.Position, Scope: ev.Scope, Entity: ev.Key, Sequence: ev.Sequence,
		Recorded: ev.Recorded, Changes: ev.Changes, Gap: ev.Gap, Provenance: ev.Provenance,
	}
	ds, err := ex.e.Store.Deliveries(ex.ctx, store.DeliveryQuery{Event: ev.ID, Max: 1000})
	if err != nil {
		return out, err
	}
	owed := make(map[webhook.SubscriptionID]*view.Delivery, len(ds))
	waits := ex.e.Waits()
	for i := range ds {
		v := waits.ViewWhole(ex.ctx, &ds[i])
		owed[ds[i].Subscription] = &v
	}
	for _, j := range ex.e.Current().Subscribers.Judge(ev) {
		r := view.Reception{Judgement: j, Delivery: owed[j.Subscription]}
		delete(owed, j.Subscription)
		switch {
		case r.Delivery == nil && r.Wanted:
			r.Why = "it would want the event now, and did not when that was recorded: it is new, or was changed since"
		case r.Delivery != nil && !r.Wanted:
			r.Why = "it wanted the event when that was recorded; now it would not: " + r.Why
		}
		if ex.own() != nil {
			ex.receptionOfOwn(ev, &r)
		}
		out.Subscribers = append(out.Subscribers, r)
	}
	for _, d := range ds {
		if v := owed[d.Subscription]; v != nil {
			out.Subscribers = append(out.Subscribers, view.Reception{
				Judgement: rules.Judgement{Subscription: d.Subscription, Why: "the configuration no longer has the subscription"}, Delivery: v,
			})
		}
	}
	return out, nil
}

var errPanicked = errors.New("the rules panicked")

package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

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

// explanation tells how the events of one exchange came about, or why there are
// none.
type explanation struct {
	Asked    string             `json:"asked"`
	Exchange webhook.ExchangeID `json:"exchange"`
	Outcome  outcome            `json:"outcome"`
	Why      string             `json:"why"`
	Call     *callView          `json:"call,omitempty"`
	Entities []rules.Account    `json:"entities,omitempty"`
	Events   []explainedEvent   `json:"events,omitempty"`

	// Refresh tells of the entities that GETs were to show because of it.
	Refresh []string `json:"refresh,omitempty"`

	More int `json:"more_events,omitempty"` // beyond those that are shown

	// NotKnown says what cannot be told because it is not kept.
	NotKnown []string `json:"not_known,omitempty"`
}

// outcome is what became of an exchange.
type outcome string

const (
	outcomeEvents      outcome = "events"
	outcomeNothing     outcome = "nothing"
	outcomeQuarantined outcome = "quarantined"
	outcomeWaiting     outcome = "waiting" // in the journal, and not derived yet
	outcomeOpen        outcome = "open"    // its answer has not ended
	outcomeNotKnown    outcome = "not_known"
)

// callView is a call as the journal, or the quarantine, still has it.
type callView struct {
	API        string             `json:"api"`
	Method     string             `json:"method"`
	Path       string             `json:"path"`
	Query      string             `json:"query,omitempty"`
	Started    time.Time          `json:"started,omitzero"`
	Ended      time.Time          `json:"ended,omitzero"`
	Status     int                `json:"status,omitempty"`
	Ending     string             `json:"ending,omitempty"`
	Request    string             `json:"request_body,omitempty"`
	Response   string             `json:"response_body,omitempty"`
	Before     string             `json:"before_fetch,omitempty"`
	ClientGone bool               `json:"client_gone,omitempty"`
	Overlapped bool               `json:"overlapped,omitempty"`
	SkipKey    string             `json:"skip_key,omitempty"`
	Cause      webhook.ExchangeID `json:"cause,omitzero"`
}

// explainedEvent is an event with everybody who got it, or did not.
type explainedEvent struct {
	ID          webhook.EventID       `json:"id"`
	Position    uint64                `json:"position"`
	Scope       string                `json:"scope"`
	Entity      webhook.EntityKey     `json:"entity"`
	Sequence    uint64                `json:"sequence,omitempty"`
	Recorded    time.Time             `json:"recorded"`
	Changes     []webhook.FieldChange `json:"changes,omitempty"`
	Gap         *webhook.Gap          `json:"gap,omitempty"`
	Provenance  webhook.Provenance    `json:"provenance"`
	Subscribers []reception           `json:"subscribers"`
}

// reception is what a subscription has to do with an event.
type reception struct {
	rules.Judgement
	Delivery *deliveryView `json:"delivery,omitempty"`
}

// explainer gathers one explanation.
type explainer struct {
	explanation
	e      *engine
	ctx    context.Context
	only   webhook.EventID // "": all events of the exchange
	kept   journal.Kept
	x      *webhook.Exchange // nil: not kept
	q      *store.Quarantined
	marked bool
	events []webhook.Event // of the exchange
}

func explain(e *engine, r *http.Request) (any, error) {
	id := r.PathValue("id")
	ex := &explainer{e: e, ctx: r.Context(), explanation: explanation{Asked: id}}
	if err := ex.find(id); err != nil {
		return nil, err
	}
	if err := ex.gather(); err != nil {
		return nil, err
	}
	ex.decide()
	ex.derive()
	return &ex.explanation, ex.tellEvents()
}

// find tells which exchange an id is about: its own, an event's or a
// delivery's.
func (ex *explainer) find(id string) (err error) {
	var ok bool
	switch {
	case strings.HasPrefix(id, "exc_"):
		if ex.Exchange, err = webhook.ParseExchangeID(id); err != nil {
			return badRequest{err.Error()}
		}
		return nil
	case strings.HasPrefix(id, "dlv_"):
		d, err := ex.e.store.Delivery(ex.ctx, webhook.DeliveryID(id))
		if err != nil {
			return fmt.Errorf("delivery %s: %w", id, err)
		}
		ex.only = d.Event
	case strings.HasPrefix(id, "chk_"):
		if ex.Exchange, ok = webhook.ChunkExchange(id); !ok {
			return badRequest{fmt.Sprintf("%q is no id of a chunk: write it as webhook-id has it", id)}
		}
		return nil
	default:
		ex.only = webhook.EventID(id)
	}
	if ex.Exchange, _, ok = ex.only.Exchange(); !ok {
		return badRequest{fmt.Sprintf("%q: write the id of an event (evt_…), of a chunk (chk_…), of an exchange (exc_…) or of a delivery (dlv_…)", id)}
	}
	return nil
}

// gather reads everything that is kept of the exchange.
func (ex *explainer) gather() (err error) {
	if ex.kept, err = ex.e.journal.Find(ex.ctx, ex.Exchange); err != nil {
		return err
	}
	if !ex.kept.Rejected {
		ex.x = ex.kept.End
	}
	quarantined, err := ex.e.store.Quarantined(ex.ctx, mostQuarantined)
	if err != nil {
		return err
	}
	for i := range quarantined {
		if quarantined[i].Exchange.ID == ex.Exchange {
			ex.q, ex.x = &quarantined[i], &quarantined[i].Exchange
		}
	}
	marks, err := ex.e.store.Recorded(ex.ctx, []webhook.ExchangeID{ex.Exchange})
	if err != nil {
		return err
	}
	ex.marked = marks[ex.Exchange]
	if ex.events, err = ex.e.store.Events(ex.ctx, store.EventQuery{Exchange: ex.Exchange, Max: mostEvents}); err != nil {
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
	ev, err := ex.e.store.Event(ex.ctx, ex.only)
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
	say := func(o outcome, format string, args ...any) { ex.Outcome, ex.Why = o, fmt.Sprintf(format, args...) }
	since, stalled, isStalled := ex.e.deriver.Stalled()
	end := ex.kept.End
	switch {
	case ex.q != nil:
		say(outcomeQuarantined, "a rule failed on it at %s: %s", clock(ex.q.At), firstLine(ex.q.Why))
	case len(ex.events) > 0:
		say(outcomeEvents, "%s recorded", counted(len(ex.events), "event was", "events were"))
	case ex.kept.Rejected && end.Response.Status > 0:
		say(outcomeNothing, "the API answered %d: nothing was done", end.Response.Status)
	case ex.kept.Rejected:
		say(outcomeNothing, "the call is over, and nothing came of it")
	case ex.x == nil && ex.marked:
		say(outcomeNothing, "%s", ex.gone())
	case ex.x == nil && ex.kept.Begin != nil:
		say(outcomeOpen, "its answer has not ended yet")
	case ex.x == nil:
		say(outcomeNotKnown, "%s", ex.gone())
	case ex.marked:
		say(outcomeNothing, "it was recorded, and earned no event")
	case isStalled:
		say(outcomeWaiting, "it is in the journal; since %s deriving waits: %s", clock(since), stalled)
	default:
		say(outcomeWaiting, "it is in the journal, and was not derived yet")
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
func (ex *explainer) event(ev *webhook.Event) (explainedEvent, error) {
	out := explainedEvent{
		ID: ev.ID, Position: ev.Position, Scope: ev.Scope, Entity: ev.Key, Sequence: ev.Sequence,
		Recorded: ev.Recorded, Changes: ev.Changes, Gap: ev.Gap, Provenance: ev.Provenance,
	}
	ds, err := ex.e.store.Deliveries(ex.ctx, store.DeliveryQuery{Event: ev.ID, Max: 1000})
	if err != nil {
		return out, err
	}
	owed := make(map[webhook.SubscriptionID]*deliveryView, len(ds))
	states := ex.e.states()
	for i := range ds {
		v := viewDelivery(&ds[i], states[ds[i].Subscription], time.Now())
		owed[ds[i].Subscription] = &v
	}
	for _, j := range ex.e.current().subscribers.Judge(ev) {
		r := reception{Judgement: j, Delivery: owed[j.Subscription]}
		delete(owed, j.Subscription)
		switch {
		case r.Delivery == nil && r.Wanted:
			r.Why = "it would want the event now, and did not when that was recorded: it is new, or was changed since"
		case r.Delivery != nil && !r.Wanted:
			r.Why = "it wanted the event when that was recorded; now it would not: " + r.Why
		}
		out.Subscribers = append(out.Subscribers, r)
	}
	for _, d := range ds {
		if v := owed[d.Subscription]; v != nil {
			out.Subscribers = append(out.Subscribers, reception{
				rules.Judgement{Subscription: d.Subscription, Why: "the configuration no longer has the subscription"}, v,
			})
		}
	}
	return out, nil
}

var errPanicked = errors.New("the rules panicked")

package admin

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/caddymodule/view"
	"github.com/sidehook/sidehook/caddymodule/words"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// call shows the exchange, or what is left of it.
func (ex *explainer) call() *view.Call {
	if x := ex.x; x != nil {
		v := &view.Call{
			API: x.API, Method: x.Request.Method, Path: x.Request.Path, Query: x.Request.Query,
			Started: x.Started, Ended: x.Ended, Status: x.Response.Status, Ending: x.Ending.String(),
			Request: bodyText(x.Request.Body), Response: bodyText(x.Response.Body),
			ClientGone: x.ClientGone, Overlapped: x.Overlapped, SkipKey: x.Request.SkipKey, Cause: x.Cause,
		}
		if x.Ending == webhook.Unknown {
			v.Response = "" // what the client got for one says nothing of the API
		}
		if o := x.Before; o != nil {
			v.Before = observationText(o)
		}
		return v
	}
	var v *view.Call
	if b := ex.kept.Begin; b != nil {
		v = &view.Call{API: b.API, Method: b.Method, Path: b.Path, Query: b.Query, Started: b.Started, SkipKey: b.SkipKey}
	} else if ex.own() == nil && len(ex.events) > 0 && ex.events[0].Request.Method != "" {
		ev := &ex.events[0]
		v = &view.Call{API: ev.Key.API, Method: ev.Request.Method, Path: ev.Request.Path, Ended: ev.Time, SkipKey: ev.SkipKey}
	}
	if end := ex.kept.End; v != nil && end != nil {
		v.Status, v.Ended, v.Ending = end.Response.Status, end.Ended, end.Ending.String()
	}
	return v
}

func bodyText(b webhook.Body) string {
	switch {
	case !b.Whole():
		return "not kept: " + b.Missing.String()
	case len(b.Bytes) == 0:
		return "empty"
	}
	return words.Counted(len(b.Bytes), "byte", "bytes")
}

func observationText(o *webhook.Observation) string {
	took := o.Received.Sub(o.Requested)
	if o.Error != "" {
		return fmt.Sprintf("no answer after %s: %s", took, o.Error)
	}
	return fmt.Sprintf("%d after %s, %s", o.Status, took, bodyText(o.Body))
}

// derive derives the exchange once more, as far as what it was derived from is
// kept, and tells how that goes.
func (ex *explainer) derive() {
	switch {
	case ex.own() != nil:
		return // it was not derived
	case ex.x == nil && len(ex.events) > 0:
		ex.recall()
		ex.miss("the call itself is not kept any more (the journal lets go of what is recorded), so which rules were not met, and why, cannot be told")
		return
	case ex.x == nil:
		return
	case ex.x.Seed != "":
		ex.Outcome, ex.Why = view.OutcomeNothing, "it is a page of the list of "+ex.x.Seed+", of a seed, which earns no events"
		return
	}
	accounts, nothing, err := ex.again()
	switch {
	case err != nil:
		if ex.Outcome != view.OutcomeQuarantined {
			ex.miss("it cannot be derived again: " + words.FirstLine(err.Error()))
		}
	case nothing != "":
		ex.Outcome, ex.Why = view.OutcomeNothing, nothing // whether that was seen already or not
	case ex.otherwise:
		ex.Why = "it was recorded, and earned no event: by what was known then, or by what a GET after the call showed, nothing had changed (neither is kept)"
		return
	case len(accounts) > 0 && ex.Outcome == view.OutcomeNothing:
		ex.Why = strings.TrimPrefix(accounts[0].Result, "nothing: ")
	}
	ex.Entities = ex.concerned(accounts)
}

// concerned returns the accounts that are told: that of the event that was asked
// about, or else of all.
func (ex *explainer) concerned(accounts []rules.Account) []rules.Account {
	for i := range ex.events {
		if ev := &ex.events[i]; ev.ID == ex.only {
			one := slices.DeleteFunc(slices.Clone(accounts), func(a rules.Account) bool { return a.Entity != ev.Key })
			if len(one) > 0 { // a rule may have named another entity
				accounts = one
			}
		}
	}
	return accounts[:min(len(accounts), mostExplained)]
}

func (ex *explainer) miss(what string) { ex.NotKnown = append(ex.NotKnown, what) }

// again derives the exchange by the configuration that captured it. nothing
// says why no event could come of it.
func (ex *explainer) again() (accounts []rules.Account, nothing string, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errPanicked, p)
		}
	}()
	text, err := ex.e.Store.Config(ex.ctx, ex.x.Config)
	if err != nil {
		return nil, "", fmt.Errorf("the configuration that captured it: %w", err)
	}
	var c rules.Config
	if err := json.Unmarshal(text, &c); err != nil {
		return nil, "", fmt.Errorf("the configuration that captured it: %w", err)
	}
	p, err := rules.Compile(&c)
	if err != nil {
		return nil, "", fmt.Errorf("the configuration that captured it: %w", err)
	}
	plan := p.Plan(ex.x)
	if plan.Nothing != "" {
		return nil, plan.Nothing, nil
	}
	if len(plan.Subjects) > mostDerived {
		ex.miss(fmt.Sprintf("the call is about %d entities, and which rules were met by each is told of calls about %d at most", len(plan.Subjects), mostDerived))
		return nil, "", nil
	}
	before, after, err := ex.past(plan)
	if err != nil {
		return nil, "", err
	}
	got, accounts, err := p.Explain(ex.x, plan, before, after)
	if err == nil {
		ex.compare(got.Events)
		ex.correct(accounts)
	}
	ex.refreshes(&got)
	if !got.Repeats.IsZero() {
		nothing = "by its Idempotency-Key it repeats " + got.Repeats.String() + ", which was recorded"
	}
	return accounts, nothing, err
}

// refreshes tells what the exchange refreshes, and what not because its id is not
// known. Whether it was done the log and the other entity's calls tell.
func (ex *explainer) refreshes(got *rules.Derived) {
	for _, r := range got.Refresh {
		if len(ex.Refresh) < mostExplained {
			ex.Refresh = append(ex.Refresh, "refreshes "+r.Key.String()+": GET "+r.Path)
		}
	}
	for _, why := range got.Skipped {
		if rest, ok := strings.CutPrefix(why, "refresh "); ok && len(ex.Refresh) < mostExplained {
			ex.Refresh = append(ex.Refresh, "does not refresh "+rest)
		}
	}
}

// compare says so if what is derived now is not what was recorded.
func (ex *explainer) compare(again []webhook.Event) {
	if ex.Outcome != view.OutcomeEvents && ex.Outcome != view.OutcomeNothing {
		return
	}
	ids := func(events []webhook.Event) (all []string) {
		for i := range events {
			all = append(all, string(events[i].ID))
		}
		slices.Sort(all)
		return all
	}
	if len(ex.events) == 0 && len(again) > 0 {
		ex.otherwise = true
		return
	}
	if !slices.Equal(ids(again), ids(ex.events)) && len(ex.events) < mostEvents {
		ex.miss("derived again from what is kept, other events come of it than were recorded: what was known then is not all kept, and the record counts")
	}
}

// correct lets the events that were recorded say what changed: an account of now
// may know more than was known then.
func (ex *explainer) correct(accounts []rules.Account) {
	for i := range accounts {
		a := &accounts[i]
		for j := range ex.events {
			if ev := &ex.events[j]; ev.Key == a.Entity && ev.Operation == webhook.Updated {
				a.Changes, a.Unknown = ev.Changes, ev.Provenance.Unknown
			}
		}
	}
}

// past returns what was known of the plan's entities before the exchange, and
// seen of them after it, as far as that is kept: by the events that were
// recorded of it, by earlier ones, and by what is known now.
func (ex *explainer) past(plan *rules.Plan) (before []webhook.Snapshot, after []rules.Seen, err error) {
	for i := range plan.Subjects {
		b, a, err := ex.pastOf(&plan.Subjects[i])
		if err != nil {
			return nil, nil, err
		}
		before, after = append(before, b), append(after, a)
	}
	// What a call with an Idempotency-Key is remembered by, and other names.
	for _, key := range plan.Keys(nil)[len(before):] {
		b, err := ex.e.Store.Snapshot(ex.ctx, key)
		if err != nil {
			return nil, nil, err
		}
		if b.Exchange == ex.x.ID || b.Exchange.Time().After(ex.x.Started) {
			b = webhook.Snapshot{Key: b.Key}
		}
		before = append(before, b)
	}
	return before, after, nil
}

func (ex *explainer) pastOf(s *rules.Subject) (b webhook.Snapshot, a rules.Seen, err error) {
	now, err := ex.e.Store.Snapshot(ex.ctx, s.Key)
	if err != nil {
		return b, a, err
	}
	key := now.Key // to which another name of the entity may have led
	b = webhook.Snapshot{Key: key, View: now.View, Tenant: now.Tenant, Parent: now.Parent, Name: now.Name}
	for i := range ex.events {
		if ev := &ex.events[i]; ev.Key == key {
			a.Concurrent = ev.Provenance.Concurrent
			a.Observation = ex.sawAfter(ev)
			return ex.beforeOf(ev, b), a, nil
		}
	}
	if ex.Outcome == view.OutcomeWaiting {
		return now, a, nil // it will be derived from this, unless others come before
	}
	prev, err := ex.previous(key)
	if err != nil {
		return b, a, err
	}
	if prev != nil {
		b.Sequence, b.Body, b.Seen, b.Via = prev.Sequence, prev.After, prev.Time, prev.Provenance.After
		b.Deleted = prev.Operation == webhook.Deleted
	}
	switch {
	case now.Exchange == ex.x.ID:
		b.Sequence = now.Sequence
		if prev == nil {
			b.Body, b.Deleted, b.Seen = now.Body, now.Deleted, ex.x.Started
			ex.miss("what exactly was known of " + key.String() + " before the call is not kept: shown is what is known since, and ignored fields may have differed")
		}
		if now.Via == webhook.FromFetch {
			a.Observation = observed(now.Body, ex.x, strings.HasPrefix(now.View, "get#service"))
		}
	case prev == nil && now.Sequence > 0:
		ex.miss("what was known of " + key.String() + " before the call is not kept")
	case s.Fetch != "":
		ex.miss("what a GET of " + s.Fetch + " showed after the call is not kept")
	}
	return b, a, nil
}

// beforeOf returns what the snapshot b was when ev was derived.
func (ex *explainer) beforeOf(ev *webhook.Event, b webhook.Snapshot) webhook.Snapshot {
	if ev.Sequence > 0 {
		b.Sequence = ev.Sequence - 1
	}
	if ev.Provenance.Before != webhook.FromSnapshot {
		return b
	}
	b.Seen, b.Body = ex.x.Started.Add(-ev.Provenance.BeforeAge), ev.Before
	b.Deleted = ev.Operation == webhook.Created
	if _, earlier, ok := strings.Cut(b.View, " "); ok && len(ev.Provenance.Unknown) > 0 {
		b.View = earlier // how the state after was seen, it had not been
	}
	b.ETag = strings.TrimSpace(ex.x.Request.Header.Get("If-Match")) // it was confirmed by that, if by anything
	if ev.Gap != nil {
		ex.miss("what was known of " + ev.Key.String() + " before the call is not kept")
	}
	return b
}

// sawAfter returns the GET that an event's after came from, or nil.
func (ex *explainer) sawAfter(ev *webhook.Event) *webhook.Observation {
	if ev.Provenance.After != webhook.FromFetch {
		return nil
	}
	if ev.Operation == webhook.Deleted {
		return &webhook.Observation{Requested: ex.x.Ended, Received: ex.x.Ended, Status: 404}
	}
	return observed(ev.After, ex.x, false)
}

// observed returns a GET after x that showed body.
func observed(body json.RawMessage, x *webhook.Exchange, service bool) *webhook.Observation {
	return &webhook.Observation{
		Requested: x.Ended, Received: x.Ended, Status: 200, Service: service,
		Header: webhook.Header{"Content-Type": {"application/json"}}, Body: webhook.Body{Bytes: body},
	}
}

// previous returns the last event of an entity before the exchange, or nil.
func (ex *explainer) previous(key webhook.EntityKey) (*webhook.Event, error) {
	events, err := ex.e.Store.Events(ex.ctx, store.EventQuery{Newest: true, Resource: key.Resource, ID: key.ID, Max: 200})
	if err != nil {
		return nil, err
	}
	for i := range events {
		if ev := &events[i]; ev.Key == key && ev.Gap == nil && ev.Exchange != ex.x.ID && ev.Time.Before(ex.x.Ended) {
			return ev, nil
		}
	}
	return nil, nil
}

package admin

import (
	"encoding/json"
	"strings"

	"github.com/sidehook/sidehook/caddymodule/view"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

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
			a.Bare = a.Observation != nil
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
			a.Bare = true
			a.Observation = observed(now.Body, ex.x, strings.HasPrefix(now.View, "get#service"))
		}
	case prev == nil && now.Sequence > 0:
		ex.miss("what was known of " + key.String() + " before the call is not kept")
	case s.Fetch != "":
		a.Bare = true
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

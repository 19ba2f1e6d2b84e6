package api

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/sidehook/sidehook/caddymodule/problem"
	"github.com/sidehook/sidehook/caddymodule/view"
	"github.com/sidehook/sidehook/caddymodule/words"
	"github.com/sidehook/sidehook/webhook"
)

// readReplay reads what is to be sent again.
func (c *Call) readReplay() (r webhook.Replay, err error) {
	doc, err := c.readDocument()
	if err != nil {
		return r, err
	}
	if err := doc.only("subscription", "since", "until", "scopes", "states", "rate"); err != nil {
		return r, err
	}
	now := time.Now().UTC()
	r = webhook.Replay{ID: webhook.NewReplayID(now), Status: webhook.ReplayRunning, Rate: view.DefaultReplayRate, Created: now, Asked: c.Owner, Tenant: c.Tenant, Operator: c.Operator}
	if r.Subscription, err = c.replayedSubscription(doc); err != nil {
		return r, err
	}
	var states []string
	for name, to := range map[string]any{"scopes": &r.Scopes, "states": &states, "rate": &r.Rate} {
		if raw, ok := doc[name]; ok && json.Unmarshal(raw, to) != nil {
			return r, problem.WrongField("/"+name, "%s: write %s", name, replayFields[name])
		}
	}
	if !(r.Rate > 0 && r.Rate <= mostReplayRate) {
		return r, problem.WrongField("/rate", "rate: write %s", replayFields["rate"])
	}
	if n := len(r.Scopes); n > mostScopes {
		return r, problem.WrongField("/scopes", "scopes are %d: write %d at most", n, mostScopes)
	}
	for i, p := range r.Scopes {
		if err := p.Check(); err != nil {
			return r, problem.WrongField("/scopes/"+strconv.Itoa(i), "%s", err)
		}
		if err := c.unearned(p); err != nil {
			return r, problem.WrongField("/scopes/"+strconv.Itoa(i), "%s", err)
		}
	}
	if err := takeReplayStates(&r, states); err != nil {
		return r, err
	}
	return r, c.replayBounds(doc, &r)
}

// replayFields say what is to be written.
var replayFields = map[string]string{
	"scopes": `patterns of event names, like ["project.**"]`,
	"states": `what to send again, like ["exhausted", "dead"]`,
	"rate":   "how many deliveries are sent in a second at most, a number up to 1000",
}

func takeReplayStates(r *webhook.Replay, states []string) error {
	if len(states) == 0 {
		r.States = replayedByDefault
		return nil
	}
	for i, s := range states {
		if s == missedState {
			r.Missed = true
			continue
		}
		r.States = append(r.States, webhook.DeliveryState(s))
		if err := r.CheckStates(); err != nil {
			return problem.WrongField("/states/"+strconv.Itoa(i), "%s", err)
		}
	}
	return nil
}

func (c *Call) replayedSubscription(doc apiDocument) (webhook.SubscriptionID, error) {
	name, err := doc.take("subscription")
	if err == nil && name == "" {
		err = problem.WrongField("/subscription", "subscription is missing: write the id of the one to send to")
	}
	if err != nil {
		return "", err
	}
	id := webhook.SubscriptionID(name)
	switch mine := words.Texts(c.mine()); {
	case slices.Contains(mine, name):
		return id, nil
	case len(mine) > 0:
		slices.Sort(mine)
		return "", problem.WrongField("/subscription", "there is no subscription %s: there are %s", name, words.Some(mine))
	default:
		return "", problem.WrongField("/subscription", "there is no subscription %s", name)
	}
}

// replayBounds reads since and until: positions, or times of recording.
func (c *Call) replayBounds(doc apiDocument, r *webhook.Replay) (err error) {
	newest, err := c.e.Newest(c.r.Context())
	if err != nil {
		return err
	}
	if doc["since"] == nil {
		return problem.WrongField("/since", "since is missing: write a time like 2026-11-22T08:00:00Z, or a position; 0 is all there is")
	}
	if r.Low, err = c.positionOf("since", doc["since"]); err != nil {
		return err
	}
	r.Low = max(r.Low, 1)
	r.High = newest + 1
	if raw, ok := doc["until"]; ok {
		until, err := c.positionOf("until", raw)
		if err != nil {
			return err
		}
		r.High = min(r.High, until)
	}
	r.High = max(r.High, r.Low)
	r.Next = r.Low
	return nil
}

func (c *Call) positionOf(name string, raw json.RawMessage) (uint64, error) {
	var position uint64
	if json.Unmarshal(raw, &position) == nil {
		return position, nil
	}
	var t time.Time
	if json.Unmarshal(raw, &t) != nil {
		return 0, problem.WrongField("/"+name, "%s: write a time like 2026-11-22T08:00:00Z, or a position", name)
	}
	return c.positionAt(c.r.Context(), t)
}

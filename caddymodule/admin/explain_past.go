package admin

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/caddymodule/view"
	"github.com/sidehook/sidehook/caddymodule/words"
	"github.com/sidehook/sidehook/rules"
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

package audience

import (
	"fmt"

	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/rules/payload"
	"github.com/sidehook/sidehook/webhook"
)

// What filters may cost that callers of the subscription API have written.
const (
	// mostSteps bounds what one of them takes for one event.
	mostSteps = 100_000

	// sureSteps is what each may take in any case, however many there are.
	sureSteps = 250

	// eventSteps bounds what all of them take for one event beyond that: some ten
	// milliseconds.
	eventSteps = 500_000

	mostNodes   = 300 // of one
	mostLoops   = 3   // nested in each other
	mostRegexps = 500 // instructions of its regular expressions
)

// CheckFilter says what is wrong with a filter that a caller of the subscription
// API has written: beside what is wrong with any, that it is too large.
func CheckFilter(text string) error {
	x, err := lang.Compile(text, lang.EnvEvent)
	if err != nil {
		return err
	}
	switch nodes, loops, regexps := x.Weight(); {
	case nodes > mostNodes:
		return fmt.Errorf("it has %d parts, and may have %d: write less, or select by scopes and on_change", nodes, mostNodes)
	case loops > mostLoops:
		return fmt.Errorf("%d loops (any, filter, map…) stand in each other: at most %d may", loops, mostLoops)
	case regexps > mostRegexps:
		return fmt.Errorf("its regular expressions come to %d instructions, and may to %d: repeat less", regexps, mostRegexps)
	}
	return nil
}

// Want returns the subscriptions that want e, in the order in which they were
// given: those whose scopes select it, that may see it, that do not skip the
// key of its call, whose on_change one of its changes concerns (updates only),
// and whose filter holds. What cannot be judged, because it depends on
// something unknown or takes too long, lets the event through. Events of a dry
// run want nobody. There is no error today.
//
// Filters of the configuration may take as long as any expression. Those that
// were made through the API share a budget: one that is cheap is judged
// always; what the costly ones take is bounded for each and for all.
func (s *Subscribers) Want(e *webhook.Event) ([]Want, error) {
	if e.DryRun {
		return nil, nil
	}
	var wants []Want
	var costly []int // of wants: not judged yet
	j := judge{e: e}
	for _, c := range s.interested(e) {
		if c = c.as(e.Key.Resource); !c.Sees(e) || c.Skips(e.SkipKey) {
			continue
		}
		t, enough := j.judge(c, sureSteps)
		if t == lang.False {
			continue
		}
		if !enough {
			costly = append(costly, len(wants))
		}
		wants = append(wants, Want{Subscription: c.Subscription, Unjudged: t == lang.Undecided, by: c})
	}
	if len(costly) > 0 {
		wants = j.again(wants, costly)
	}
	return wants, nil
}

// Wanted is [Subscribers.Want] for one subscription, asked by itself: what others'
// filters cost is not looked at.
func (s *Subscribers) Wanted(e *webhook.Event, id webhook.SubscriptionID) (w Want, wanted bool, err error) {
	c := s.find(id)
	if c == nil || e.DryRun || !c.Wants(e.Scope) || !c.Sees(e) {
		return w, false, nil
	}
	if c = c.as(e.Key.Resource); c.Skips(e.SkipKey) {
		return w, false, nil
	}
	j := judge{e: e}
	t, _ := j.judge(c, mostSteps)
	return Want{Subscription: c.Subscription, Unjudged: t == lang.Undecided}, t != lang.False, nil
}

// judge judges one event.
type judge struct {
	e    *webhook.Event
	vars *payload.Vars // one for all, so that nothing is decoded twice
}

// judge applies c's on_change and filter. One that a caller of the API has
// written may take steps; enough says that they were.
func (j *judge) judge(c *subscriber, steps int) (t lang.Truth, enough bool) {
	t, _, enough = j.measured(c, steps)
	return t, enough
}

// again judges those that took more steps than everybody may, as long as there
// are any left for all of them.
func (j *judge) again(wants []Want, costly []int) []Want {
	left := eventSteps
	dropped := false
	for _, i := range costly {
		if left == 0 {
			break
		}
		t, took, enough := j.measured(wants[i].by, min(left, mostSteps))
		left = max(0, left-took)
		if enough {
			wants[i].Unjudged = t == lang.Undecided
		}
		if t == lang.False {
			wants[i].by, dropped = nil, true
		}
	}
	if !dropped {
		return wants
	}
	kept := wants[:0]
	for _, w := range wants {
		if w.by != nil {
			kept = append(kept, w)
		}
	}
	return kept
}

// measured is judge, and how many steps it took.
func (j *judge) measured(c *subscriber, most int) (t lang.Truth, steps int, enough bool) {
	if c.broken != nil {
		return lang.Undecided, 0, true
	}
	if c.Static {
		most = lang.MaxSteps
	}
	steps = c.compared(j.e, most)
	if steps > most {
		return lang.Undecided, steps, false
	}
	t = c.concerned(j.e)
	if t == lang.False || c.filter == nil {
		return t, steps, true
	}
	if j.vars == nil {
		j.vars = payload.Judging(j.e)
	}
	j.vars.For(c.Subscription)
	passes, took := c.filter.TruthWithin(j.vars, nil, most-steps)
	return t.And(passes), steps + took, took <= most-steps
}

// compared returns about how many steps it takes to find out whether on_change
// names one of e's changes; beyond most it does not count on.
func (c *subscriber) compared(e *webhook.Event, most int) (steps int) {
	if len(c.onChange) == 0 || e.Operation != webhook.Updated {
		return 0
	}
	for i := range e.Changes {
		if steps > most {
			break
		}
		change := &e.Changes[i]
		steps += len(c.onChange) * (1 + len(change.Path)/16)
		if within, _ := c.onChange.Below(change.Path); len(within) > 0 {
			steps += (len(change.Old) + len(change.New)) / 8
		}
	}
	return steps
}

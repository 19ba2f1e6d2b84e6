package admin

import (
	"fmt"
	"slices"
	"time"

	"github.com/sidehook/sidehook/caddymodule/words"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// recall tells, of a call that the journal has let go, what its events say: what
// was recorded of each entity, how that was known, and which scopes were earned.
// Which other rules there were is told by the configuration as it is now.
func (ex *explainer) recall() {
	at := map[webhook.EntityKey]int{}
	for i := range ex.events {
		ev := &ex.events[i]
		j, told := at[ev.Key]
		if !told {
			j = len(ex.Entities)
			at[ev.Key] = j
			ex.Entities = append(ex.Entities, recalled(ev))
		}
		v := rules.Verdict{Scope: ev.Scope, Earned: true, Why: "the event is there"}
		ex.Entities[j].Scopes = append(ex.Entities[j].Scopes, v)
	}
	for i := range ex.Entities {
		ex.notEarned(&ex.Entities[i])
	}
	ex.Entities = ex.concerned(ex.Entities)
}

// recalled returns what an event says of its entity.
func recalled(ev *webhook.Event) rules.Account {
	p := &ev.Provenance
	a := rules.Account{
		Entity: ev.Key, Operation: ev.Operation, Changes: ev.Changes, Unknown: p.Unknown, Result: string(ev.Operation),
		Before: rules.Learned{Source: p.Before, Age: p.BeforeAge, Why: "as the event says"},
		After:  rules.Learned{Source: p.After, Confidence: p.Confidence, Why: "as the event says"},
	}
	switch {
	case ev.Gap != nil:
		a.Result = "a gap, " + ev.Gap.Reason + ": " + ev.Gap.Detail
	case p.BeforeAge > 0:
		a.Before.Why += fmt.Sprintf(", %s before the call", p.BeforeAge.Round(time.Millisecond))
	}
	return a
}

// notEarned adds the scopes that the entity's resource can earn now and that no
// event has.
func (ex *explainer) notEarned(a *rules.Account) {
	for _, h := range ex.e.Current().Handlers {
		if h.Program.API() != a.Entity.API || a.Operation == webhook.Missed {
			continue
		}
		for _, s := range h.Program.Scopes() {
			there := slices.ContainsFunc(a.Scopes, func(v rules.Verdict) bool { return v.Scope == s.Name })
			if s.Resource == a.Entity.Resource && !there && s.Name != s.Resource+webhook.GapSuffix && !ofOther(s.Name, a) {
				a.Scopes = append(a.Scopes, rules.Verdict{Scope: s.Name, Why: "there is no event of it; why is not known any more"})
			}
		}
	}
}

// ofOther reports whether scope says, by the words that are usual, that something
// else was done than was.
func ofOther(scope string, a *rules.Account) bool {
	for _, op := range []webhook.Operation{webhook.Created, webhook.Updated, webhook.Deleted} {
		if op != a.Operation && scope == a.Entity.Resource+"."+string(op) {
			return true
		}
	}
	return false
}

// gone says what became of a call of which nothing is kept, as far as its id and
// its mark tell: an id begins with the time of its call.
func (ex *explainer) gone() string {
	call := ex.Exchange.Time()
	keep := ex.e.Current().Retention
	ago := time.Since(call)
	kept := ago >= 0 && ago < keep
	switch {
	case ex.marked && kept:
		return fmt.Sprintf("it was recorded, and earned no event: one of %s would still be there (`retention` is %s)", words.Clock(call), keep)
	case ex.marked:
		return fmt.Sprintf("it was recorded, and no event of it is there: it earned none, or they are older than `retention` (%s; the call came at %s)", keep, words.Clock(call))
	case ago < 0:
		return "neither the journal nor the store has it, and the time in its id is to come: it is not of this server"
	case kept:
		return fmt.Sprintf("neither the journal nor the store has it: nothing came of the call at %s and the journal has let go of it (its events would still be there: `retention` is %s), or it was another server's",
			words.Clock(call), keep)
	}
	return fmt.Sprintf("neither the journal nor the store has it: nothing came of the call at %s and the journal has let go of it, or its events are older than `retention` (%s), or it was another server's",
		words.Clock(call), keep)
}

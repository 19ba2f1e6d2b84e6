package rules

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/sidehook/sidehook/rules/content"
	"github.com/sidehook/sidehook/webhook"
)

// whyBefore says in words where the state before was learned, or why it is not
// known.
func (d *deriver) whyBefore(ch *change) string {
	switch ch.b.source {
	case webhook.FromFetch:
		if ch.b.absent {
			return "a GET before the call was forwarded said that it was not there"
		}
		return "a GET before the call was forwarded showed it"
	case webhook.FromSnapshot:
		switch {
		case ch.b.absent:
			return "it was known to be deleted"
		case ch.b.proven:
			return "as it was last seen, confirmed by the call's own If-Match"
		}
		return "as it was last seen, " + ageText(ch.b.age) + " before the call"
	}
	return d.whyNoBefore(ch)
}

func (d *deriver) whyNoBefore(ch *change) string {
	obs := d.x.Before
	switch {
	case d.e.res.before == "none":
		return "`before none`: it is not looked for"
	case obs != nil && obs.Error != "":
		return "a GET before the call was forwarded found nothing: " + obs.Error
	case obs != nil:
		return fmt.Sprintf("a GET before the call was forwarded answered %d, and did not show it", obs.Status)
	case ch.snap.Sequence == 0 && !ch.snap.Known():
		return "the entity had not been seen before"
	case d.e.res.isOnes() && ch.snap.Stale.IsZero():
		return "its path does not say whose it is, and only other callers saw it, who may each have their own (`tenant` in its block keeps them apart), or what they saw is not known"
	case !ch.snap.Stale.IsZero():
		return "something was done to it " + ageText(d.x.Started.Sub(ch.snap.Stale)) + " before the call that nobody saw the result of"
	case !ch.snap.Known():
		return "what it was like when it was last seen is not known"
	}
	age := d.x.Started.Sub(ch.snap.Seen)
	return fmt.Sprintf("it was last seen %s before the call, and `trust` is %s", ageText(age), ageText(d.e.res.trust))
}

// ageText shows a duration as people say it.
func ageText(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	case d < 48*time.Hour:
		text := d.Round(time.Second).String()
		for _, zero := range []string{"m0s", "h0m"} {
			if strings.HasSuffix(text, zero) {
				text = text[:len(text)-2]
			}
		}
		return text
	}
	return fmt.Sprintf("%d days", d/(24*time.Hour))
}

// whyAfter says in words where the state after was learned, and if it is not
// the answer, why not.
func (d *deriver) whyAfter(ch *change, seen Seen) string {
	switch {
	case d.replays(ch.s, ch.snap):
		return "the answer is that to an earlier call, again"
	case ch.s.Kind == Delete && !d.unsure && !d.later:
		return ""
	case ch.s.Kind == Seed:
		return "a list showed it, when the resource was seeded"
	case ch.s.Kind == Observe && ch.o.body != nil:
		return "a GET showed it, because of " + d.x.Cause.String()
	case ch.s.Kind == Observe:
		return "a GET did not show it"
	}
	not := d.whyNotAnswer(ch)
	if not != "" {
		not = "; the answer does not show it: " + not
	}
	switch ch.o.via {
	case webhook.FromResponse:
		if ch.o.confidence == webhook.Proven {
			return "the answer is the entity, by its Content-Location or Preference-Applied"
		}
		if ch.o.confidence == webhook.Inferred {
			return "the answer shows what the request set, and nothing else" + whyNoGet(ch.s, seen)
		}
		return "the answer shows it"
	case webhook.FromFetch:
		if ch.o.gone {
			return "a GET after the call said that it is not there any more"
		}
		return "a GET after the call showed it" + not
	case webhook.FromRequest:
		if ch.o.confidence == webhook.Proven {
			return "HTTP or JSON:API proves that the request's body was stored as it was sent" + not
		}
		return "`after request`: the request's body is taken for it"
	case webhook.FromComputed:
		return "worked out from the request and the state before" + whyNoGet(ch.s, seen) + not
	}
	return cmp.Or(strings.TrimPrefix(whyNoGet(ch.s, seen)+not, "; "), "nothing told it")
}

func whyNoGet(s *Subject, seen Seen) string {
	obs := seen.Observation
	switch {
	case s.Fetch == "":
		return ""
	case obs == nil && seen.Bare:
		return "; what a GET of " + s.Fetch + " showed, if one was made, is not kept"
	case obs == nil && seen.Concurrent:
		return "; other calls on the entity were open, so that no GET could tell"
	case obs == nil:
		return "; no GET of " + s.Fetch + " told: none was made, or it failed, or was not believed"
	case obs.Error != "":
		return "; a GET of " + s.Fetch + " failed: " + obs.Error
	}
	return fmt.Sprintf("; a GET of %s answered %d, and did not show it", s.Fetch, obs.Status)
}

// whyNotAnswer says why the answer was not taken for the entity; "" if it was.
func (d *deriver) whyNotAnswer(ch *change) string {
	entity := d.entityInAnswer()
	missing := d.x.Response.Body.Missing
	switch {
	case ch.o.via == webhook.FromResponse:
		return ""
	case d.unsure:
		return "it is not known whether the call was done"
	case d.later:
		return fmt.Sprintf("the call was accepted (%d), to be done later", d.x.Response.Status)
	case missing != webhook.NotMissing:
		return "it was not kept: " + missing.String()
	case d.resKind == content.IsEmpty:
		return "it is empty"
	case d.res == nil:
		return "it could not be read" + labelled(d.x.Response.Header)
	case d.prefers("return=minimal"):
		return "it says return=minimal"
	case entity == nil:
		return "no entity was found in it"
	case d.x.Response.Status == partialContent:
		return "its status, 206, says that it shows a part only"
	case d.cut():
		return "the query asks for a part of the entity only"
	case !d.e.res.shows(d.res, entity, ch.s.Key.ID):
		if d.bulk {
			return "it tells of it among others, and does not show it whole"
		}
		return d.otherID(ch, entity)
	case ch.s.answer == nil:
		return "its Content-Location names something else"
	case d.e.res.after == "fetch" || d.e.res.after == "request":
		return "`after " + d.e.res.after + "`"
	}
	return "it is a receipt: it has few fields, and not those that were set or were there"
}

// labelled says how an answer that could not be read is labelled.
func labelled(h webhook.Header) (text string) {
	for _, name := range []string{"Content-Type", "Content-Encoding"} {
		if v := h.Get(name); v != "" {
			text += ", " + name + " " + v
		}
	}
	return strings.Replace(text, ", ", ": ", 1)
}

// result says in words what a subject came to.
func (d *deriver) result(ch *change, a *Account, events int) string {
	if ch.s.Kind == Seed {
		return "nothing: a seed earns nothing"
	}
	if ch.s.Kind == Observe {
		if why := d.notComparable(ch); why != "" {
			return "nothing: " + why
		} else if ch.b.body == nil {
			return "nothing: what it was before is not known"
		}
	}
	switch {
	case ch.op == "" && d.replay():
		return "nothing: the API says that it answered as it had answered an earlier call"
	case ch.op == webhook.Missed:
		return "something may have changed, and what is not known: a gap"
	case ch.op == webhook.Deleted && ch.b.absent && ch.b.source == webhook.FromFetch:
		return "nothing: a GET before the call was forwarded said that it was not there"
	case ch.op == webhook.Deleted && ch.b.absent:
		return "nothing: it was known to be deleted already"
	case ch.op == webhook.Deleted && events == 0 && ch.o.body != nil:
		return "nothing: a GET showed that it is still there"
	case ch.o.body != nil && d.older(ch):
		return "nothing: the answer is older than what was known, by its version"
	case ch.same:
		return "nothing: no field changed"
	case events > 0:
		return string(ch.op)
	case !ch.significant:
		return "nothing: only ignored fields changed"
	case d.e.res.plain[ch.op] == "" && len(a.Scopes) == 0:
		return fmt.Sprintf("%s, and no rule says that this earns something", ch.op)
	}
	return fmt.Sprintf("%s, and no rule was met", ch.op)
}

// tellPlain tells why the plain scope was earned or not.
func (d *deriver) tellPlain(ch *change, plain string, byCall bool) {
	if d.trace == nil {
		return
	}
	name := d.m.Resource() + "." + string(ch.op)
	switch {
	case byCall:
		d.trace.judged(cmp.Or(plain, name), nil, nil, false, "the route earns its own scope instead")
	case plain == "":
		d.trace.judged(name, nil, nil, false, "the configuration drops it (`none`)")
	case ch.same:
		d.trace.judged(plain, nil, nil, false, "no field changed")
	case !ch.significant:
		d.trace.judged(plain, nil, nil, false, "only ignored fields changed")
	default:
		d.trace.judged(plain, nil, nil, true, "the entity was "+string(ch.op))
	}
}

// tellIdle names the rules that were not even considered.
func (d *deriver) tellIdle(ch *change) {
	if d.trace == nil {
		return
	}
	why := "no field changed"
	if ch.op == webhook.Deleted {
		why = "emit lines concern creates and updates"
	}
	idle := func(list []*rule) {
		for _, r := range list {
			d.trace.judged(fillScope(r.scope, d.m.params), r.when, nil, false, why)
		}
	}
	idle(d.e.res.rules)
	for _, l := range d.e.lines {
		idle(l.rules)
	}
}

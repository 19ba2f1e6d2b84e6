package rules

import (
	"slices"
	"strings"

	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/rules/route"
	"github.com/sidehook/sidehook/webhook"
)

// Refreshed is an entity that a GET is to show, because an exchange may have
// changed it too.
type Refreshed struct {
	Key  webhook.EntityKey
	Path string // escaped, of the GET; with a query where it must have one
}

// maxRefreshed bounds the entities that one exchange refreshes.
const maxRefreshed = 100

// refresh is a compiled [Refresh].
type refresh struct {
	resource string
	id       *lang.Expr
	shown    *endpoint // of the GET
}

// Refreshes reports whether a change of the resource may ask for GETs of other
// entities.
func (m *Match) Refreshes() bool { return len(m.e.res.refresh) > 0 }

// MatchItem returns the resource whose entity the path of a GET shows, or nil.
// path is escaped.
func (p *Program) MatchItem(path string) *Match {
	e, pattern, ok := p.items.Find("GET", path)
	if !ok {
		return nil
	}
	return &Match{p: p, e: e, params: route.Values(pattern, path), method: "GET"}
}

// Observed returns what a GET of r after cause showed, as an exchange of its
// own, with cause as its cause. It is not to be called for a GET without an
// answer. Deriving it refreshes nothing, so there is no end of causes.
func (p *Program) Observed(id webhook.ExchangeID, cause *webhook.Exchange, r Refreshed, o *webhook.Observation) *webhook.Exchange {
	return &webhook.Exchange{
		ID: id, API: cause.API, Config: cause.Config, Cause: cause.ID, Service: o.Service,
		Started: o.Requested, Ended: o.Received, Ending: webhook.Completed,
		Request:      observedRequest(&cause.Request, r.Path, o.Service),
		Response:     webhook.Response{Status: o.Status, Header: o.Header, Body: o.Body},
		Placeholders: cause.Placeholders,
	}
}

// notObserved are request fields that are about the call's body, its conditions
// and the form of its answer.
var notObserved = []string{
	"Content-Type", "Content-Encoding", "Prefer", "If-Match", "If-None-Match", "Idempotency-Key", "X-Idempotency-Key", "X-Fields", "X-Goog-Fieldmask",
}

// observedRequest is the request of a GET that follows from another one: with
// what tenant, actor and view may read of that, and nothing that was about its
// body or its conditions.
func observedRequest(cause *webhook.Request, ref string, service bool) webhook.Request {
	r := webhook.Request{Method: "GET", ID: cause.ID, Trace: cause.Trace, SkipKey: cause.SkipKey}
	r.Path, r.Query, _ = strings.Cut(ref, "?")
	if !service {
		r.Caller = cause.Caller
	}
	for name, values := range cause.Header {
		if slices.Contains(notObserved, name) || service && (name == "Accept" || name == "Accept-Language") {
			continue
		}
		if r.Header == nil {
			r.Header = make(webhook.Header)
		}
		r.Header[name] = values
	}
	return r
}

// planObserved plans the exchange of a GET that follows from another one.
func (p *Program) planObserved(x *webhook.Exchange) *Plan {
	m := p.MatchItem(x.Request.Path)
	if m == nil {
		return &Plan{Nothing: "no resource has an entity at that path"}
	}
	all := &planned{match: *m}
	p.read(x, all)
	pl, c := &all.Plan, &all.call
	pl.call = c
	if pl.Nothing = c.failed(); pl.Nothing == "" && (c.unsure || x.Response.Status != 200) {
		pl.Nothing = "the GET showed no entity"
	}
	if pl.Nothing == "" {
		pl.Subjects = append(all.one[:0:1], Subject{Kind: Observe, Key: c.key(m.id())})
	}
	return pl
}

// observation handles an entity that a GET showed because of another exchange. It
// is compared with the last known state, however old: the change that is told
// then was not told before. An entity that is seen for the first time has
// changed from nothing that is known, and earns nothing.
func (d *deriver) observation(s *Subject, snap *webhook.Snapshot) error {
	ch := &d.change
	*ch = change{s: s, snap: snap, op: webhook.Updated, b: d.lastKnown(s, snap)}
	o := d.fromGet(s, &ch.b, &webhook.Observation{
		Requested: d.x.Started, Received: d.x.Ended, Status: d.x.Response.Status,
		Header: d.x.Response.Header, Body: d.x.Response.Body, Service: d.x.Service,
	}, true)
	if o == nil {
		o = &outcome{via: webhook.FromNone, confidence: webhook.Inferred}
	}
	ch.o = *o
	d.trace.begin(d, ch, Seen{})
	switch why := d.notComparable(ch); {
	case why != "":
		d.out.NoChange++
		d.out.Skipped = append(d.out.Skipped, s.Key.String()+": "+why)
		return nil
	case ch.b.body == nil:
		d.out.NoChange++
		d.out.Snapshots = append(d.out.Snapshots, d.snapshot(ch))
		return nil
	}
	d.compare(ch)
	// That another view may hide a change is no reason to tell of one here, nor to
	// forget what it would be told by later.
	if ch.same = len(ch.fields) == 0; ch.same && len(ch.unknown) > 0 {
		d.out.NoChange++
		d.out.Skipped = append(d.out.Skipped, s.Key.String()+": the GET showed it in another view, where it cannot be compared")
		return nil
	}
	ch.significant = slices.ContainsFunc(ch.fields, func(f webhook.FieldChange) bool { return !d.e.res.ignore.Match(f.Path) })
	return d.record(ch)
}

// notComparable says why what a GET showed says nothing; "" if it does.
func (d *deriver) notComparable(ch *change) string {
	switch {
	case ch.o.body == nil:
		return "the GET showed no entity"
	case ch.snap.Seen.After(d.x.Started) || ch.snap.Stale.After(d.x.Started):
		return "something was done to it since the GET began"
	case ch.b.absent:
		return "it was known to be deleted, and the GET shows it all the same"
	case d.older(ch):
		return "the GET showed what is older than what is known, by its version"
	}
	return ""
}

// refreshAll adds to what is derived the entities that the change may have changed
// too.
func (d *deriver) refreshAll(ch *change, events int) error {
	if len(d.e.res.refresh) == 0 || !d.x.Cause.IsZero() || ch.op == webhook.Missed || ch.same || !ch.significant && events == 0 {
		return nil
	}
	for _, r := range d.e.res.refresh {
		value, err := r.id.Eval(&d.vars, d.vars.change())
		if err != nil {
			return err
		}
		list, ok := listOf(value)
		if !ok {
			list = []any{value}
		}
		for _, v := range list {
			if lang.IsUnknown(v) {
				d.out.Skipped = append(d.out.Skipped, "refresh "+r.resource+": its id depends on something unknown")
			} else if id := textOf(v); id != "" {
				d.refreshOne(ch, r, id)
			}
		}
	}
	return nil
}

func (d *deriver) refreshOne(ch *change, r *refresh, id string) {
	res := r.shown.res
	path, ok := r.shown.pattern.Build(func(name string) string {
		if name == res.idParam {
			return id
		}
		return d.m.params[name]
	})
	if !ok {
		d.out.Skipped = append(d.out.Skipped, "refresh "+r.resource+" "+id+": there is no path of such an entity")
		return
	}
	m := d.p.MatchItem(path)
	if m == nil || m.e != r.shown {
		d.out.Skipped = append(d.out.Skipped, "refresh "+r.resource+" "+id+": its path is another resource's")
		return
	}
	path = carry(path, d.x.Request.Query)
	req := observedRequest(&d.x.Request, path, false)
	v := callVars{m: m, req: &req, placeholders: d.x.Placeholders}
	key := webhook.EntityKey{API: d.p.api, Tenant: v.keyTenant(), Resource: m.Resource(), ID: m.id()}
	same := func(r Refreshed) bool { return r.Key == key }
	switch {
	case key == ch.s.Key || slices.ContainsFunc(d.out.Refresh, same):
	case len(d.out.Refresh) == maxRefreshed:
		d.out.Skipped = append(d.out.Skipped, "refresh "+r.resource+" "+id+": one call refreshes 100 entities at most")
	default:
		d.out.Refresh = append(d.out.Refresh, Refreshed{Key: key, Path: path})
	}
}

package rules

import (
	"fmt"

	"github.com/sidehook/sidehook/rules/content"
	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/rules/patch"
	"github.com/sidehook/sidehook/rules/tree"
	"github.com/sidehook/sidehook/webhook"
)

// maxElements bounds what one call may be about; beyond it there is a gap.
const maxElements = 10_000

// Plan says what an exchange is about, by its path, its bodies and Location
// alone. It is for one goroutine at a time.
type Plan struct {
	// Nothing says why no event can come of the exchange; "" if one can.
	Nothing string

	// Subjects are the entities that the exchange is about, each once.
	Subjects []Subject

	// Gap is set if the exchange changed entities of the resource that cannot
	// be told. There may be Subjects beside it.
	Gap *webhook.Gap

	call   *call
	items  []item
	repeat webhook.EntityKey // zero: it neither is a repeat nor can be repeated
}

// Subject is one entity of an exchange.
type Subject struct {
	Key  webhook.EntityKey
	Kind Kind

	// Fetch is the escaped path of the GET that would show the state after the
	// call; "" if the answer carries it, or no GET is possible or wanted.
	Fetch string

	answer  *tree.Value        // the entity as the answer shows it, nil if it does not
	grade   webhook.Confidence // how sure it is that answer is the entity as it is now
	echo    bool               // answer to a PATCH, or to a bulk, has no more than the few fields that were set: there may be others
	other   []string           // fields that answer shows with another value than the request gave them
	old     bool               // answer may be the state from before the call
	said    bool               // answer shows nothing but what the request set, and is no echo
	part    *tree.Value        // what answer shows of it, where the call asked for some fields only
	parts   bool               // answer shows no more of an object than the request sent of it: it may have more in it
	receipt bool               // as far as the call alone tells, answer is a receipt
	asked   *tree.Value        // what the request says of it
	opaque  []string           // fields that it sends files or commands for, which asked has not
	item    any                // the element of a bulk

	itemTree *tree.Value

	called  string              // the name by which the call knows it
	names   []webhook.EntityKey // other names that the call tells of; only of a single subject
	guess   *tree.Value         // what the answer shows under another id, which may be one of names
	renamed string              // the one of names that it may be called from now on; "" if none

	status int // of a bulk answer, for this one; 0: it has none of its own

	doubt    string      // why it is not known whether it was done to this one, "" if it is
	later    bool        // doubt is because it was accepted, to be done later
	suspects []string    // names in suspect that say that it was not done, unless the entity has such fields
	suspect  *tree.Value // the part of the answer that has them

	unnamed unnamed // whether the id may be another thing's
	givenUp string  // why there is a gap of it and nothing else, "" if there is not
}

// item is what a route outside resources is about.
type item struct {
	line *line
	element
	index int
}

// planned is a plan with what it is made of, in one piece.
type planned struct {
	Plan
	call  call
	match Match
	vars  callVars
	one   [1]Subject
}

// call is an exchange with what was read of it.
type call struct {
	p    *Program
	m    *Match
	e    *endpoint
	x    *webhook.Exchange
	vars *callVars

	req, res         *tree.Value
	reqKind, resKind content.Kind

	unsure bool // whether it succeeded is not known
	later  bool // it was accepted (202), and is done later
	saidNo bool // unsure or later holds because the answer, a success by its status, reads like a no or a not yet
	dry    bool // unsure holds because the call asked for a dry run
	bulk   bool // it names its entities in a list
	vague  bool // a patch of which it is not known what all of its operations come to
	bare   bool // what a GET after the call showed is kept as the entity alone: see [Seen].Bare
	twice  bool // the request has a name twice in an object: which of them counted, only the API knows
}

// Keys appends to keys the lanes of the plan's exchange: its entities, behind
// them what a call with an Idempotency-Key is remembered by ([IsRepeat]), and
// other names that the call tells of.
func (pl *Plan) Keys(keys []webhook.EntityKey) []webhook.EntityKey {
	for i := range pl.Subjects {
		keys = append(keys, pl.Subjects[i].Key)
	}
	if pl.repeat != (webhook.EntityKey{}) {
		keys = append(keys, pl.repeat)
	}
	for i := range pl.Subjects {
		keys = append(keys, pl.Subjects[i].names...)
	}
	return keys
}

// Plan reads what x is about. It keeps references to x.
func (p *Program) Plan(x *webhook.Exchange) *Plan {
	if x.Seed != "" {
		return p.planSeed(x)
	}
	if !x.Cause.IsZero() {
		return p.planObserved(x)
	}
	m, ok := p.matchRequest(&x.Request)
	if p.untold(&x.Request) && !(ok && x.Response.Status == 201) { // which a POST is answered that made something
		if maybe := p.matchOverridden(x.Request.Path); maybe != nil && (maybe.e.method != "POST" || len(maybe.others) > 0) {
			m, ok = *maybe, true
		}
	}
	if !ok {
		return &Plan{Nothing: "no route names the call"}
	}
	all := &planned{match: m}
	p.read(x, all)
	pl, c := &all.Plan, &all.call
	pl.call, pl.Subjects = c, all.one[:0:1]
	if pl.Nothing = c.failed(); pl.Nothing != "" {
		return pl
	}
	c.doubtDry()
	c.doubtProblem()
	if m.method == "" {
		c.unsure, c.later, c.saidNo = true, false, false
	}
	switch {
	case c.e.kind == Call && c.replay():
		pl.Nothing = "the answer is that to an earlier call, again (Idempotent-Replayed)"
		return pl
	case c.e.kind == Call:
		c.planCall(pl)
	case c.e.each != nil:
		c.planBulk(pl)
	case c.planList(pl):
	default:
		c.planOne(pl)
	}
	if key, ok := c.repeatKey(); ok {
		pl.repeat = key
	}
	return pl
}

// read reads the bodies of x into what was made for its plan.
func (p *Program) read(x *webhook.Exchange, all *planned) {
	m, c := &all.match, &all.call
	*c = call{p: p, m: m, e: m.e, x: x, vars: &all.vars, later: x.Response.Status == 202}
	c.req, c.reqKind = content.Read(x.Request.Body, x.Request.Header, m.Redacts())
	c.res, c.resKind = content.Read(x.Response.Body, x.Response.Header, m.Redacts())
	c.twice = c.reqKind != content.IsForm && c.reqKind != content.IsParts && c.req.SaysTwice()
	if m.Redacts() {
		c.req, c.res = c.withoutRedacted(c.req, c.reqKind), c.withoutRedacted(c.res, c.resKind)
	}
	all.vars = callVars{
		m: m, req: &x.Request, res: &x.Response, reqTree: c.req, resTree: c.res, placeholders: x.Placeholders,
	}
	if c.reqKind == content.IsJSON && m.method == "PATCH" {
		if ops, vague := patch.SCIM(c.req); ops != nil {
			c.req, c.reqKind, c.vague = ops, content.IsPatch, vague
		}
	}
}

// withoutRedacted makes sure of what a capture has done already.
func (c *call) withoutRedacted(v *tree.Value, kind content.Kind) *tree.Value {
	if v == nil {
		return nil
	}
	out, _ := c.e.res.redact.Value(v, kind, nil)
	return &out
}

// failed says why the call changed nothing, "" if it may have.
func (c *call) failed() string {
	status := c.x.Response.Status
	switch c.x.Ending {
	case webhook.Unknown:
		c.unsure, c.later = true, false
		return ""
	case webhook.Rejected:
		return fmt.Sprintf("the API answered %d: nothing was done", status)
	}
	if !c.m.MaySucceed(status) {
		return fmt.Sprintf("the API answered %d, which is no success", status)
	}
	if c.e.res.success == nil {
		return ""
	}
	switch t, err := c.e.res.success.Truth(c.vars, nil); {
	case err != nil || t == lang.Undecided:
		c.unsure = true
	case t == lang.False:
		return "success is not true of the answer"
	}
	return ""
}

func (c *call) key(id string) webhook.EntityKey {
	return webhook.EntityKey{API: c.p.api, Tenant: c.vars.keyTenant(), Resource: c.m.Resource(), ID: id}
}

// gap returns a gap over the time of the exchange.
func (c *call) gap(reason, detail string) *webhook.Gap {
	return &webhook.Gap{Reason: reason, Detail: detail, From: c.x.Started, To: c.x.Ended}
}

// died reports whether all there is of the call is its begin: the process died
// while it was in flight.
func (c *call) died() bool {
	return c.x.Ending == webhook.Unknown && c.x.Request.Body.Missing == webhook.Unread && c.x.Ended.Equal(c.x.Started)
}

// amid says why the outcome of the call is unknown, where more can be said than
// that no answer came.
func (c *call) amid() string {
	switch {
	case c.died():
		return ": sidehook died while it was in flight"
	case c.m.method == "":
		return ": " + untold
	}
	return ""
}

// planCall plans a call outside every resource.
func (c *call) planCall(pl *Plan) {
	if c.unsure {
		pl.Gap = c.gap(webhook.GapUnknownOutcome, fmt.Sprintf("it is not known whether %s %s was done%s", c.x.Request.Method, c.x.Request.Path, c.amid()))
		return
	}
	for _, l := range c.e.lines {
		if l.each == nil {
			pl.items = append(pl.items, item{l, element{decoded(c.res, c.x.Response.Body), c.res}, 0})
			continue
		}
		list, gap := c.elements(l.each)
		if gap != nil {
			pl.Gap = gap
		}
		for i, e := range list {
			pl.items = append(pl.items, item{l, e, i})
		}
	}
}

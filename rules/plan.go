package rules

import (
	"fmt"
	"strings"

	"github.com/sidehook/sidehook/rules/lang"
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

	call  *call
	items []item
}

// Subject is one entity of an exchange.
type Subject struct {
	Key  webhook.EntityKey
	Kind Kind

	// Fetch is the escaped path of the GET that would show the state after the
	// call; "" if the answer carries it, or no GET is possible or wanted.
	Fetch string

	answer  *tree.Value // the entity as the answer shows it, nil if it does not
	grade   webhook.Confidence
	receipt bool        // as far as the call alone tells, answer is a receipt
	asked   *tree.Value // what the request says of it
	item    any         // the element of a bulk
}

// item is what a route outside resources is about.
type item struct {
	line *line
	element
	index int
}

// call is an exchange with what was read of it.
type call struct {
	p    *Program
	m    *Match
	e    *endpoint
	x    *webhook.Exchange
	vars *callVars

	req, res         *tree.Value
	reqKind, resKind bodyKind

	unsure bool // whether it succeeded is not known
	later  bool // 202: it was accepted, and is done later
}

// Keys returns the entities of the plan: the lanes of its exchange.
func (pl *Plan) Keys() []webhook.EntityKey {
	keys := make([]webhook.EntityKey, len(pl.Subjects))
	for i := range pl.Subjects {
		keys[i] = pl.Subjects[i].Key
	}
	return keys
}

// Plan reads what x is about. It keeps references to x.
func (p *Program) Plan(x *webhook.Exchange) *Plan {
	m := p.matchRequest(&x.Request)
	if m == nil && x.Ending == webhook.Unknown {
		m = p.Match(x.Request.Method, x.Request.Path) // what would override the method was not seen
	}
	if m == nil {
		return &Plan{Nothing: "no route names the call"}
	}
	c := p.read(x, m)
	pl := &Plan{call: c}
	if pl.Nothing = c.failed(); pl.Nothing != "" {
		return pl
	}
	switch {
	case c.e.kind == Call:
		c.planCall(pl)
	case c.e.each != nil:
		c.planBulk(pl)
	default:
		c.planOne(pl)
	}
	return pl
}

func (p *Program) read(x *webhook.Exchange, m *Match) *call {
	c := &call{p: p, m: m, e: m.e, x: x, later: x.Response.Status == 202}
	c.req, c.reqKind = readBody(x.Request.Body, x.Request.Header, m.Redacts())
	c.res, c.resKind = readBody(x.Response.Body, x.Response.Header, m.Redacts())
	if m.Redacts() {
		c.req, c.res = c.withoutRedacted(c.req, c.reqKind), c.withoutRedacted(c.res, c.resKind)
	}
	c.vars = &callVars{
		m: m, req: &x.Request, res: &x.Response, reqTree: c.req, resTree: c.res, placeholders: x.Placeholders,
	}
	return c
}

// withoutRedacted makes sure of what a capture has done already.
func (c *call) withoutRedacted(v *tree.Value, kind bodyKind) *tree.Value {
	if v == nil {
		return nil
	}
	out, _ := c.e.res.redacted(v, kind)
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

// planOne plans a call about one entity.
func (c *call) planOne(pl *Plan) {
	s := Subject{Kind: c.e.kind, asked: c.e.res.asked(c.req)}
	entity := c.entityInAnswer()
	id, ok := c.identify(entity)
	if !ok {
		pl.Gap = c.unidentified()
		return
	}
	s.Key = c.key(id)
	c.grade(&s, entity)
	s.Fetch = c.fetch(&s)
	pl.Subjects = []Subject{s}
}

// identify returns the id of the entity that the call is about.
func (c *call) identify(entity *tree.Value) (string, bool) {
	r := c.e.res
	if r.singular {
		return "", true
	}
	if c.e.id != nil {
		v, err := c.e.id.Eval(c.blind(nil), nil)
		if id := textOf(v); err == nil && id != "" {
			return id, true
		}
	}
	if c.e.named {
		id := c.m.params[r.idParam]
		return id, id != ""
	}
	if c.unsure {
		return "", false // what an answer of unknown worth names is not believed
	}
	if id, ok := r.idOf(c.res, entity); ok {
		return id, true
	}
	for _, link := range []string{"Location", "Content-Location"} {
		if id, ok := r.idInURL(c.x.Response.Header.Get(link), c.x.Request.Path); ok {
			return id, true
		}
	}
	return r.idIn(object(r.asked(c.req)))
}

// operation is what the call's kind says without a look at the state before.
func (c *call) operation() webhook.Operation {
	switch c.e.kind {
	case Create:
		return webhook.Created
	case Delete:
		return webhook.Deleted
	}
	return webhook.Updated
}

func (c *call) unidentified() *webhook.Gap {
	method, path := c.x.Request.Method, c.x.Request.Path
	switch {
	case c.unsure:
		return c.gap(webhook.GapUnknownOutcome, fmt.Sprintf("it is not known whether %s %s was done, nor to which entity", method, path))
	case c.e.kind == Delete:
		return c.gap(webhook.GapSelector, fmt.Sprintf("%s %s deleted entities that the path does not name", method, path))
	case c.x.Response.Body.Missing != webhook.NotMissing:
		return c.gap(webhook.GapUnidentified, fmt.Sprintf("%s %s was done, and the answer that would name the entity was not kept: %s",
			method, path, c.x.Response.Body.Missing))
	}
	return c.gap(webhook.GapUnidentified, fmt.Sprintf("%s %s was done, and neither its path nor its answer names the entity", method, path))
}

// planBulk plans a call with one entity for each element of `each`.
func (c *call) planBulk(pl *Plan) {
	elements, gap := c.elements(c.e.each)
	if gap != nil {
		pl.Gap = gap
		return
	}
	fromAnswer := readsResponse(c.e.each)
	at := make(map[webhook.EntityKey]int, len(elements))
	missed := 0
	for _, e := range elements {
		s, ok := c.subject(e, fromAnswer)
		if !ok {
			missed++
			continue
		}
		if j, again := at[s.Key]; again {
			pl.Subjects[j] = s
			continue
		}
		at[s.Key] = len(pl.Subjects)
		pl.Subjects = append(pl.Subjects, s)
	}
	if missed > 0 {
		pl.Gap = c.gap(webhook.GapUnidentified, fmt.Sprintf("%d of %d elements of %s %s name no entity",
			missed, len(elements), c.x.Request.Method, c.x.Request.Path))
	}
}

// element is one element of an `each`.
type element struct {
	value any
	tree  *tree.Value
}

// subject plans the entity of one element.
func (c *call) subject(e element, fromAnswer bool) (Subject, bool) {
	out := Subject{Kind: c.e.kind, item: e.value}
	id := ""
	if c.e.id != nil {
		got, err := c.e.id.Eval(c.blind(e.value), nil)
		if err != nil {
			return out, false
		}
		id = textOf(got)
	}
	shown := object(flat(e.tree))
	if id == "" && shown != nil {
		id, _ = c.e.res.idIn(shown)
	}
	if id == "" && shown == nil {
		id, _ = e.tree.Text() // a list of ids
	}
	if id == "" {
		return out, false
	}
	out.Key = c.key(id)
	switch {
	case !fromAnswer:
		out.asked = shown
	case shown != nil && !c.later && c.e.res.shows(shown, shown, id):
		out.answer, out.grade = shown, webhook.Observed
		out.receipt = c.isReceipt(shown, nil, nil)
	}
	out.Fetch = c.fetch(&out)
	return out, true
}

// blind returns what an expression sees before any state is known.
func (c *call) blind(item any) *changeVars {
	return &changeVars{callVars: c.vars, operation: c.operation(), item: item}
}

// toTree returns a value of the language as a tree.
func toTree(v any) *tree.Value {
	b, err := lang.Encode(v)
	if err != nil {
		return nil
	}
	out, err := tree.Parse(string(b))
	if err != nil {
		return nil
	}
	return out
}

func readsResponse(x *lang.Expr) bool {
	for _, n := range x.Reads() {
		if n == "response" {
			return true
		}
	}
	return false
}

// elements evaluates an `each`. An object is one element; a text is cut at its
// commas.
func (c *call) elements(each *lang.Expr) ([]element, *webhook.Gap) {
	what := c.x.Request.Method + " " + c.x.Request.Path
	if c.unsure {
		return nil, c.gap(webhook.GapUnknownOutcome, "it is not known whether "+what+" was done")
	}
	v, err := each.Eval(c.blind(nil), nil)
	if err == nil && v == nil {
		return nil, nil // no list is an empty list
	}
	if text, ok := v.(string); ok {
		v = texts(strings.Split(text, ","))
	}
	if one, ok := v.(map[string]any); ok {
		v = []any{one}
	}
	list, ok := v.([]any)
	switch {
	case err != nil || !ok:
		return nil, c.gap(webhook.GapUnidentified, fmt.Sprintf("%s was done, and which entities `%s` names is not known", what, each))
	case len(list) > maxElements:
		return nil, c.gap(webhook.GapTooLarge, fmt.Sprintf("%s is about %d elements, more than %d", what, len(list), maxElements))
	}
	return c.withTrees(each, list), nil
}

func texts(list []string) []any {
	out := make([]any, 0, len(list))
	for _, s := range list {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// withTrees finds the bytes that the elements had, so that digits and order
// stay; elements that an expression made are written anew.
func (c *call) withTrees(each *lang.Expr, list []any) []element {
	var source *tree.Value
	if root, path, ok := each.PlainPath(); ok && (root == "request" || root == "response") {
		if names := path.Names(); len(names) > 0 && names[0] == "body" {
			body := c.req
			if root == "response" {
				body = c.res
			}
			source = body.At(names[1:]...)
		}
	}
	out := make([]element, len(list))
	for i, v := range list {
		out[i].value = v
		switch {
		case source != nil && source.Kind == tree.Array && len(source.Elems) == len(list):
			out[i].tree = &source.Elems[i]
		case source.IsObject() && len(list) == 1:
			out[i].tree = source
		default:
			out[i].tree = toTree(v)
		}
	}
	return out
}

// planCall plans a call outside every resource.
func (c *call) planCall(pl *Plan) {
	if c.unsure {
		pl.Gap = c.gap(webhook.GapUnknownOutcome, fmt.Sprintf("it is not known whether %s %s was done", c.x.Request.Method, c.x.Request.Path))
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

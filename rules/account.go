package rules

import (
	"time"

	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/webhook"
)

// Account tells how [Program.Derive] came to what one entity of an exchange
// earned, for people who ask why.
type Account struct {
	Entity    webhook.EntityKey `json:"entity"`
	Operation webhook.Operation `json:"operation"`
	Before    Learned           `json:"before"`
	After     Learned           `json:"after"`

	// Changes are the fields that differ, ignored ones too; Ignored are the paths
	// of those. Unknown are the paths that could not be compared.
	Changes []webhook.FieldChange `json:"changes,omitempty"`
	Ignored []string              `json:"ignored,omitempty"`
	Unknown []string              `json:"unknown,omitempty"`

	// Result is what it comes to, in words.
	Result string `json:"result"`

	// Scopes are those that the entity could have earned, in the order in which
	// they were considered.
	Scopes []Verdict `json:"scopes,omitempty"`
}

// Learned says where a state was learned, and why there.
type Learned struct {
	Source     webhook.Source     `json:"source"`
	Age        time.Duration      `json:"age,omitempty"`
	Confidence webhook.Confidence `json:"confidence,omitempty"`
	Why        string             `json:"why"`
}

// Verdict says whether a scope was earned, and why.
type Verdict struct {
	Scope   string `json:"scope"`
	When    string `json:"when,omitempty"`    // the rule's condition
	Element string `json:"element,omitempty"` // of its `each`
	Earned  bool   `json:"earned"`
	Why     string `json:"why"`
}

// maxVerdicts bounds what is told of one entity: an `each` may have thousands
// of elements.
const maxVerdicts = 100

// Explain is [Program.Derive], and tells how it came to its result. The
// accounts are in the order of plan.Subjects, or of the items of a call outside
// every resource.
func (p *Program) Explain(x *webhook.Exchange, plan *Plan, before []webhook.Snapshot, after []Seen) (Derived, []Account, error) {
	t := new(tracer)
	out, err := p.derive(x, plan, before, after, t)
	if err != nil && len(t.accounts) > 0 && t.now().Result == "" {
		t.now().Result = "a rule failed"
	}
	return out, t.accounts, err
}

// tracer takes down what a deriver does. A nil tracer takes nothing.
type tracer struct {
	accounts []Account
	events   int // of what is derived, before the subject
}

func (t *tracer) now() *Account { return &t.accounts[len(t.accounts)-1] }

// begin is called when the states of a subject are known.
func (t *tracer) begin(d *deriver, ch *change, seen Seen) {
	if t == nil {
		return
	}
	t.events = len(d.out.Events)
	t.accounts = append(t.accounts, Account{
		Entity: ch.s.Key,
		Before: Learned{Source: ch.b.source, Age: ch.b.age, Why: d.whyBefore(ch)},
		After:  Learned{Source: ch.o.via, Confidence: ch.o.confidence, Why: d.whyAfter(ch, seen)},
	})
}

// judged is called for each condition.
func (t *tracer) judged(scope string, when *lang.Expr, element *string, earned bool, why string) {
	if t == nil || len(t.accounts) == 0 || len(t.now().Scopes) >= maxVerdicts {
		return
	}
	v := Verdict{Scope: scope, Earned: earned, Why: why}
	if when != nil {
		v.When = when.String()
	}
	if element != nil {
		v.Element = *element
	}
	t.now().Scopes = append(t.now().Scopes, v)
}

// dropped is called when a rule with `instead` drops the plain scope.
func (t *tracer) dropped(scope string) {
	if t == nil || len(t.accounts) == 0 {
		return
	}
	for i := range t.now().Scopes {
		if v := &t.now().Scopes[i]; v.Scope == scope && v.Earned {
			v.Earned, v.Why = false, "a rule with `instead` took its place"
			return
		}
	}
}

// end is called when a subject is dealt with.
func (t *tracer) end(d *deriver) {
	if t == nil {
		return
	}
	ch, a := &d.change, t.now()
	a.Operation, a.Changes, a.Unknown = ch.op, ch.fields, ch.unknown
	for _, f := range ch.fields {
		if d.e.res.ignore.Match(f.Path) {
			a.Ignored = append(a.Ignored, f.Path)
		}
	}
	if ch.op == webhook.Deleted {
		a.After = Learned{Source: ch.o.via, Confidence: ch.o.confidence, Why: "the API said that it is deleted"}
		if !d.unsure && !d.later && d.onlyAsked(ch) {
			a.After.Why = "the call asked for it by its id, and the API said yes to all it asked for; whether this one was there nobody saw"
		}
		if ch.b.source != a.Before.Source { // a delete carries the last known state
			a.Before = Learned{Source: ch.b.source, Age: ch.b.age, Why: "as it was last seen, " + ageText(ch.b.age) + " before the call"}
		}
	}
	a.Result = d.result(ch, a, len(d.out.Events)-t.events)
}

// item is called for each item of a call outside every resource.
func (t *tracer) item(ch *change) {
	if t == nil {
		return
	}
	t.accounts = append(t.accounts, Account{
		Entity: ch.s.Key, Operation: webhook.Called, Result: "the call itself earns, whatever it changed",
		Before: Learned{Source: webhook.FromNone, Why: "a call outside every resource has none"},
		After:  Learned{Source: ch.o.via, Confidence: ch.o.confidence, Why: "what the call says"},
	})
}

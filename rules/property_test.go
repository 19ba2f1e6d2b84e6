package rules_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sidehook/sidehook/internal/model"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// What is run: so many sequences of so many calls. SIDEHOOK_SEQUENCES changes how
// many, SIDEHOOK_SEED the seed of the first.
const sequences, calls = 4000, 8

const modelConfig = `{"resources": [
	{"name": "item", "path": "/s/{sequence}/items"},
	{"name": "doc", "path": "/s/{sequence}/docs", "version": "rev", "on": [{"method": "PUT", "path": "{id}", "operation": "upsert"}]},
	{"name": "thing", "path": "/s/{sequence}/things", "ignore": ["updated_at", "rev"]}]}`

// Random sequences of calls, some at once, of an API that answers in every way:
// the events say exactly what changed in the API and from what, or where they do
// not know, and each call that changed something is told, or a gap is.
func TestEventsEqualTheAPIsOwnAccount(t *testing.T) {
	n, first := uint64(sequences), uint64(1)
	if v, err := strconv.ParseUint(os.Getenv("SIDEHOOK_SEQUENCES"), 10, 64); err == nil {
		n = v
	} else if testing.Short() {
		n /= 10
	}
	if v, err := strconv.ParseUint(os.Getenv("SIDEHOOK_SEED"), 10, 64); err == nil {
		first = v
	}
	p := compile(t, []byte(modelConfig))
	kinds := map[string]int{}
	for seed := first; seed < first+n; seed++ {
		style, steps := model.Script(seed, calls)
		r := play(t, p, seed, &style, steps)
		for i := range r.events {
			kinds[r.events[i].Operation]++
		}
		why := r.api.Judge("q", r.events, false)
		if why == "" {
			continue
		}
		steps, why = shrink(t, p, seed, &style, steps, why)
		r = play(t, p, seed, &style, steps)
		t.Errorf("seed %d: %s\nstyle %+v\nas a case:\n%s", seed, why, style, r.text.String())
		if v := os.Getenv("SIDEHOOK_ALL"); v == "" {
			return
		}
	}
	t.Logf("%d sequences of %d calls: %v", n, calls, kinds)
}

// shrink leaves out steps as long as the sequence fails.
func shrink(t *testing.T, p *rules.Program, seed uint64, style *model.Style, steps []model.Step, why string) ([]model.Step, string) {
	for again := true; again; {
		again = false
		for i := len(steps) - 1; i > 0; i-- {
			fewer := slices.Delete(slices.Clone(steps), i, i+1)
			if i < len(fewer) && (fewer[i].Again || fewer[i].With) {
				continue
			}
			if w := play(t, p, seed, style, fewer).judge(); w != "" {
				steps, why, again = fewer, w, true
			}
		}
	}
	return steps, why
}

// player plays a sequence without a network.
type player struct {
	t         *testing.T
	p         *rules.Program
	api       *model.API
	random    *rand.Rand
	now       time.Time
	n         uint64
	snapshots map[webhook.EntityKey]webhook.Snapshot
	events    []model.Event
	text      strings.Builder // as a case of testdata
}

func (r *player) judge() string { return r.api.Judge("q", r.events, false) }

func play(t *testing.T, p *rules.Program, seed uint64, style *model.Style, steps []model.Step) *player {
	r := &player{
		t: t, p: p, api: model.New(), random: rand.New(rand.NewPCG(seed, 5)), now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC),
		snapshots: map[webhook.EntityKey]webhook.Snapshot{},
	}
	r.api.Begin("q", style)
	var last *model.Call
	for i := 0; i < len(steps); i++ {
		c := r.api.Call("q", i, steps[i], last)
		if last = c; c == nil {
			continue
		}
		if i+1 < len(steps) && steps[i+1].With {
			if other := r.api.Call("q", i+1, steps[i+1], c); other != nil && !other.Again {
				r.both(c, other)
				last = other
				i++
				continue
			}
		}
		r.one(c)
	}
	return r
}

// one makes a call that has its entities to itself.
func (r *player) one(c *model.Call) {
	r.now = r.now.Add(time.Second)
	x := r.begin(c)
	if c.Fate == "late" {
		r.end(x, c, model.Answer{})
		r.derive(x, c, !c.Blind)
		r.api.Do(c)
		return
	}
	r.end(x, c, r.api.Do(c))
	r.derive(x, c, !c.Blind)
}

// both makes two calls that are under way at once: each may be done first, and
// each answered first.
func (r *player) both(a, b *model.Call) {
	r.now = r.now.Add(time.Second)
	r.api.AtOnce(a, b)
	calls := []*model.Call{a, b}
	xs := []*webhook.Exchange{r.begin(a), r.begin(b)}
	answers := make([]model.Answer, 2)
	order := r.random.Perm(2)
	for _, i := range order {
		answers[i] = r.api.Do(calls[i])
	}
	order = r.random.Perm(2)
	same := a.Entities[0] == b.Entities[0]
	for _, i := range order {
		r.end(xs[i], calls[i], answers[i])
		xs[i].Overlapped = same
	}
	for n, i := range order {
		r.derive(xs[i], calls[i], !calls[i].Blind && (n == 1 || !same))
	}
}

// begin returns the exchange of a call that begins now.
func (r *player) begin(c *model.Call) *webhook.Exchange {
	r.n++
	path, query := c.Path()
	x := &webhook.Exchange{API: r.p.API(), Started: r.now, Placeholders: map[string]string{}}
	binary.BigEndian.PutUint64(x.ID[8:], r.n)
	x.Request = webhook.Request{Method: c.Verb, Path: path, Query: query, ID: c.ID, Caller: []byte(caller(c)), Header: webhook.Header{}}
	if c.Key != "" {
		x.Request.Header["Idempotency-Key"] = []string{c.Key}
	}
	if body := c.Body(); body != nil {
		x.Request.Body.Bytes = body
		x.Request.Header["Content-Type"] = []string{c.Type()}
	}
	if m := r.p.Match(c.Verb, path); m != nil && len(c.Entities) == 1 && (c.Verb == "DELETE" || c.Verb == "PUT" && c.Style.Kind == "docs") && !c.Blind {
		snap := r.snapshots[r.key(c.Entities[0], c)]
		if !m.Trusts(&snap, &x.Request, x.Placeholders, r.now.Sub(snap.Seen)) {
			r.now = r.now.Add(10 * time.Millisecond)
			x.Before = r.get(c, c.Entities[0], x.Started)
		}
	}
	return x
}

func caller(c *model.Call) string {
	if c.Guest {
		return "guest"
	}
	return "admin"
}

func (r *player) key(id string, c *model.Call) webhook.EntityKey {
	name := map[string]string{"items": "item", "docs": "doc", "things": "thing"}[c.Style.Kind]
	return webhook.EntityKey{API: r.p.API(), Resource: name, ID: id}
}

// end ends x with an answer, or how the call's fate has it.
func (r *player) end(x *webhook.Exchange, c *model.Call, a model.Answer) {
	r.now = r.now.Add(20 * time.Millisecond)
	x.Ended = r.now
	x.Response = webhook.Response{Status: a.Status, Header: webhook.Header{}}
	for name, v := range a.Header {
		x.Response.Header[name] = []string{v}
	}
	x.Response.Body.Bytes = a.Body
	switch {
	case c.Fate == "lost" || c.Fate == "reset" || c.Fate == "slow" || c.Fate == "late":
		x.Ending, x.Response = webhook.Unknown, webhook.Response{Body: webhook.Body{Missing: webhook.CutOff}}
	case a.Status >= 400:
		x.Ending = webhook.Rejected
	case c.Fate == "cut" && a.Body != nil:
		x.Ending, x.Response.Body = webhook.Truncated, webhook.Body{Missing: webhook.CutOff}
	case c.Gzip && a.Body != nil:
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		w.Write(a.Body)
		w.Close()
		x.Response.Body.Bytes = b.Bytes()
		x.Response.Header["Content-Encoding"] = []string{"gzip"}
	}
}

// get is a GET of ours as the caller of a call.
func (r *player) get(c *model.Call, id string, at time.Time) *webhook.Observation {
	a := r.api.Get("q", id, c.Guest)
	obs := &webhook.Observation{Requested: at.Add(time.Millisecond), Received: at.Add(2 * time.Millisecond), Status: a.Status, Header: webhook.Header{}, Body: webhook.Body{Bytes: a.Body}}
	for name, v := range a.Header {
		obs.Header[name] = []string{v}
	}
	return obs
}

// derive derives x; told says that its GETs count.
func (r *player) derive(x *webhook.Exchange, c *model.Call, told bool) {
	r.write(x, c)
	plan := r.p.Plan(x)
	if plan.Nothing != "" || x.Ending == webhook.Rejected {
		return
	}
	keys := plan.Keys(nil)
	before := make([]webhook.Snapshot, len(keys))
	for i, key := range keys {
		before[i] = r.snapshots[key]
		before[i].Key = key
	}
	after := make([]rules.Seen, len(plan.Subjects))
	for i := range plan.Subjects {
		s := &plan.Subjects[i]
		after[i].Concurrent = x.Overlapped
		if s.Fetch != "" && told && !plan.AnswerTells(i, func(key webhook.EntityKey) (webhook.Snapshot, bool) { return before[i], true }) {
			after[i].Observation = r.get(c, s.Key.ID, x.Ended)
			r.writeGet("after", after[i].Observation)
		}
	}
	got, err := r.p.Derive(x, plan, before, after)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, s := range got.Snapshots {
		r.snapshots[s.Key] = s
	}
	for i := range got.Events {
		r.events = append(r.events, judged(&got.Events[i]))
	}
}

// judged returns an event as the judge reads it.
func judged(e *webhook.Event) model.Event {
	out := model.Event{Scope: e.Scope, Operation: string(e.Operation), Sequence: e.Sequence, Before: e.Before, After: e.After, Params: e.Params}
	out.Entity.Resource, out.Entity.ID = e.Key.Resource, e.Key.ID
	for _, c := range e.Changes {
		out.Changes = append(out.Changes, struct {
			Path     string
			Old, New json.RawMessage
		}{c.Path, c.Old, c.New})
	}
	out.Request.ID, out.Request.Method, out.Request.Path = e.Request.ID, e.Request.Method, e.Request.Path
	if e.Gap != nil {
		out.Gap = &struct{ Reason, Detail string }{e.Gap.Reason, e.Gap.Detail}
	}
	p := &e.Provenance
	out.Provenance.Before, out.Provenance.After, out.Provenance.Confidence = string(p.Before), string(p.After), string(p.Confidence)
	out.Provenance.Unknown, out.Provenance.Concurrent = p.Unknown, p.Concurrent
	return out
}

// write adds an exchange to the case.
func (r *player) write(x *webhook.Exchange, c *model.Call) {
	b := &r.text
	fmt.Fprintf(b, "-- exchange --\n%s %s", x.Request.Method, x.Request.Path)
	if x.Request.Query != "" {
		b.WriteString("?" + x.Request.Query)
	}
	fmt.Fprintf(b, "\n:caller %s\n", x.Request.Caller)
	if x.Overlapped {
		b.WriteString(":overlapped\n")
	}
	if c.Key != "" {
		fmt.Fprintf(b, "Idempotency-Key: %s\n", c.Key)
	}
	if len(x.Request.Body.Bytes) > 0 {
		if c.Format != "" {
			fmt.Fprintf(b, "Content-Type: %s\n", c.Type())
		}
		fmt.Fprintf(b, "\n%s\n", x.Request.Body.Bytes)
	}
	b.WriteString("---\n")
	switch x.Ending {
	case webhook.Unknown:
		b.WriteString("unknown\n")
	case webhook.Truncated:
		fmt.Fprintf(b, "%d truncated\n", x.Response.Status)
	default:
		fmt.Fprintf(b, "%d\n", x.Response.Status)
	}
	if v := x.Response.Header.Get("Location"); v != "" {
		fmt.Fprintf(b, "Location: %s\n", v)
	}
	if x.Response.Header.Get("Content-Encoding") != "" {
		b.WriteString("(gzipped)\n")
	} else if len(x.Response.Body.Bytes) > 0 {
		fmt.Fprintf(b, "\n%s\n", x.Response.Body.Bytes)
	}
	if x.Before != nil {
		r.writeGet("before", x.Before)
	}
}

func (r *player) writeGet(when string, o *webhook.Observation) {
	fmt.Fprintf(&r.text, "-- get %s --\n%d\n", when, o.Status)
	if v := o.Header.Get("Etag"); v != "" {
		fmt.Fprintf(&r.text, "ETag: %s\n", v)
	}
	if o.Status == 200 {
		fmt.Fprintf(&r.text, "\n%s\n", o.Body.Bytes)
	}
}

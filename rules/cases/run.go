package cases

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// runner runs the exchanges of a case on a memory of its own.
type runner struct {
	p         *rules.Program
	now       time.Time
	n         int
	snapshots map[webhook.EntityKey]webhook.Snapshot
	order     []webhook.EntityKey
	out       strings.Builder
	why       strings.Builder
	prefix    string
	before    *part
}

// Run returns what p makes of the case's exchanges: what its events section
// should say.
func (c *Case) Run(p *rules.Program) (string, error) {
	r, err := c.run(p)
	if err != nil {
		return "", err
	}
	return r.out.String(), nil
}

// Update returns the file with its golden sections as p makes them.
func (c *Case) Update(p *rules.Program) ([]byte, error) {
	r, err := c.run(p)
	if err != nil {
		return nil, err
	}
	events := r.out.String()
	out := &txtar.Archive{Comment: c.archive.Comment}
	found := false
	for _, f := range c.archive.Files {
		switch f.Name {
		case "events":
			f.Data, found = []byte(events), true
		case "snapshots":
			f.Data = []byte(r.kept())
		case "why":
			f.Data = []byte(r.why.String())
		}
		out.Files = append(out.Files, f)
	}
	if !found {
		out.Files = append(out.Files, txtar.File{Name: "events", Data: []byte(events)})
	}
	return txtar.Format(out), nil
}

// Check says how what p makes of the case differs from what the file says, ""
// if it does not.
func (c *Case) Check(p *rules.Program) (string, error) {
	r, err := c.run(p)
	if err != nil {
		return "", err
	}
	events, snapshots, why := r.out.String(), r.kept(), r.why.String()
	if events != c.Events {
		return fmt.Sprintf("events are\n%sand should be\n%s", events, c.Events), nil
	}
	if c.snapshots && snapshots != c.Snapshots {
		return fmt.Sprintf("snapshots are\n%sand should be\n%s", snapshots, c.Snapshots), nil
	}
	if c.why && why != c.Why {
		return fmt.Sprintf("the reasons are\n%sand should be\n%s", why, c.Why), nil
	}
	return "", nil
}

func (c *Case) run(p *rules.Program) (*runner, error) {
	r := &runner{
		p: p, now: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC),
		snapshots: make(map[webhook.EntityKey]webhook.Snapshot), before: c.before,
	}
	for i, x := range c.exchanges {
		if len(c.exchanges) > 1 {
			r.prefix = strconv.Itoa(i+1) + ": "
		}
		if err := r.exchange(x); err != nil {
			return nil, fmt.Errorf("exchange %d: %w", i+1, err)
		}
	}
	return r, nil
}

// kept shows what is known of the entities now.
func (r *runner) kept() string {
	var kept strings.Builder
	for _, key := range r.order {
		writeSnapshot(&kept, r.snapshots[key])
	}
	return kept.String()
}

func (r *runner) exchange(e *exchange) error {
	x, err := r.read(e)
	if err != nil {
		return err
	}
	plan := r.p.Plan(x)
	if plan.Nothing != "" {
		r.say("nothing: %s", plan.Nothing)
		return nil
	}
	if err := r.seed(plan, x); err != nil {
		return err
	}
	got, err := r.derive(x, plan, e.getsAfter)
	if err != nil {
		return err
	}
	r.now = x.Ended
	return r.refresh(e, x, got.Refresh)
}

// refresh derives what GETs of the entities that x may have changed too showed.
func (r *runner) refresh(e *exchange, x *webhook.Exchange, wanted []rules.Refreshed) error {
	for i, w := range wanted {
		r.say("refresh %s: GET %s", w.Key, w.Path)
		if i >= len(e.refreshes) {
			continue
		}
		obs, err := observation(e.refreshes[i], x.Ended.Add(time.Millisecond))
		if err != nil {
			return err
		}
		r.n++
		id := webhook.ExchangeID{}
		binary.BigEndian.PutUint64(id[8:], uint64(r.n))
		seen := r.p.Observed(id, x, w, obs)
		plan := r.p.Plan(seen)
		if plan.Nothing != "" {
			r.say("nothing: %s", plan.Nothing)
			continue
		}
		if _, err := r.derive(seen, plan, nil); err != nil {
			return err
		}
	}
	return nil
}

// derive derives an exchange and shows what comes of it.
func (r *runner) derive(x *webhook.Exchange, plan *rules.Plan, gets []*part) (got rules.Derived, err error) {
	before := make([]webhook.Snapshot, 0, len(plan.Subjects))
	for _, key := range plan.Keys(nil) {
		snap := r.snapshots[key]
		if snap.Alias != "" {
			key.ID = snap.Alias
			snap = r.snapshots[key]
		}
		snap.Key = key
		before = append(before, snap)
	}
	after, err := r.observe(x, plan, gets)
	if err != nil {
		return got, err
	}
	got, accounts, err := r.p.Explain(x, plan, before, after)
	if err != nil {
		return got, err
	}
	r.keep(&got)
	for i := range accounts {
		r.why.WriteString(r.prefix + Why(&accounts[i]))
	}
	return got, nil
}

// observe shows the GETs that would be made after x, and returns what they showed.
func (r *runner) observe(x *webhook.Exchange, plan *rules.Plan, gets []*part) ([]rules.Seen, error) {
	after := make([]rules.Seen, len(plan.Subjects))
	for i, s := range plan.Subjects {
		if s.Fetch != "" && plan.AnswerTells(i, r.known) {
			continue
		}
		if s.Fetch != "" {
			r.say("GET %s", s.Fetch)
		}
		if len(gets) == 0 || s.Fetch == "" && len(gets) > 1 {
			continue
		}
		obs, err := observation(gets[0], x.Ended.Add(time.Millisecond))
		if err != nil {
			return nil, err
		}
		after[i].Observation = obs
		if s.Fetch != "" {
			gets = gets[min(1, len(gets)-1):]
		}
	}
	return after, nil
}

// known returns what is known of an entity.
func (r *runner) known(key webhook.EntityKey) (webhook.Snapshot, bool) {
	snap := r.snapshots[key]
	snap.Key = key
	return snap, true
}

// keep shows what was derived, and remembers it.
func (r *runner) keep(got *rules.Derived) {
	for i := range got.Events {
		r.say("%s", Line(&got.Events[i]))
	}
	for range got.NoChange {
		r.say("no change")
	}
	if got.Repeats != (webhook.ExchangeID{}) {
		r.say("repeats exchange %d", binary.BigEndian.Uint64(got.Repeats[8:]))
	}
	for _, s := range got.Skipped {
		r.say("skipped: %s", s)
	}
	for _, s := range got.Snapshots {
		if _, ok := r.snapshots[s.Key]; !ok && !rules.IsRepeat(s.Key) {
			r.order = append(r.order, s.Key)
		}
		r.snapshots[s.Key] = s
	}
}

func (r *runner) say(format string, args ...any) {
	r.out.WriteString(r.prefix)
	fmt.Fprintf(&r.out, format, args...)
	r.out.WriteByte('\n')
}

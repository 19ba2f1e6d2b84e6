package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sidehook/sidehook/caddymodule/capture"
	"github.com/sidehook/sidehook/caddymodule/own"
	"github.com/sidehook/sidehook/deliver"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// DESIGN.md §8, "View check".
const (
	// visibleAfter is how long after a change a 404 may mean that what answers
	// does not know of it yet.
	visibleAfter = time.Minute

	// malformedAfter is how long after a change a 400 is taken for a fault in how the
	// API is asked, which somebody may mend, and not for a no to an odd id.
	malformedAfter = 24 * time.Hour

	// sightTime is how long the last answer counts of an entity that is deleted.
	sightTime = 30 * 24 * time.Hour

	// mostShown bounds what the API shows for one chunk, in bytes.
	mostShown = 8 << 20
)

// lookMemory is what looking needs to know of what was recorded.
type lookMemory interface {
	Snapshot(ctx context.Context, key webhook.EntityKey) (webhook.Snapshot, error)
	Sight(ctx context.Context, sub webhook.SubscriptionID, key webhook.EntityKey) (webhook.Sight, error)
}

// looker lets the API decide, by GETs with subscribers' credentials, what these
// are sent.
type looker struct {
	memory lookMemory
	gates  gates
	tries  tries

	// items returns what makes the GET of an entity that is called name in its
	// path now; why says that there is none.
	items func(ev *webhook.Event, name string) (item *lookItem, why string)

	// id returns the id that an entity of a resource of an api has; "" if none.
	id func(api, resource string, entity json.RawMessage) string
}

// lookItem is an entity at its origin.
type lookItem struct {
	api   string
	match *rules.Match
	path  string // escaped
	name  string // what the entity is called in path
	get   func(ctx context.Context, path string, c webhook.Credential, whole bool) lookAnswer
}

// lookAnswer is what came of a GET. The zero status is no answer.
type lookAnswer struct {
	status int
	header http.Header
	body   webhook.Body
	err    error

	refused bool // it is a 400 to the query parameters, not to the id
}

// lookAll decides what of evs is sent to s as one: those events that it may see.
// As long as one of them cannot be decided, nothing is.
func (l *looker) lookAll(ctx context.Context, evs []*webhook.Event, d *webhook.Delivery, s *webhook.Subscription) (shown []*webhook.Event, all webhook.Payload, err error) {
	bytes := 0
	for _, ev := range evs {
		one, p, err := l.lookWhole(ctx, ev, d, s)
		all.Sights = append(all.Sights, p.Sights...)
		switch {
		case err != nil:
			return nil, webhook.Payload{}, err
		case p.Withheld == nil:
			if shown = append(shown, one); s.Shows() {
				bytes += len(one.After)
			}
			for _, r := range one.Related {
				if _, asked := s.Related[r.Name]; asked {
					bytes += len(r.Value)
				}
			}
			if bytes > mostShown && len(shown) > 1 {
				return nil, webhook.Payload{}, fmt.Errorf("what the API shows of a chunk of %d events takes more than %d MiB: let it expand less, or make chunk smaller", len(evs), mostShown>>20)
			}
		case p.Withheld.Outcome != webhook.Hidden:
			all.Withheld = p.Withheld
			return nil, all, nil
		case all.Withheld == nil:
			all.Withheld = p.Withheld
		}
	}
	if len(shown) > 0 {
		all.Withheld = nil
	}
	return shown, all, nil
}

// lookWhole decides what of ev and of what is related to it is sent to s.
func (l *looker) lookWhole(ctx context.Context, ev *webhook.Event, d *webhook.Delivery, s *webhook.Subscription) (*webhook.Event, webhook.Payload, error) {
	one, p, err := l.look(ctx, ev, d, s)
	if err != nil || p.Withheld != nil || len(s.Related) == 0 {
		return one, p, err
	}
	related := slices.Clone(one.Related)
	for i := range related {
		r := &related[i]
		view, asked := s.Related[r.Name]
		if !asked || r.Resource == "" || string(r.Value) == "null" {
			continue
		}
		shown, looked, err := l.lookRelated(ctx, one, r, d, s, view)
		p.Sights = append(p.Sights, looked.Sights...)
		switch {
		case err != nil:
			return nil, p, err
		case looked.Withheld == nil:
			r.Value = shown.Entity()
		case looked.Withheld.Outcome == webhook.Hidden:
			r.Value = json.RawMessage("null")
		default:
			p.Withheld = looked.Withheld
			return nil, p, nil
		}
	}
	whole := *one
	whole.Related = related
	return &whole, p, nil
}

// lookRelated is look for an entity that is related to that of ev.
func (l *looker) lookRelated(ctx context.Context, ev *webhook.Event, r *webhook.Related, d *webhook.Delivery, s *webhook.Subscription, view webhook.View) (*webhook.Event, webhook.Payload, error) {
	id := l.id(ev.Key.API, r.Resource, r.Value)
	if id == "" {
		return nil, hidden(fmt.Sprintf("%s has no id", r.Name)), nil
	}
	about := *ev
	about.Key.Resource, about.Key.ID = r.Resource, id
	about.Operation, about.Gap = webhook.Called, nil // without a path it is not shown, however long one waits
	about.Before, about.After = nil, r.Value
	asked := *s
	asked.Expand, asked.Query = view.Expand, view.Query
	return l.look(ctx, &about, d, &asked)
}

// look decides what of ev is sent to s: the event as it is to be sent, or why it
// is withheld. s is what it is for the event's resource. An error is the store's,
// or that of an answer of which nothing can be made.
func (l *looker) look(ctx context.Context, ev *webhook.Event, d *webhook.Delivery, s *webhook.Subscription) (*webhook.Event, webhook.Payload, error) {
	if !s.LooksAtEntity() || strings.HasPrefix(ev.Scope, own.Prefix) || ev.Gap != nil && ev.Key.ID == "" || ev.Key.API == own.API {
		return ev, webhook.Payload{}, nil // about no entity, and none of the API's
	}
	snap, err := l.memory.Snapshot(ctx, ev.Key)
	if err != nil {
		return nil, webhook.Payload{}, fmt.Errorf("%w: %w", deliver.ErrNotNow, err)
	}
	if deletedNow(ev, &snap) {
		return l.lookBack(ctx, ev, s)
	}
	item, why := l.items(ev, cmp.Or(snap.Name, ev.Key.ID))
	switch {
	case item == nil && why == "":
		return nil, hidden("it is about no entity of which a GET could tell whether the subscriber may see it"), nil
	case item == nil:
		return nil, l.again(d, why), nil
	}
	if !capture.PlainPath(item.path) {
		return nil, hidden(fmt.Sprintf("no GET can be made of an entity that is called %.100q: its path would lead elsewhere", item.name)), nil
	}
	until, leave := l.gates.enter(ctx, gateKey{item.api, s.ID})
	if leave == nil {
		return nil, withhold(webhook.Unasked, "the API is not asked now: it is busy, or did not answer before", until), nil
	}
	target := LookPath(item.path, s)
	a := item.get(ctx, target, s.Credential, s.Shows())
	if a.status == http.StatusBadRequest && target != item.path { // is it the id, or the parameters?
		if plain := item.get(ctx, item.path, s.Credential, false); plain.status == http.StatusBadRequest {
			a = plain
		} else if plain.status >= 200 && plain.status < 300 {
			a.refused = true
		}
	}
	leave(a.told())
	return l.judge(ctx, ev, d, s, item, a)
}

// deletedNow reports whether the entity of ev is deleted, as far as is known.
func deletedNow(ev *webhook.Event, snap *webhook.Snapshot) bool {
	return snap.Deleted || ev.Operation == webhook.Deleted && snap.Sequence <= ev.Sequence
}

// told reports whether a says something, and not only that the API is in trouble.
func (a *lookAnswer) told() bool {
	return a.err == nil && a.status > 0 && a.status < 500 && a.status != http.StatusTooManyRequests
}

// judge says what an answer comes to.
func (l *looker) judge(ctx context.Context, ev *webhook.Event, d *webhook.Delivery, s *webhook.Subscription, item *lookItem, a lookAnswer) (*webhook.Event, webhook.Payload, error) {
	now := time.Now()
	said := fmt.Sprintf("the API answered %d to the subscriber's GET %s", a.status, item.path)
	switch {
	case a.err != nil:
		return nil, l.again(d, fmt.Sprintf("the subscriber's GET %s: %s", item.path, a.err)), nil
	case a.status >= 200 && a.status < 300:
		l.tries.end(d.ID)
		return l.show(ev, d, s, item, a, webhook.Payload{Sights: []webhook.Sight{{Key: ev.Key, Visible: true, At: now}}})
	case a.status == http.StatusUnauthorized:
		l.tries.end(d.ID)
		return nil, withhold(webhook.Denied, said+": its credential is not good any more", time.Time{}), nil
	case a.refused:
		return nil, l.again(d, said+" with the parameters of expand and query, and shows the entity without them: change those"), nil
	case a.status == http.StatusBadRequest:
		if now.Sub(ev.Time) < malformedAfter {
			return nil, l.again(d, said+", which may be about the id or about how it is asked"), nil
		}
	case a.status == http.StatusForbidden:
	case a.status == http.StatusNotFound, a.status == http.StatusGone:
		snap, err := l.memory.Snapshot(ctx, ev.Key) // a delete may have been recorded meanwhile
		switch {
		case err != nil:
			return nil, webhook.Payload{}, fmt.Errorf("%w: %w", deliver.ErrNotNow, err)
		case deletedNow(ev, &snap):
			return l.lookBack(ctx, ev, s)
		}
		if age := now.Sub(ev.Time); age < visibleAfter {
			wait := min(max(age, time.Second), visibleAfter-age)
			return nil, withhold(webhook.NotYet, said+", which may not know of the change yet", now.Add(wait)), nil
		}
	default:
		return nil, l.again(d, said+", which does not tell whether it may see that"), nil
	}
	l.tries.end(d.ID)
	p := hidden(said)
	p.Sights = []webhook.Sight{{Key: ev.Key, At: now}}
	return nil, p, nil
}

// show returns ev with the entity that a showed, where s wants that.
func (l *looker) show(ev *webhook.Event, d *webhook.Delivery, s *webhook.Subscription, item *lookItem, a lookAnswer, p webhook.Payload) (*webhook.Event, webhook.Payload, error) {
	if !s.Shows() {
		return ev, p, nil
	}
	h := webhook.Header(a.header)
	if a.body.Missing == webhook.TooLarge {
		return nil, p, fmt.Errorf("the API's answer to the subscriber's GET %s is larger than max_body: let it expand less", item.path)
	}
	body := item.match.Redact(a.body, h)
	entity := item.match.Shown(item.name, body, h)
	if entity == nil {
		why := fmt.Sprintf("the API's answer to the subscriber's GET %s shows no entity with that id", item.path)
		return nil, l.again(d, why), nil
	}
	shown := *ev
	shown.After = json.RawMessage(entity)
	shown.Provenance.Viewed = rules.Viewed(ev, entity, webhook.Viewed{At: p.Sights[0].At.UTC()})
	return &shown, p, nil
}

// lookBack decides of an entity that nobody can see any more by what s saw last.
func (l *looker) lookBack(ctx context.Context, ev *webhook.Event, s *webhook.Subscription) (*webhook.Event, webhook.Payload, error) {
	if !s.ViewCheck {
		return ev, webhook.Payload{}, nil
	}
	last, err := l.memory.Sight(ctx, s.ID, ev.Key)
	switch {
	case err != nil:
		return nil, webhook.Payload{}, fmt.Errorf("%w: %w", deliver.ErrNotNow, err)
	case last.At.IsZero() || time.Since(last.At) > sightTime:
		return nil, hidden("the entity is deleted, and no answer of the API within 30 days tells that the subscriber could see it"), nil
	case !last.Visible:
		return nil, hidden("the entity is deleted, and the API's last answer was that the subscriber cannot see it"), nil
	}
	return ev, webhook.Payload{}, nil
}

func hidden(why string) webhook.Payload { return withhold(webhook.Hidden, why, time.Time{}) }

func withhold(o webhook.Outcome, why string, until time.Time) webhook.Payload {
	return webhook.Payload{Withheld: &webhook.Withheld{Outcome: o, Why: why, Until: until}}
}

// again puts d off: longer each time in a row.
func (l *looker) again(d *webhook.Delivery, why string) webhook.Payload {
	return withhold(webhook.Unasked, why, time.Now().Add(l.tries.next(d.ID)))
}

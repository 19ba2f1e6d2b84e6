// Package look asks an API, with a subscriber's own credential, what of an event that
// subscriber may see (view_check) and how it sees it (expand, query, related), before the event
// is sent.
//
// Begin with [Looker]. An [Origin] is the API that is asked. How many GETs may be under way
// is bounded in gate.go; what an answer means for the delivery is judge.go, and tries.go says
// when an API that did not tell is asked again.
package look

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
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

	// SightTime is how long the last answer counts of an entity that is deleted.
	SightTime = 30 * 24 * time.Hour

	// mostShown bounds what the API shows for one chunk, in bytes.
	mostShown = 8 << 20
)

// Memory is what looking needs to know of what was recorded.
type Memory interface {
	Snapshot(ctx context.Context, key webhook.EntityKey) (webhook.Snapshot, error)
	Sight(ctx context.Context, sub webhook.SubscriptionID, key webhook.EntityKey) (webhook.Sight, error)
}

// Looker lets the API decide, by GETs with subscribers' credentials, what these
// are sent.
type Looker struct {
	// Memory, Items and ID are set before it is used.
	Memory Memory

	// Items returns what makes the GET of an entity that is called name in its
	// path now; why says that there is none.
	Items func(ev *webhook.Event, name string) (item *Item, why string)

	// ID returns the id that an entity of a resource of an api has; "" if none.
	ID func(api, resource string, entity json.RawMessage) string

	gates gates
	tries tries
}

// Item is an entity at its origin.
type Item struct {
	api   string
	match *rules.Match
	path  string // escaped
	name  string // what the entity is called in path
	get   func(ctx context.Context, path string, c webhook.Credential, whole bool) answer
}

// answer is what came of a GET. The zero status is no answer.
type answer struct {
	status int
	header http.Header
	body   webhook.Body
	err    error

	refused bool // it is a 400 to the query parameters, not to the id
}

// All decides what of evs is sent to s as one: those events that it may see.
// As long as one of them cannot be decided, nothing is.
func (l *Looker) All(ctx context.Context, evs []*webhook.Event, d *webhook.Delivery, s *webhook.Subscription) (shown []*webhook.Event, all webhook.Payload, err error) {
	bytes := 0
	for _, ev := range evs {
		one, p, err := l.whole(ctx, ev, d, s)
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

// whole decides what of ev and of what is related to it is sent to s.
func (l *Looker) whole(ctx context.Context, ev *webhook.Event, d *webhook.Delivery, s *webhook.Subscription) (*webhook.Event, webhook.Payload, error) {
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
		shown, looked, err := l.related(ctx, one, r, d, s, view)
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

// related is look for an entity that is related to that of ev.
func (l *Looker) related(ctx context.Context, ev *webhook.Event, r *webhook.Related, d *webhook.Delivery, s *webhook.Subscription, view webhook.View) (*webhook.Event, webhook.Payload, error) {
	id := l.ID(ev.Key.API, r.Resource, r.Value)
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
func (l *Looker) look(ctx context.Context, ev *webhook.Event, d *webhook.Delivery, s *webhook.Subscription) (*webhook.Event, webhook.Payload, error) {
	if !s.LooksAtEntity() || ev.Gap != nil && ev.Key.ID == "" || ev.Key.API == own.API {
		return ev, webhook.Payload{}, nil // about no entity, and none of the API's
	}
	snap, err := l.Memory.Snapshot(ctx, ev.Key)
	if err != nil {
		return nil, webhook.Payload{}, fmt.Errorf("%w: %w", deliver.ErrNotNow, err)
	}
	if deletedNow(ev, &snap) {
		return l.lookBack(ctx, ev, s)
	}
	item, why := l.Items(ev, cmp.Or(snap.Name, ev.Key.ID))
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
	target := Path(item.path, s)
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

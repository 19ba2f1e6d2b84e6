package look

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/sidehook/sidehook/deliver"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// told reports whether a says something, and not only that the API is in trouble.
func (a *answer) told() bool {
	return a.err == nil && a.status > 0 && a.status < 500 && a.status != http.StatusTooManyRequests
}

// judge says what an answer comes to.
func (l *Looker) judge(ctx context.Context, ev *webhook.Event, d *webhook.Delivery, s *webhook.Subscription, item *Item, a answer) (*webhook.Event, webhook.Payload, error) {
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
		snap, err := l.Memory.Snapshot(ctx, ev.Key) // a delete may have been recorded meanwhile
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
func (l *Looker) show(ev *webhook.Event, d *webhook.Delivery, s *webhook.Subscription, item *Item, a answer, p webhook.Payload) (*webhook.Event, webhook.Payload, error) {
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
func (l *Looker) lookBack(ctx context.Context, ev *webhook.Event, s *webhook.Subscription) (*webhook.Event, webhook.Payload, error) {
	if !s.ViewCheck {
		return ev, webhook.Payload{}, nil
	}
	last, err := l.Memory.Sight(ctx, s.ID, ev.Key)
	switch {
	case err != nil:
		return nil, webhook.Payload{}, fmt.Errorf("%w: %w", deliver.ErrNotNow, err)
	case last.At.IsZero() || time.Since(last.At) > SightTime:
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
func (l *Looker) again(d *webhook.Delivery, why string) webhook.Payload {
	return withhold(webhook.Unasked, why, time.Now().Add(l.tries.next(d.ID)))
}

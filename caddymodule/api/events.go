package api

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sort"
	"time"

	"github.com/sidehook/sidehook/caddymodule/engine"
	"github.com/sidehook/sidehook/caddymodule/problem"
	"github.com/sidehook/sidehook/caddymodule/view"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// mostPage bounds what is in a page, in bytes, but for its last event; MostRead what
// is read for one.
const (
	mostPage = 4 << 20
	MostRead = 32 << 20
)

// look waits until c may go through events or deliveries; done ends that.
func (c *Call) look() (done func(), err error) {
	looks := c.shared().looks
	select {
	case looks <- struct{}{}:
		return func() { <-looks }, nil
	case <-c.r.Context().Done():
		return nil, c.r.Context().Err()
	}
}

// apiFilter is what a list of events or deliveries is narrowed to.
type apiFilter struct {
	apiPage
	scopes           []webhook.Pattern
	resource, entity string
	since, until     time.Time // zero: any; until is exclusive
	low, high        uint64    // positions: from low, below high (0: any)
}

// filter reads the query of a list.
func (c *Call) filter() (f apiFilter, err error) {
	q := c.r.URL.Query()
	if f.apiPage, err = c.page(); err != nil {
		return f, err
	}
	if f.scopes, err = c.scopes(); err != nil {
		return f, err
	}
	if f.resource, f.entity = q.Get("resource"), q.Get("entity"); f.entity != "" && f.resource == "" {
		return f, problem.WrongParameter("entity", "write resource too: ids are those of a resource")
	}
	for name, to := range map[string]*time.Time{"since": &f.since, "until": &f.until} {
		if text := q.Get(name); text != "" {
			if *to, err = time.Parse(time.RFC3339, text); err != nil {
				return f, problem.WrongParameter(name, "write a time like 2026-11-22T08:00:00Z")
			}
		}
	}
	return f, c.bounds(c.r.Context(), &f)
}

// scopes reads the patterns of the query.
func (c *Call) scopes() (patterns []webhook.Pattern, err error) {
	for _, s := range c.r.URL.Query()["scope"] {
		p := webhook.Pattern(s)
		if err := p.Check(); err != nil {
			return nil, problem.WrongParameter("scope", "%s", err)
		}
		patterns = append(patterns, p)
	}
	return patterns, nil
}

// matches reports whether one of the patterns selects scope, or there are none.
func matches(patterns []webhook.Pattern, scope string) bool {
	return len(patterns) == 0 || slices.ContainsFunc(patterns, func(p webhook.Pattern) bool { return p.Match(scope) })
}

// bounds finds the positions between which what f selects is.
func (c *Call) bounds(ctx context.Context, f *apiFilter) (err error) {
	f.high = math.MaxUint64
	if !f.since.IsZero() {
		if f.low, err = c.positionAt(ctx, f.since); err != nil {
			return err
		}
	}
	if !f.until.IsZero() {
		if f.high, err = c.positionAt(ctx, f.until); err != nil {
			return err
		}
	}
	return nil
}

// positionAt returns the lowest position of an event that was recorded at t or
// later. Positions and the times of recording grow together.
func (c *Call) positionAt(ctx context.Context, t time.Time) (uint64, error) {
	newest, err := c.e.Newest(ctx)
	if err != nil {
		return 0, err
	}
	found := sort.Search(int(newest), func(i int) bool {
		var events []webhook.Event
		if err == nil {
			events, err = c.e.Store.Events(ctx, store.EventQuery{After: uint64(i), Max: 1})
		}
		return err != nil || len(events) == 0 || !events[0].Recorded.Before(t)
	})
	return uint64(found) + 1, err
}

// selects reports whether f passes e.
func (f *apiFilter) selects(e *webhook.Event) bool {
	return matches(f.scopes, e.Scope) && (f.resource == "" || e.Key.Resource == f.resource) && (f.entity == "" || e.Key.ID == f.entity) && f.spans(e.Recorded)
}

func (f *apiFilter) spans(t time.Time) bool {
	return !t.Before(f.since) && (f.until.IsZero() || t.Before(f.until))
}

// ofEvents reports whether f looks at more than deliveries tell.
func (f *apiFilter) ofEvents() bool { return len(f.scopes) > 0 || f.resource != "" }

func (c *Call) listEvents() (apiAnswer, error) {
	f, err := c.filter()
	if err != nil {
		return apiAnswer{}, err
	}
	list, err := c.events(&f)
	if err == nil && len(list.Data) == 0 && list.Next == "" {
		return c.nothing(&f)
	}
	return apiAnswer{body: list}, err
}

// events returns a page of those that f selects.
func (c *Call) events(f *apiFilter) (apiList, error) {
	done, err := c.look()
	if err != nil {
		return apiList{}, err
	}
	defer done()
	q := store.EventQuery{Newest: true, Scopes: f.scopes, Resource: f.resource, ID: f.entity, Max: f.limit + 1, Looking: &store.Looking{Left: engine.MostScanned}}
	if q.After = f.position; q.After == 0 && f.high < math.MaxUint64 {
		q.After = f.high
	}
	list := apiList{Data: []any{}}
	for size, read := 0, 0; ; {
		q.Bytes = mostPage
		events, err := c.e.Store.Events(c.r.Context(), q)
		if err != nil {
			return apiList{}, err
		}
		for i := range events {
			ev := &events[i]
			if ev.Position < f.low {
				return list, nil
			}
			read += ev.Bytes()
			if len(list.Data) == f.limit || size >= mostPage {
				list.Next = c.next(cursor{position: q.After})
				return list, nil
			}
			q.After = ev.Position
			if !f.selects(ev) {
				continue
			}
			seen, err := c.maySeeEvent(ev)
			if err != nil {
				return apiList{}, err
			}
			if seen {
				list.Data, size = append(list.Data, view.OfEvent(ev)), size+ev.Bytes()
			}
		}
		switch look := q.Looking; {
		case look.Stopped && (look.Left <= 0 || read >= MostRead):
			list.Next = c.next(cursor{position: look.At})
			return list, nil
		case look.Stopped:
			look.Stopped, q.After = false, look.At
		case len(events) < q.Max:
			return list, nil
		}
	}
}

func (c *Call) readEvent() (apiAnswer, error) {
	ev, err := c.e.Store.Event(c.r.Context(), webhook.EventID(c.id))
	if err == nil {
		var seen bool
		if seen, err = c.maySeeEvent(ev); err == nil && !seen {
			err = store.ErrNotFound
		}
	}
	if err != nil {
		return apiAnswer{}, fmt.Errorf("event %s: %w", c.id, err)
	}
	return apiAnswer{body: view.OfEvent(ev)}, nil
}

package admin

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/caddymodule/engine"
	"github.com/sidehook/sidehook/caddymodule/view"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/journal"
	"github.com/sidehook/sidehook/webhook"
)

// listCalls lists the newest captured calls of a path, or below it, that the
// journal still has, or the quarantine: those are what can be explained best.
func listCalls(e *engine.Engine, r *http.Request) (any, error) {
	q := r.URL.Query()
	max, err := number(q, "max")
	if err != nil {
		return nil, err
	}
	limit := int(min(cmp.Or(max, 20), 1000))
	path := strings.TrimSuffix(q.Get("path"), "/")
	found := map[webhook.ExchangeID]*view.ListedCall{}
	err = e.Journal.Scan(r.Context(), func(id webhook.ExchangeID, k journal.Kept) bool {
		c := found[id]
		switch {
		case k.End != nil && !k.Rejected:
			found[id] = newKeptCall(k.End)
		case k.End != nil && c != nil:
			c.Status, c.Ending = k.End.Response.Status, k.End.Ending.String()
		case k.Begin != nil && c == nil:
			found[id] = &view.ListedCall{Exchange: id, Method: k.Begin.Method, Path: k.Begin.Path, Started: k.Begin.Started}
		}
		if c = found[id]; c != nil && !isBelow(c.Path, path) {
			delete(found, id)
		}
		if len(found) > 4*limit {
			for _, old := range newestCalls(found)[limit:] {
				delete(found, old.Exchange)
			}
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	quarantined, err := e.Store.Quarantined(r.Context(), mostQuarantined)
	if err != nil {
		return nil, err
	}
	for i := range quarantined { // the journal may have let go of them
		if x := &quarantined[i].Exchange; isBelow(x.Request.Path, path) {
			found[x.ID] = newKeptCall(x)
		}
	}
	calls := newestCalls(found)
	calls = calls[:min(len(calls), limit)]
	return calls, tellOutcomes(r.Context(), e, calls, quarantined)
}

// isBelow reports whether path is base, or below it.
func isBelow(path, base string) bool { return path == base || strings.HasPrefix(path, base+"/") }

// tellOutcomes says what became of each call, as far as that is known without
// deriving it again.
func tellOutcomes(ctx context.Context, e *engine.Engine, calls []view.ListedCall, quarantined []store.Quarantined) error {
	ids := make([]webhook.ExchangeID, len(calls))
	for i := range calls {
		ids[i] = calls[i].Exchange
	}
	marks, err := e.Store.Recorded(ctx, ids)
	if err != nil {
		return err
	}
	for i := range calls {
		c := &calls[i]
		events, err := e.Store.Events(ctx, store.EventQuery{Exchange: c.Exchange, Max: mostEvents})
		if err != nil {
			return err
		}
		c.Events = len(events)
		inQuarantine := slices.ContainsFunc(quarantined, func(q store.Quarantined) bool { return q.Exchange.ID == c.Exchange })
		c.Outcome = outcomeOf(c, inQuarantine, marks[c.Exchange])
	}
	return nil
}

func outcomeOf(c *view.ListedCall, inQuarantine, recorded bool) view.Outcome {
	switch {
	case inQuarantine:
		return view.OutcomeQuarantined
	case c.Events > 0:
		return view.OutcomeEvents
	case recorded, c.Ending == webhook.Rejected.String():
		return view.OutcomeNothing
	case c.Ending == "":
		return view.OutcomeOpen
	}
	return view.OutcomeWaiting
}

func newKeptCall(x *webhook.Exchange) *view.ListedCall {
	return &view.ListedCall{
		Exchange: x.ID, Method: x.Request.Method, Path: x.Request.Path, Started: x.Started, Status: x.Response.Status, Ending: x.Ending.String(),
	}
}

// newestCalls returns the calls in the order of their beginnings, the newest
// first.
func newestCalls(found map[webhook.ExchangeID]*view.ListedCall) []view.ListedCall {
	calls := make([]view.ListedCall, 0, len(found))
	for _, c := range found {
		calls = append(calls, *c)
	}
	slices.SortFunc(calls, func(a, b view.ListedCall) int {
		if n := b.Started.Compare(a.Started); n != 0 {
			return n
		}
		return slices.Compare(b.Exchange[:], a.Exchange[:])
	})
	return calls
}

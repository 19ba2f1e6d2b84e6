package caddymodule

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/caddymodule/view"
	"github.com/sidehook/sidehook/store/journal"
	"github.com/sidehook/sidehook/webhook"
)

// listCalls lists the newest captured calls of a path, or below it, that the
// journal still has: those are what can be explained best.
func listCalls(e *engine, r *http.Request) (any, error) {
	q := r.URL.Query()
	max, err := number(q, "max")
	if err != nil {
		return nil, err
	}
	limit := int(min(cmp.Or(max, 20), 1000))
	path := strings.TrimSuffix(q.Get("path"), "/")
	found := map[webhook.ExchangeID]*view.ListedCall{}
	err = e.journal.Scan(r.Context(), func(id webhook.ExchangeID, k journal.Kept) bool {
		c := found[id]
		switch {
		case k.End != nil && !k.Rejected:
			found[id] = newKeptCall(k.End)
		case k.End != nil && c != nil:
			c.Status, c.Ending = k.End.Response.Status, k.End.Ending.String()
		case k.Begin != nil && c == nil:
			found[id] = &view.ListedCall{Exchange: id, Method: k.Begin.Method, Path: k.Begin.Path, Started: k.Begin.Started}
		}
		if c = found[id]; c != nil && c.Path != path && !strings.HasPrefix(c.Path, path+"/") {
			delete(found, id)
		}
		if len(found) > 4*limit {
			for _, old := range newestCalls(found)[limit:] {
				delete(found, old.Exchange)
			}
		}
		return true
	})
	calls := newestCalls(found)
	return calls[:min(len(calls), limit)], err
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

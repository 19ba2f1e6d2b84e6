package caddymodule

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sidehook/sidehook/store/journal"
	"github.com/sidehook/sidehook/webhook"
)

// keptCall is one line of the list of calls that the journal still has.
type keptCall struct {
	Exchange webhook.ExchangeID `json:"exchange"`
	Method   string             `json:"method"`
	Path     string             `json:"path"`
	Started  time.Time          `json:"started"`
	Status   int                `json:"status,omitempty"` // 0: none was seen (yet)
	Ending   string             `json:"ending,omitempty"` // "": its end was not found
}

// listCalls lists the newest captured calls of a path, or below it, that the
// journal still has: those are what can be explained best.
func listCalls(e *engine, r *http.Request) (any, error) {
	q := r.URL.Query()
	max, err := number(q, "max")
	if err != nil {
		return nil, err
	}
	limit := int(min(orDefault(max, 20), 1000))
	path := strings.TrimSuffix(q.Get("path"), "/")
	found := map[webhook.ExchangeID]*keptCall{}
	err = e.journal.Scan(r.Context(), func(id webhook.ExchangeID, k journal.Kept) bool {
		c := found[id]
		switch {
		case k.End != nil && !k.Rejected:
			found[id] = newKeptCall(k.End)
		case k.End != nil && c != nil:
			c.Status, c.Ending = k.End.Response.Status, k.End.Ending.String()
		case k.Begin != nil && c == nil:
			found[id] = &keptCall{id, k.Begin.Method, k.Begin.Path, k.Begin.Started, 0, ""}
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

func newKeptCall(x *webhook.Exchange) *keptCall {
	return &keptCall{x.ID, x.Request.Method, x.Request.Path, x.Started, x.Response.Status, x.Ending.String()}
}

// newestCalls returns the calls in the order of their beginnings, the newest
// first.
func newestCalls(found map[webhook.ExchangeID]*keptCall) []keptCall {
	calls := make([]keptCall, 0, len(found))
	for _, c := range found {
		calls = append(calls, *c)
	}
	slices.SortFunc(calls, func(a, b keptCall) int {
		if n := b.Started.Compare(a.Started); n != 0 {
			return n
		}
		return slices.Compare(b.Exchange[:], a.Exchange[:])
	})
	return calls
}

package admin

import (
	"context"
	"fmt"
	"net/http"

	"github.com/sidehook/sidehook/caddymodule/engine"
	"github.com/sidehook/sidehook/caddymodule/problem"
	"github.com/sidehook/sidehook/caddymodule/view"
	"github.com/sidehook/sidehook/caddymodule/words"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

func listQuarantine(e *engine.Engine, r *http.Request) (any, error) {
	all, err := e.Store.Quarantined(r.Context(), mostQuarantined)
	if err != nil {
		return nil, err
	}
	views := []view.Quarantined{}
	for i := range all {
		views = append(views, viewQuarantined(&all[i]))
	}
	return views, nil
}

func viewQuarantined(q *store.Quarantined) view.Quarantined {
	call := &q.Exchange.Request
	return view.Quarantined{Exchange: q.Exchange.ID, Method: call.Method, Path: call.Path, Why: q.Why, At: q.At}
}

// endQuarantine takes one exchange out of quarantine: derive derives it by the
// current rules, drop records gaps in its place.
func endQuarantine(e *engine.Engine, r *http.Request) (any, error) {
	id, err := webhook.ParseExchangeID(r.PathValue("id"))
	if err != nil {
		return nil, problem.New(http.StatusBadRequest, "%s", err)
	}
	all, err := e.Store.Quarantined(r.Context(), mostQuarantined)
	if err != nil {
		return nil, err
	}
	for i := range all {
		if all[i].Exchange.ID == id {
			return viewQuarantined(&all[i]), takeOut(e, r.Context(), &all[i], r.PathValue("verb"))
		}
	}
	return nil, fmt.Errorf("exchange %s in quarantine: %w", id, store.ErrNotFound)
}

func takeOut(e *engine.Engine, ctx context.Context, q *store.Quarantined, verb string) error {
	x := &q.Exchange
	program, match := programFor(e, x)
	if match == nil {
		return problem.New(http.StatusBadRequest, "no rule of the configuration names %s %s of api %s: add one, and try again", x.Request.Method, x.Request.Path, x.API)
	}
	switch verb {
	case "derive":
		return e.Deriver.Again(ctx, x, program)
	case "drop":
		return e.Deriver.Drop(ctx, x, program, words.FirstLine(q.Why))
	}
	return problem.New(http.StatusBadRequest, "%q: write derive or drop", verb)
}

// programFor returns the current rules that name x's call, nil if there are none.
func programFor(e *engine.Engine, x *webhook.Exchange) (*rules.Program, *rules.Match) {
	for _, h := range e.Current().Handlers {
		if h.Program.API() != x.API {
			continue
		}
		if m := h.Program.Match(x.Request.Method, x.Request.Path); m != nil {
			return h.Program, m
		}
	}
	return nil, nil
}

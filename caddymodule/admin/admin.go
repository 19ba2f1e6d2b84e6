// Package admin is what Sidehook adds to Caddy's admin endpoint: it shows what is
// recorded, explains what came of a call, and steers deliveries and subscriptions.
//
// admin.go lists the routes, each with the function that answers it. Lists and single
// things are in show.go. An explanation (explain.go) finds the exchange that an id is
// about, reads what is kept of it, and derives it once more: explain_past.go derives,
// explain_seen.go gathers what was known then, explain_gone.go is for calls that are not
// kept any more, explain_own.go for events of Sidehook's own. stream.go is what `listen`
// reads.
package admin

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/sidehook/sidehook/caddymodule/answer"
	"github.com/sidehook/sidehook/caddymodule/api"
	"github.com/sidehook/sidehook/caddymodule/engine"
	"github.com/sidehook/sidehook/caddymodule/problem"
	"github.com/sidehook/sidehook/caddymodule/seed"
	"github.com/sidehook/sidehook/caddymodule/view"
	"github.com/sidehook/sidehook/deliver"
	"github.com/sidehook/sidehook/store"
)

func init() { caddy.RegisterModule(Admin{}) }

// Admin shows what Sidehook recorded, and steers deliveries, under Caddy's
// admin endpoint (/sidehook/…). The `sidehook` command talks to it. It is as
// protected as that endpoint is: by default it listens on localhost only.
type Admin struct{}

// CaddyModule returns the Caddy module information.
func (Admin) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "admin.api.sidehook", New: func() caddy.Module { return new(Admin) }}
}

// Routes implements [caddy.AdminRouter]. The engine is looked up at each
// request: after a failed reload, this module may belong to the configuration
// that failed.
func (Admin) Routes() []caddy.AdminRoute {
	routes := []struct {
		pattern string
		handle  func(*engine.Engine, *http.Request) (any, error)
	}{
		{"GET /sidehook/events", listEvents},
		{"GET /sidehook/events/{id}", showEvent},
		{"GET /sidehook/deliveries", listDeliveries},
		{"GET /sidehook/deliveries/{id}", showDelivery},
		{"POST /sidehook/deliveries/{id}/{verb}", steerDelivery},
		{"GET /sidehook/subscriptions", listSubscriptions},
		{"POST /sidehook/subscriptions/{id}/{verb}", steerSubscription},
		{"GET /sidehook/quarantine", listQuarantine},
		{"POST /sidehook/quarantine/{id}/{verb}", endQuarantine},
		{"GET /sidehook/explain/{id}", explain},
		{"GET /sidehook/calls", listCalls},
		{"GET /sidehook/unearned", listUnearned},
		{"GET /sidehook/uncaptured", listUncaptured},
		{"POST /sidehook/seed/{resource}", seed.Step},
		{"POST /sidehook/trigger", trigger},
	}
	admin := make([]caddy.AdminRoute, len(routes), len(routes)+3)
	for i, r := range routes {
		admin[i] = caddy.AdminRoute{Pattern: r.pattern, Handler: adminHandler(r.handle)}
	}
	admin = append(admin, caddy.AdminRoute{Pattern: "GET /sidehook/health", Handler: caddy.AdminHandlerFunc(serveHealth)})
	admin = append(admin, caddy.AdminRoute{Pattern: "GET /sidehook/stream", Handler: caddy.AdminHandlerFunc(serveStream)})
	return append(admin, caddy.AdminRoute{Pattern: view.AdminAPI, Handler: caddy.AdminHandlerFunc(serveAdminAPI)})
}

// serveAdminAPI serves the subscription API to the operator.
func serveAdminAPI(w http.ResponseWriter, r *http.Request) error {
	e, err := engine.All.Only(r.URL.Query().Get("dir"))
	if err != nil {
		answer.Problem(w, problem.New(http.StatusServiceUnavailable, "%s", err))
		return nil
	}
	api.Serve(e, w, r, api.Caller{Operator: true}, strings.TrimPrefix(r.URL.Path, view.AdminAPI), r.URL.Path)
	return nil
}

// adminHandler finds the engine and writes what handle returns as JSON.
func adminHandler(handle func(*engine.Engine, *http.Request) (any, error)) caddy.AdminHandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		e, err := engine.All.Only(r.URL.Query().Get("dir"))
		if err != nil {
			return caddy.APIError{HTTPStatus: http.StatusServiceUnavailable, Err: err}
		}
		answer, err := handle(e, r)
		if err != nil {
			return apiError(err)
		}
		return writeJSON(w, http.StatusOK, answer)
	}
}

// serveHealth answers while the engine is not open, too.
func serveHealth(w http.ResponseWriter, r *http.Request) error {
	h, err := engine.All.Health(r.Context(), r.URL.Query().Get("dir"))
	if err != nil {
		return caddy.APIError{HTTPStatus: http.StatusServiceUnavailable, Err: err}
	}
	if h.Degraded {
		return writeJSON(w, http.StatusServiceUnavailable, h)
	}
	return writeJSON(w, http.StatusOK, h)
}

func writeJSON(w http.ResponseWriter, status int, v any) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

func apiError(err error) error {
	status := http.StatusInternalServerError
	var refused *problem.Details
	switch {
	case errors.As(err, &refused):
		status = refused.Status
	case errors.Is(err, store.ErrNotFound), errors.Is(err, deliver.ErrUnknownSubscription):
		status = http.StatusNotFound
	case errors.Is(err, store.ErrPending):
		status = http.StatusConflict
	case errors.Is(err, store.ErrFull):
		status = http.StatusInsufficientStorage
	}
	return caddy.APIError{HTTPStatus: status, Err: err}
}

// Interface guard.
var _ caddy.AdminRouter = Admin{}

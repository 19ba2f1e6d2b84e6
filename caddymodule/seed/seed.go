// Package seed reads an API's lists, so that entities are known that no call was about
// yet: one page for each call of the operator's ([Step]). page.go reads a page, and asks
// for entities one by one where a list does not show all of them; next.go finds the page
// after it, and progress.go keeps how far the crawl is.
package seed

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/sidehook/sidehook/caddymodule/capture"
	"github.com/sidehook/sidehook/caddymodule/engine"
	"github.com/sidehook/sidehook/caddymodule/problem"
	"github.com/sidehook/sidehook/caddymodule/view"
	"github.com/sidehook/sidehook/rules"
)

// Bounds of a crawl.
const (
	getTimeout = 30 * time.Second // of one GET
	quietTime  = time.Minute      // how long calls that were open during a page are waited for
	samples    = 3                // entities that are asked for, to see whether lists show all of them
	entryBytes = 4 << 20          // bytes of entities in one journal entry, about
	maxPages   = 100_000
)

var errBusy = problem.New(http.StatusBadRequest, "another step of a seed is being taken: seed one resource at a time")

// turn is held while a step is taken: one at a time, so that crawls are slow.
type turn struct{ sync.Mutex }

// Step takes the next step of a crawl: one page.
func Step(e *engine.Engine, r *http.Request) (any, error) {
	taken := engine.Beside(e, func() *turn { return new(turn) })
	if !taken.TryLock() {
		return nil, errBusy
	}
	defer taken.Unlock()
	var q view.SeedRequest
	body, err := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(body, &q); err != nil {
		return nil, problem.New(http.StatusBadRequest, "the request is no JSON of a seed: %s", err)
	}
	s, err := newSeeder(e, r.Context(), r.PathValue("resource"), q, r.URL.Query().Get("again") != "")
	if err != nil {
		return nil, err
	}
	if s.state.Done {
		s.state.Note = "it was done before: --again begins anew"
		return &s.state, nil
	}
	if err := s.page(); err != nil {
		return nil, err
	}
	return &s.state, s.save()
}

// seeder takes one step of a crawl.
type seeder struct {
	e     *engine.Engine
	h     *capture.Handler
	ctx   context.Context
	list  *rules.Match
	state view.SeedState
	file  string

	header map[string]string // of each GET, beside the origin's; of state they are hashes
}

// newSeeder finds out who is asked and for what, and how far the crawl has come.
func newSeeder(e *engine.Engine, ctx context.Context, resource string, q view.SeedRequest, again bool) (*seeder, error) {
	h, err := handlerOf(e, q.API, resource)
	if err != nil {
		return nil, err
	}
	s := &seeder{e: e, h: h, ctx: ctx, header: q.Header}
	if s.list, err = h.Program.MatchList(resource, q.Path); err != nil {
		return nil, problem.New(http.StatusBadRequest, "%s", err)
	}
	q.API = h.Program.API()
	if q.Path == "" {
		q.Path = s.list.ListPath()
	}
	request := s.request(q)
	if s.list.Tenantless(&request, q.Placeholder) {
		return nil, problem.New(http.StatusBadRequest, "entities of %s belong to tenants: say whose list this is, with --header or --placeholder as `tenant` reads it", resource)
	}
	q.Header = hashed(q.Header)
	s.file = fileOf(e.Dir, q.API, resource, q.Path)
	return s, s.load(resource, q, again)
}

// handlerOf returns the handler of the api that has the resource, and an
// origin.
func handlerOf(e *engine.Engine, api, resource string) (*capture.Handler, error) {
	var found *capture.Handler
	known := false
	for _, hs := range e.Current().Handlers {
		h := hs.Live
		if h == nil || api != "" && h.Program.API() != api {
			continue
		}
		if _, err := h.Program.MatchList(resource, ""); err != nil && !hasResource(h.Program, resource) {
			continue
		}
		known = true
		if h.Origin == nil {
			continue
		}
		if found != nil && found.Program.API() != h.Program.API() {
			return nil, problem.New(http.StatusBadRequest, "several apis have a resource %s: choose with --api", resource)
		}
		found = h
	}
	switch {
	case found != nil:
		return found, nil
	case known:
		return nil, problem.New(http.StatusBadRequest, "nobody may ask the API: add `origin`, and `credential` if it wants one, to the sidehook block that has resource %s", resource)
	}
	if err := e.Current().Handlers.WhyUnknown(resource); err != nil {
		return nil, problem.New(http.StatusBadRequest, "%s", err)
	}
	return nil, problem.New(http.StatusBadRequest, "no sidehook block has a resource %s", resource)
}

func hasResource(p *rules.Program, name string) bool {
	for _, s := range p.Scopes() {
		if s.Resource == name {
			return true
		}
	}
	return false
}

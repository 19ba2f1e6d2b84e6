package api

import (
	"net/http"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/caddymodule/caller"
	"github.com/sidehook/sidehook/caddymodule/dialect"
	"github.com/sidehook/sidehook/caddymodule/engine"
	"github.com/sidehook/sidehook/caddymodule/problem"
)

// inDialect is our API as the caller of a call in a dialect, r, reaches it.
type inDialect struct {
	e   *engine.Engine
	who Caller
	r   *http.Request
}

// ForDialect returns the API as who calls it by r, a call in a dialect.
func ForDialect(e *engine.Engine, who Caller, r *http.Request) dialect.API {
	return inDialect{e: e, who: who, r: r}
}

// call returns r, which stands for the call, as one of our API.
func (d inDialect) call(r *http.Request) *Call {
	return &Call{Caller: &d.who, e: d.e, r: r, path: strings.TrimSuffix(caller.Path(d.r), "/")}
}

// Answer implements [dialect.API].
func (d inDialect) Answer(w http.ResponseWriter, r *http.Request, path string) (dialect.Answer, error) {
	got, err := d.call(r).answer(w, path)
	return dialect.Answer{Status: got.status, Body: got.body, ETag: got.etag}, err
}

// Numbered implements [dialect.API].
func (d inDialect) Numbered(number uint64) string {
	c := d.call(d.r)
	for _, k := range c.visible() {
		if k.Ready.Number == number {
			return string(k.ID)
		}
	}
	for _, s := range c.statics() {
		if s.Number == number {
			return string(s.ID)
		}
	}
	return ""
}

// Resources implements [dialect.API].
func (d inDialect) Resources() (names []string) {
	for _, p := range d.e.Current().Handlers.Programs() {
		names = append(names, p.Resources()...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Problem implements [dialect.API].
func (d inDialect) Problem(err error) *problem.Details {
	return told(d.e, err, d.r, caller.Path(d.r))
}

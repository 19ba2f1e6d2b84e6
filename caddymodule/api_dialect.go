package caddymodule

import (
	"net/http"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/caddymodule/caller"
	"github.com/sidehook/sidehook/caddymodule/dialect"
	"github.com/sidehook/sidehook/caddymodule/problem"
)

// inDialect is our API as the caller of a call in a dialect, r, reaches it.
type inDialect struct {
	e   *engine
	who apiCaller
	r   *http.Request
}

// call returns r, which stands for the call, as one of our API.
func (d inDialect) call(r *http.Request) *apiCall {
	return &apiCall{apiCaller: &d.who, e: d.e, r: r, path: strings.TrimSuffix(caller.Path(d.r), "/")}
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
		if k.sub.Number == number {
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
	for _, p := range d.e.programs() {
		names = append(names, p.Resources()...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Problem implements [dialect.API].
func (d inDialect) Problem(err error) *problem.Details {
	return d.e.problem(err, d.r, caller.Path(d.r))
}

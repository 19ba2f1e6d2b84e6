package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/sidehook/sidehook/caddymodule/engine"
	"github.com/sidehook/sidehook/caddymodule/problem"
	"github.com/sidehook/sidehook/deliver"
	"github.com/sidehook/sidehook/store"
)

// problemOf returns the problem of an error. What is not the caller's fault is
// not told in detail.
func problemOf(err error) (p *problem.Details, ours bool) {
	var half *problem.HalfDone
	switch {
	case errors.As(err, &p):
		return p, false
	case errors.As(err, &half):
		if errors.Is(err, store.ErrFull) {
			return problem.New(http.StatusInsufficientStorage, "%s: the disk is full", half.What), true
		}
		return problem.New(http.StatusInternalServerError, "%s: the log says why", half.What), true
	case errors.Is(err, store.ErrNotFound), errors.Is(err, deliver.ErrUnknownSubscription):
		return problem.New(http.StatusNotFound, "there is none of that id"), false
	case errors.Is(err, store.ErrChanged):
		return problem.New(http.StatusConflict, "somebody else has changed it meanwhile: read it again"), false
	case errors.Is(err, store.ErrPending):
		return problem.New(http.StatusConflict, "it is pending: it will be attempted anyway"), false
	case errors.Is(err, engine.ErrTooMany):
		return problem.New(http.StatusConflict, "%s", engine.ErrTooMany), false
	case errors.Is(err, store.ErrFull):
		return problem.New(http.StatusInsufficientStorage, "the disk is full: nothing was kept"), true
	case errors.Is(err, context.Canceled):
		return problem.New(499, "the client has gone"), false
	}
	return problem.New(http.StatusInternalServerError, "it went wrong here; the log says why"), true
}

// told returns what the caller of r, at the path asked, is told of err. What is not
// the caller's fault is told in the log.
func told(e *engine.Engine, err error, r *http.Request, asked string) *problem.Details {
	p, ours := problemOf(err)
	if ours {
		e.Logger.Error("a call of the subscription API", "method", r.Method, "path", asked, "error", err)
	}
	return p
}

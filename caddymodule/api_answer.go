package caddymodule

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/sidehook/sidehook/caddymodule/problem"
	"github.com/sidehook/sidehook/deliver"
	"github.com/sidehook/sidehook/store"
)

// problemOf returns the problem of an error. What is not the caller's fault is
// not told in detail.
func problemOf(err error) (p *problem.Details, ours bool) {
	switch {
	case errors.As(err, &p):
		return p, false
	case errors.Is(err, store.ErrNotFound), errors.Is(err, deliver.ErrUnknownSubscription):
		return problem.New(http.StatusNotFound, "there is none of that id"), false
	case errors.Is(err, store.ErrChanged):
		return problem.New(http.StatusConflict, "somebody else has changed it meanwhile: read it again"), false
	case errors.Is(err, store.ErrPending):
		return problem.New(http.StatusConflict, "it is pending: it will be attempted anyway"), false
	case errors.Is(err, errTooMany):
		return problem.New(http.StatusConflict, "%s", errTooMany), false
	case errors.Is(err, store.ErrFull):
		return problem.New(http.StatusInsufficientStorage, "the disk is full: nothing was kept"), true
	case errors.Is(err, context.Canceled):
		return problem.New(499, "the client has gone"), false
	}
	return problem.New(http.StatusInternalServerError, "it went wrong here; the log says why"), true
}

// writeProblem answers with p.
func writeProblem(w http.ResponseWriter, p *problem.Details) {
	setProblemHeader(w, p)
	writeJSON(w, p.Status, "application/problem+json", p)
}

func setProblemHeader(w http.ResponseWriter, p *problem.Details) {
	for name, values := range p.Header {
		w.Header()[name] = values
	}
	if p.Status == http.StatusUnauthorized && w.Header().Get("WWW-Authenticate") == "" {
		w.Header().Set("WWW-Authenticate", `Sidehook realm="subscriptions"`)
	}
}

// apiHeader sets the header of an answer. No cache may keep it: it may hold a
// secret.
func apiHeader(w http.ResponseWriter, contentType string) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
}

// writeJSON answers with v.
func writeJSON(w http.ResponseWriter, status int, contentType string, v any) {
	apiHeader(w, contentType)
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // the client has gone, or not: nothing is to be done
}

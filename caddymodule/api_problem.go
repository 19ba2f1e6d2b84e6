package caddymodule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/sidehook/sidehook/deliver"
	"github.com/sidehook/sidehook/store"
)

// problem is an answer that says what is wrong (RFC 9457).
type problem struct {
	Title  string         `json:"title" jsonschema:"The status in words."`
	Status int            `json:"status" jsonschema:"The status of the answer."`
	Detail string         `json:"detail" jsonschema:"What is wrong, and what to do instead."`
	Errors []fieldProblem `json:"errors,omitempty" jsonschema:"What is wrong with each field or parameter."`

	header http.Header
}

// fieldProblem is what is wrong with one field: a JSON pointer into the body
// (RFC 6901), or the name of a query parameter.
type fieldProblem struct {
	Pointer   string `json:"pointer,omitempty" jsonschema:"The field: a JSON pointer into the body (RFC 6901)."`
	Parameter string `json:"parameter,omitempty" jsonschema:"The parameter of the query."`
	Detail    string `json:"detail" jsonschema:"What is wrong with it, and what to write instead."`
}

// Error implements error.
func (p *problem) Error() string { return p.Detail }

// refuse returns the problem of a status.
func refuse(status int, format string, args ...any) *problem {
	return &problem{Title: http.StatusText(status), Status: status, Detail: fmt.Sprintf(format, args...)}
}

// wrongField returns the problem of a body's field.
func wrongField(pointer, format string, args ...any) *problem {
	return wrongFields(fieldProblem{Pointer: pointer, Detail: fmt.Sprintf(format, args...)})
}

// wrongParameter returns the problem of a query parameter.
func wrongParameter(name, format string, args ...any) *problem {
	detail := fmt.Sprintf(format, args...)
	p := refuse(http.StatusBadRequest, "%s: %s", name, detail)
	p.Errors = []fieldProblem{{Parameter: name, Detail: detail}}
	return p
}

// wrongFields returns the problem of several fields.
func wrongFields(fields ...fieldProblem) *problem {
	p := refuse(http.StatusUnprocessableEntity, "%s", inShort(fields))
	p.Errors = fields
	return p
}

// inShort says what is wrong with fields in one text: of the first three, and
// how many more there are.
func inShort(fields []fieldProblem) string {
	const most = 3
	var details []string
	for _, f := range fields[:min(len(fields), most)] {
		details = append(details, f.Detail)
	}
	text := strings.Join(details, "; ")
	if more := len(fields) - most; more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return text
}

// problemOf returns the problem of an error. What is not the caller's fault is
// not told in detail.
func problemOf(err error) (p *problem, ours bool) {
	switch {
	case errors.As(err, &p):
		return p, false
	case errors.Is(err, store.ErrNotFound), errors.Is(err, deliver.ErrUnknownSubscription):
		return refuse(http.StatusNotFound, "there is none of that id"), false
	case errors.Is(err, store.ErrChanged):
		return refuse(http.StatusConflict, "somebody else has changed it meanwhile: read it again"), false
	case errors.Is(err, store.ErrPending):
		return refuse(http.StatusConflict, "it is pending: it will be attempted anyway"), false
	case errors.Is(err, errTooMany):
		return refuse(http.StatusConflict, "%s", errTooMany), false
	case errors.Is(err, store.ErrFull):
		return refuse(http.StatusInsufficientStorage, "the disk is full: nothing was kept"), true
	case errors.Is(err, context.Canceled):
		return refuse(499, "the client has gone"), false
	}
	return refuse(http.StatusInternalServerError, "it went wrong here; the log says why"), true
}

// write answers with p.
func (p *problem) write(w http.ResponseWriter) {
	p.setHeader(w)
	writeJSON(w, p.Status, "application/problem+json", p)
}

func (p *problem) setHeader(w http.ResponseWriter) {
	for name, values := range p.header {
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

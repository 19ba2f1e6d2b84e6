// Package answer is how whatever answers calls of the subscription API reads and
// writes: how much of a call is read, how long a page is, and that no cache keeps an
// answer.
package answer

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"strings"

	"github.com/sidehook/sidehook/caddymodule/problem"
	"github.com/sidehook/sidehook/caddymodule/words"
)

// MaxBody bounds the body of a call, in bytes.
const MaxBody = 64 << 10

// Body reads the body of a call. Its error is a problem.
func Body(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, problem.New(http.StatusRequestEntityTooLarge, "the body has more than %d bytes", MaxBody)
	}
	if err != nil {
		return nil, problem.New(http.StatusBadRequest, "the body could not be read")
	}
	return body, nil
}

// NotAllowed refuses a method where only those in allow are.
func NotAllowed(method string, allow []string) *problem.Details {
	p := problem.New(http.StatusMethodNotAllowed, "%s is not possible here: use %s", method, words.OrList(allow))
	p.Header = http.Header{"Allow": {strings.Join(allow, ", ")}}
	return p
}

// MostOnPage is how many entries a page of a list has at most.
const MostOnPage = 250

// Problem answers with p.
func Problem(w http.ResponseWriter, p *problem.Details) {
	ProblemHeader(w, p)
	JSON(w, p.Status, "application/problem+json", p)
}

// ProblemHeader sets what the header of an answer has by p.
func ProblemHeader(w http.ResponseWriter, p *problem.Details) {
	maps.Copy(w.Header(), p.Header)
	if p.Status == http.StatusUnauthorized && w.Header().Get("WWW-Authenticate") == "" {
		w.Header().Set("WWW-Authenticate", `Sidehook realm="subscriptions"`)
	}
}

// Header sets the header of an answer. No cache may keep it: it may hold a
// secret.
func Header(w http.ResponseWriter, contentType string) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
}

// JSON answers with v.
func JSON(w http.ResponseWriter, status int, contentType string, v any) {
	Header(w, contentType)
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // the client has gone, or not: nothing is to be done
}

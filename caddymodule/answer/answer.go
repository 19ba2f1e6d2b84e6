// Package answer is how whatever answers calls of the subscription API reads and
// writes: how much of a call is read, how long a page is, and that no cache keeps an
// answer.
package answer

import (
	"encoding/json"
	"maps"
	"net/http"

	"github.com/sidehook/sidehook/caddymodule/problem"
)

// MaxBody bounds the body of a call, in bytes.
const MaxBody = 64 << 10

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

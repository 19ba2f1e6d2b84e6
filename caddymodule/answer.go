package caddymodule

import (
	"errors"
	"net/http"

	"github.com/sidehook/sidehook/webhook"
)

// answer is the response writer of a GET of ours.
type answer struct {
	header http.Header
	keep   []string // names
	status int
	kept   webhook.Header
	seen   capture
}

// Header implements [http.ResponseWriter].
func (a *answer) Header() http.Header {
	if a.header == nil {
		a.header = make(http.Header)
	}
	return a.header
}

// WriteHeader notes the first final status.
func (a *answer) WriteHeader(code int) {
	if a.status != 0 || code < 200 {
		return
	}
	a.status = code
	a.seen.length = declaredLength(a.header)
	a.kept = keepHeader(a.header, a.keep)
	if isStream(a.header) {
		a.seen.drop(webhook.Streamed)
	}
}

var errAnswerTooLarge = errors.New("the answer is too large to keep")

// Write keeps p; once the answer is too large it fails, and that stops whoever
// writes it.
func (a *answer) Write(p []byte) (int, error) {
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	a.seen.add(p)
	if a.seen.missing != webhook.NotMissing {
		return 0, errAnswerTooLarge
	}
	return len(p), nil
}

// FlushError has nothing to flush.
func (a *answer) FlushError() error { return nil }

// brokeOff returns why an answer was not finished: because of us, which still
// is an answer (its body is missing), or not.
func (a *answer) brokeOff() error {
	if a.seen.missing != webhook.NotMissing {
		return nil
	}
	return errors.New("the answer broke off")
}

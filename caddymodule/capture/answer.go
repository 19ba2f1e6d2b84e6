package capture

import (
	"errors"
	"net/http"

	"github.com/sidehook/sidehook/webhook"
)

// Answer is the response writer of a GET of ours.
type Answer struct {
	header http.Header
	keep   []string // names
	Status int
	Kept   webhook.Header
	seen   Body
}

// NewAnswer returns one that keeps the fields keep, and of the body up to limit.
func NewAnswer(keep []string, limit int64, budget *Budget) *Answer {
	return &Answer{keep: keep, seen: Body{limit: limit, budget: budget}}
}

// Captured returns what there is of the body.
func (a *Answer) Captured() webhook.Body { return a.seen.Captured() }

// Release gives back what the body took of the budget.
func (a *Answer) Release() { a.seen.Release() }

// Header implements [http.ResponseWriter].
func (a *Answer) Header() http.Header {
	if a.header == nil {
		a.header = make(http.Header)
	}
	return a.header
}

// WriteHeader notes the first final status.
func (a *Answer) WriteHeader(code int) {
	if a.Status != 0 || code < 200 {
		return
	}
	a.Status = code
	a.seen.length = declaredLength(a.header)
	a.Kept = keepHeader(a.header, a.keep)
	if isStream(a.header) {
		a.seen.drop(webhook.Streamed)
	}
}

var errAnswerTooLarge = errors.New("the answer is too large to keep")

// Write keeps p; once the answer is too large it fails, and that stops whoever
// writes it.
func (a *Answer) Write(p []byte) (int, error) {
	if a.Status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	return a.seen.Write(p)
}

// FlushError has nothing to flush.
func (a *Answer) FlushError() error { return nil }

// brokeOff returns why an answer was not finished: because of us, which still
// is an answer (its body is missing), or not.
func (a *Answer) brokeOff() error {
	if a.seen.missing != webhook.NotMissing {
		return nil
	}
	return errors.New("the answer broke off")
}

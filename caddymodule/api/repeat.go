package api

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/sidehook/sidehook/caddymodule/credentials"
	"github.com/sidehook/sidehook/caddymodule/kept"
	"github.com/sidehook/sidehook/caddymodule/problem"
)

// repeatTime is how long a call with an Idempotency-Key is known.
const repeatTime = 24 * time.Hour

// repeat tells by what a repeat of this call is known, nil if it carries no
// Idempotency-Key, and keeps others with that key out until release is called.
func (c *Call) repeat() (_ *kept.Repeat, release func(), err error) {
	given := c.r.Header.Values("Idempotency-Key")
	if len(given) == 0 {
		return nil, func() {}, nil
	}
	if len(given) > 1 || given[0] == "" || len(given[0]) > 255 {
		return nil, nil, problem.New(http.StatusBadRequest, "Idempotency-Key: send one, of 1 to 255 bytes")
	}
	hash := sha256.New()
	for _, part := range []string{c.Owner, c.Tenant, strconv.FormatBool(c.Operator), given[0]} {
		hash.Write(credentials.AppendPart(nil, 0, part))
	}
	body := sha256.Sum256(c.body)
	r := &kept.Repeat{Key: hex.EncodeToString(hash.Sum(nil)), Body: body[:], Until: time.Now().Add(repeatTime).UTC()}
	if _, busy := c.shared().creating.LoadOrStore(r.Key, true); busy {
		return nil, nil, problem.New(http.StatusConflict, "a call with this Idempotency-Key is under way: wait for its answer, or try again")
	}
	return r, func() { c.shared().creating.Delete(r.Key) }, nil
}

// repeats reports whether r repeats the call that was was; the error is that of one with
// another body. A nil was is none.
func repeats(was, r *kept.Repeat) (bool, error) {
	switch {
	case was == nil || was.Key != r.Key || time.Now().After(was.Until):
		return false, nil
	case !slices.Equal(was.Body, r.Body):
		return false, errOtherBody()
	}
	return true, nil
}

// errOtherBody refuses a repeat that is none.
func errOtherBody() error {
	return problem.New(http.StatusUnprocessableEntity, "this Idempotency-Key came with another body before: use a new one")
}

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

func (c *Call) createSubscription() (apiAnswer, error) {
	repeat, release, err := c.repeat()
	if err != nil {
		return apiAnswer{}, err
	}
	defer release()
	if made, err := c.madeBefore(repeat); made != nil || err != nil {
		return c.created(made, made != nil && made.Revision == 1, true), err
	}
	if err := c.mayHaveMore(c.e.Kept()); err != nil {
		return apiAnswer{}, err
	}
	k := kept.Subscription{Content: kept.Content{Repeat: repeat}}
	k.ID, k.Revision, k.Owner, k.Tenant = kept.NewID(), 1, c.Owner, c.Tenant
	doc, err := c.readDocument()
	if err != nil {
		return apiAnswer{}, err
	}
	if err := c.ownership(doc, &k); err != nil {
		return apiAnswer{}, err
	}
	secret, err := doc.take("secret")
	if err != nil {
		return apiAnswer{}, err
	}
	if err := c.takeSettings(doc, &k, c.AllowPrivate); err != nil {
		return apiAnswer{}, err
	}
	if err := c.checkScopes(k.Content.Settings); err != nil {
		return apiAnswer{}, err
	}
	if err := k.AddSecret(secret, 0, time.Now()); err != nil {
		return apiAnswer{}, err
	}
	made, err := c.put(k, c.mayHaveMore, "")
	return c.created(made, true, false), err
}

// mayHaveMore refuses a caller who has as many as one may have.
func (c *Call) mayHaveMore(list *kept.List) error {
	if !c.Operator && len(c.mayBeSeen(list)) >= c.Max {
		return problem.New(http.StatusConflict, "you have %d subscriptions, as many as you may: delete one first", c.Max)
	}
	return nil
}

// ownership lets the operator say whose k is.
func (c *Call) ownership(doc apiDocument, k *kept.Subscription) (err error) {
	if !c.Operator {
		return nil
	}
	if k.Owner, err = doc.take("owner"); err != nil {
		return err
	}
	k.Tenant, err = doc.take("tenant")
	return err
}

// created answers that k was made, with its secret if that is not changed since.
func (c *Call) created(k *kept.Subscription, secret, replayed bool) apiAnswer {
	if k == nil {
		return apiAnswer{}
	}
	a := c.show(k, secret)
	a.status, a.location, a.replayed = http.StatusCreated, c.path+"/"+string(k.ID), replayed
	return a
}

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

// madeBefore returns what an earlier call with the same key has made, or nil.
func (c *Call) madeBefore(r *kept.Repeat) (*kept.Subscription, error) {
	if r == nil {
		return nil, nil
	}
	for _, k := range c.e.Kept().All() {
		was := k.Content.Repeat
		switch {
		case was == nil || was.Key != r.Key || time.Now().After(was.Until):
		case !slices.Equal(was.Body, r.Body):
			return nil, errOtherBody()
		default:
			return k, nil
		}
	}
	return nil, nil
}

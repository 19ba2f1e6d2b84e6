package api

import (
	"net/http"
	"time"

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

// madeBefore returns what an earlier call with the same key has made, or nil.
func (c *Call) madeBefore(r *kept.Repeat) (*kept.Subscription, error) {
	if r == nil {
		return nil, nil
	}
	for _, k := range c.e.Kept().All() {
		again, err := repeats(k.Content.Repeat, r)
		if err != nil {
			return nil, err
		}
		if again {
			return k, nil
		}
	}
	return nil, nil
}

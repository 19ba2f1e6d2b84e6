package api

import (
	"bytes"
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/caddymodule/problem"
	"github.com/sidehook/sidehook/caddymodule/view"
	"github.com/sidehook/sidehook/caddymodule/words"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// eraseEntity erases an entity, of the caller's tenant.
func (c *Call) eraseEntity() (apiAnswer, error) {
	what, err := c.readErasure()
	if err != nil {
		return apiAnswer{}, err
	}
	by := c.Owner
	if c.Operator {
		by = webhook.ReasonOperator
	}
	ctx := context.WithoutCancel(c.r.Context())
	out, complete, err := c.e.Erase(ctx, what, by)
	if err != nil {
		return apiAnswer{}, &problem.HalfDone{What: "not all of it is erased; erase it again", Err: err}
	}
	if complete && out == (store.Erased{}) {
		if why := c.unknown(what.Resource); why != nil {
			return apiAnswer{}, problem.WrongField("/resource", "%s", why)
		}
	}
	v := view.Erased{Entities: out.Entities, Events: out.Events, Deliveries: out.Deliveries, Owed: out.Owed, Copies: out.Copies, Complete: complete}
	if c.Operator {
		v.Quarantined, err = c.quarantinedWith(ctx, what.ID)
	}
	return apiAnswer{body: v}, err
}

func (c *Call) readErasure() (what store.Erasure, err error) {
	if !c.Operator && c.HasOwner && !c.HasTenant {
		return what, problem.New(http.StatusForbidden, "events are of no tenant here, and so of all callers: only the operator erases them")
	}
	doc, err := c.readDocument()
	if err != nil {
		return what, err
	}
	var in view.Erasure
	for name, to := range map[string]*string{"resource": &in.Resource, "entity": &in.Entity, "api": &in.API, "tenant": &in.Tenant} {
		if *to, err = doc.take(name); err != nil {
			return what, err
		}
	}
	if err := doc.only("resource", "entity", "api", "tenant"); err != nil {
		return what, err
	}
	switch {
	case in.Resource == "":
		return what, problem.WrongField("/resource", "resource is missing: write what kind of thing it is, like project")
	case in.Entity == "":
		return what, problem.WrongField("/entity", "entity is missing: write its id")
	case in.Tenant != "" && !c.Operator:
		return what, problem.WrongField("/tenant", "tenant: it is yours; take it out")
	}
	what = store.Erasure{Resource: in.Resource, ID: in.Entity, Tenant: c.Tenant}
	apis := c.e.Current().Handlers.APIs()
	if c.Operator {
		if what.Tenant = cmp.Or(in.Tenant, webhook.AnyTenant); what.Tenant == webhook.AnyTenant && in.API == "" {
			return what, nil
		}
	}
	if what.APIs = apis; in.API != "" {
		if !slices.Contains(apis, in.API) {
			return what, problem.WrongField("/api", "there is no api %s: there are %s", in.API, words.OrList(apis))
		}
		what.APIs = []string{in.API}
	}
	return what, nil
}

// mostSearched bounds how many quarantined calls are searched.
const mostSearched = 10_000

// quarantinedWith counts the quarantined calls that say id somewhere.
func (c *Call) quarantinedWith(ctx context.Context, id string) (n int, err error) {
	all, err := c.e.Store.Quarantined(ctx, mostSearched)
	for i := range all {
		x := &all[i].Exchange
		if strings.Contains(x.Request.Path, id) || bytes.Contains(x.Request.Body.Bytes, []byte(id)) || bytes.Contains(x.Response.Body.Bytes, []byte(id)) {
			n++
		}
	}
	return n, err
}

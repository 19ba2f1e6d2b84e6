package caddymodule

import (
	"context"
	"net/http"
	"slices"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// apiErasure says which entity is erased.
type apiErasure struct {
	Resource string `json:"resource" jsonschema:"What kind of thing it is."`
	Entity   string `json:"entity" jsonschema:"Its id."`
	API      string `json:"api,omitempty" jsonschema:"The api that has it. Default: any."`
	Tenant   string `json:"tenant,omitempty" jsonschema:"For the operator: the tenant that has it. Default: any."`
}

// apiErased says what was erased.
type apiErased struct {
	Entities    int  `json:"entities" jsonschema:"How many snapshots were emptied: of each, the sequence is left."`
	Events      int  `json:"events" jsonschema:"How many events were erased."`
	Deliveries  int  `json:"deliveries" jsonschema:"How many deliveries were erased with them, what receivers answered included."`
	Owed        int  `json:"owed" jsonschema:"How many of these were not sent yet, and will not be."`
	Quarantined int  `json:"quarantined" jsonschema:"How many quarantined calls name it. They stay until the operator derives or drops them."`
	Complete    bool `json:"complete" jsonschema:"False: calls that may be about it are still being recorded; erase it again."`
}

// eraseEntity erases an entity, of the caller's tenant.
func (c *apiCall) eraseEntity() (apiAnswer, error) {
	what, err := c.readErasure()
	if err != nil {
		return apiAnswer{}, err
	}
	by := c.owner
	if c.operator {
		by = webhook.ReasonOperator
	}
	ctx := context.WithoutCancel(c.r.Context())
	out, complete, err := c.e.erase(ctx, what, by)
	if err != nil {
		return apiAnswer{}, err
	}
	v := apiErased{Entities: out.Entities, Events: out.Events, Deliveries: out.Deliveries, Owed: out.Owed, Complete: complete}
	if c.operator {
		v.Quarantined, err = c.e.quarantinedWith(ctx, what.ID)
	}
	return apiAnswer{body: v}, err
}

func (c *apiCall) readErasure() (what store.Erasure, err error) {
	if !c.operator && c.hasOwner && !c.hasTenant {
		return what, refuse(http.StatusForbidden, "events are of no tenant here, and so of all callers: only the operator erases them")
	}
	doc, err := c.readDocument()
	if err != nil {
		return what, err
	}
	var in apiErasure
	for name, to := range map[string]*string{"resource": &in.Resource, "entity": &in.Entity, "api": &in.API, "tenant": &in.Tenant} {
		if *to, err = doc.take(name); err != nil {
			return what, err
		}
	}
	for name := range doc {
		return what, wrongField("/"+name, "%s", unknownField(name, []string{"resource", "entity", "api", "tenant"}))
	}
	switch {
	case in.Resource == "":
		return what, wrongField("/resource", "resource is missing: write what kind of thing it is, like project")
	case in.Entity == "":
		return what, wrongField("/entity", "entity is missing: write its id")
	case in.Tenant != "" && !c.operator:
		return what, wrongField("/tenant", "tenant: it is yours; take it out")
	}
	what = store.Erasure{Resource: in.Resource, ID: in.Entity, Tenant: c.tenant}
	apis := c.e.apis()
	if c.operator {
		if what.Tenant = orDefault(in.Tenant, webhook.AnyTenant); what.Tenant == webhook.AnyTenant && in.API == "" {
			return what, nil
		}
	}
	if what.APIs = apis; in.API != "" {
		if !slices.Contains(apis, in.API) {
			return what, wrongField("/api", "there is no api %s: there are %s", in.API, orList(apis))
		}
		what.APIs = []string{in.API}
	}
	return what, nil
}

// apis returns the names of the apis in use.
func (e *engine) apis() (names []string) {
	for _, h := range e.current().handlers {
		if name := h.program.API(); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

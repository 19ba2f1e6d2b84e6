// Package albi is a plain API in the style of Albi, software for restoration
// contractors: projects with tasks, payments and expenses, and the people around
// them. It has no webhooks; the Caddyfile beside it gives it those that Albi
// documents.
package albi

import (
	"errors"
	"slices"
	"time"

	"github.com/sidehook/sidehook/examples/internal/plain"
)

// New returns an empty API. now is its clock; nil is time.Now.
func New(now func() time.Time) *plain.API {
	api := plain.New(now)
	add := func(c plain.Collection) *plain.Collection {
		c.Created, c.Updated = "created_at", "updated_at"
		return api.Add(c)
	}
	projects := add(plain.Collection{
		Name: "project", Path: "/v5/projects",
		Fields: `{"id":0,"name":"","status":"Lead","address":"","customer_id":null,
			"inspection_date":null,"start_date":null,"completion_date":null,
			"financial_kpi":{"estimated_revenue":0.00,"actual_revenue":0.00,"cost":0.00,"gross_profit":0.00},
			"linked_projects":[],"created_at":"","updated_at":""}`,
		ReadOnly: []string{"linked_projects"},
		Complete: profit,
	})
	projects.Action("POST", "/links", link(projects))
	add(plain.Collection{
		Name: "task", Path: "/v5/tasks",
		Fields: `{"id":0,"name":"","status":"Not Started","project_id":null,"due_date":null,"created_at":"","updated_at":""}`,
		Complete: func(t, _ plain.Doc) error {
			return plain.OneOf(t, "status", "Not Started", "In Progress", "Completed")
		},
	})
	add(plain.Collection{
		Name: "contact", Path: "/v5/contacts",
		Fields: `{"id":0,"first_name":"","last_name":"","email":null,"phone":null,"organization_id":null,"created_at":"","updated_at":""}`,
	})
	add(plain.Collection{
		Name: "organization", Path: "/v5/organizations",
		Fields: `{"id":0,"name":"","type":null,"phone":null,"created_at":"","updated_at":""}`,
	})
	add(plain.Collection{
		Name: "activity", Path: "/v5/relationship-activities",
		Fields: `{"id":0,"type":"","contact_id":null,"organization_id":null,"date":null,"notes":"","created_at":"","updated_at":""}`,
	})
	add(plain.Collection{
		Name: "event", Path: "/v5/schedule-events",
		Fields: `{"id":0,"title":"","project_id":null,"start":null,"end":null,"created_at":"","updated_at":""}`,
	})
	for _, name := range []string{"payment", "expense"} {
		money := add(plain.Collection{
			Name: name, Path: "/v5/projects/{project_id}/" + name + "s",
			Fields:   `{"id":0,"project_id":0,"amount":0.00,"date":null,"memo":"","void":false,"created_at":"","updated_at":""}`,
			Refs:     map[string]*plain.Collection{"project_id": projects},
			ReadOnly: []string{"void"},
			Complete: func(m, _ plain.Doc) error {
				plain.Money(m, "amount")
				return nil
			},
		})
		money.Action("POST", "/void", void(name))
	}
	return api
}

// profit computes what is left of a project's revenue.
func profit(p, _ plain.Doc) error {
	kpi := p["financial_kpi"].(plain.Doc)
	plain.Money(kpi, "estimated_revenue")
	left := plain.Money(kpi, "actual_revenue") - plain.Money(kpi, "cost")
	kpi["gross_profit"] = plain.Number(plain.Decimal(left))
	return nil
}

// link adds a project to those that another one is linked with, once.
func link(projects *plain.Collection) func(*plain.Call) error {
	return func(c *plain.Call) error {
		other := projects.Get(c.Body["project_id"])
		if other == nil {
			return errors.New("project_id names no project")
		}
		linked := c.Entity["linked_projects"].([]any)
		if slices.Contains(linked, other["id"]) {
			return plain.Conflict("the projects are linked already")
		}
		c.Entity["linked_projects"] = append(linked, other["id"])
		return nil
	}
}

// void takes a payment or an expense back, once.
func void(name string) func(*plain.Call) error {
	return func(c *plain.Call) error {
		if c.Entity["void"] == true {
			return plain.Conflict("the %s is void already", name)
		}
		c.Entity["void"] = true
		return nil
	}
}

package crud

import (
	"errors"
	"strconv"
	"strings"

	"github.com/sidehook/sidehook/examples/internal/plain"
)

// project is a piece of work with an owner and a budget, one field of which is
// computed, as the budgets of such APIs do.
func project() plain.Collection {
	return plain.Collection{
		Name: "project", Path: "/api/projects", First: 1001,
		Fields: `{"id":0,"name":"","status":"planned","owner":null,
			"budget":{"amount":0.00,"spent":0.00,"currency":"EUR","used_percent":0},
			"tags":[],"start_date":null,"notes":"","created_at":"","updated_at":""}`,
		Complete: func(p, _ plain.Doc) error {
			budget := p["budget"].(plain.Doc)
			amount, spent := plain.Money(budget, "amount"), plain.Money(budget, "spent")
			used := 0.0
			if amount > 0 {
				used = float64(spent*1000/amount) / 10
			}
			budget["used_percent"] = plain.Number(strconv.FormatFloat(used, 'f', -1, 64))
			return errors.Join(filled(p, "name"), plain.OneOf(p, "status", "planned", "active", "on_hold", "done"))
		},
	}
}

// task belongs to a project.
func task(projects *plain.Collection) plain.Collection {
	return plain.Collection{
		Name: "task", Path: "/api/tasks", Below: []string{"/api/projects/{project_id}/tasks"},
		Fields: `{"id":0,"project_id":0,"title":"","status":"open","assignee":null,"labels":[],"due_date":null,
			"created_at":"","updated_at":""}`,
		Refs: map[string]*plain.Collection{"project_id": projects},
		Complete: func(t, _ plain.Doc) error {
			return errors.Join(filled(t, "title"), plain.OneOf(t, "status", "open", "doing", "done"))
		},
	}
}

// contact is a person at a customer.
func contact() plain.Collection {
	return plain.Collection{
		Name: "contact", Path: "/api/contacts", First: 501,
		Fields: `{"id":0,"name":"","email":"","phone":null,"company":"","newsletter":false,
			"created_at":"","updated_at":""}`,
		Complete: func(c, _ plain.Doc) error {
			if email := c["email"].(string); email != "" && !strings.Contains(email, "@") {
				return errors.New("email is not an address")
			}
			return filled(c, "name")
		},
	}
}

func filled(doc plain.Doc, field string) error {
	if strings.TrimSpace(doc[field].(string)) == "" {
		return errors.New(field + " is missing")
	}
	return nil
}

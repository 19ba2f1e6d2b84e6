// Package projectsde is a plain API in the style of a German project tool, with
// budgets in CHF and times that others book. It has no webhooks; the Caddyfile
// beside it gives it those that the tool documents.
package projectsde

import (
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/sidehook/sidehook/examples/internal/plain"
)

// API serves projects.
type API struct {
	*plain.API
	projects *plain.Collection
}

// booked are the fields that time tracking and invoicing fill in.
var booked = []string{
	"entries_count", "invoices_count", "proposals_count", "tasks_count", "times_count", "budget_usage", "open_times",
	"formatted_start_date", "formatted_end_date",
}

// New returns an empty API. now is its clock; nil is time.Now.
func New(now func() time.Time) *API {
	api := plain.New(now)
	return &API{api, api.Add(plain.Collection{
		Name: "project", Path: "/api/projects", First: 55, Envelope: "data",
		Fields: `{"id":0,"name":"","notes":null,"archived":false,"budget":null,"user_id":null,"customer_id":null,
			"project_type":"fixedBudget","kanban_status":null,"start_date":null,"end_date":null,
			"formatted_start_date":null,"formatted_end_date":null,"hourly_rate":null,
			"entries_count":0,"invoices_count":0,"proposals_count":0,"tasks_count":0,"times_count":0,
			"budget_usage":{"no_budget":true,"billable_time_total":"00:00","non_billable_time_total":"00:00",
				"billable_sum":"0.00","total_time":"00:00","hourly_rate":"0.00","total_sum_invoiced":"0.00",
				"total_sum_open":"0.00","used_percentage":0,"used_chf":"0.00","total_budget":"0.00",
				"remaining":"0.00","remaining_percentage":0,"used_string":"0.00 CHF","billability":0},
			"open_times":{"readable":"00:00","sortable":0}}`,
		ReadOnly: booked,
		Complete: complete,
	})}
}

// Book fills in what others have booked on a project: JSON with the fields that
// no call of this API writes.
func (a *API) Book(id, figures string) error {
	var more plain.Doc
	dec := json.NewDecoder(strings.NewReader(figures))
	dec.UseNumber()
	if err := dec.Decode(&more); err != nil {
		return fmt.Errorf("book on project %s: %w", id, err)
	}
	a.Do(func() {
		project := plain.Doc{}
		maps.Copy(project, a.projects.Get(id))
		maps.Copy(project, more)
		a.projects.Put(project)
	})
	return nil
}

// complete computes what the tool computes of a project.
func complete(p, _ plain.Doc) error {
	p["formatted_start_date"], p["formatted_end_date"] = german(p["start_date"]), german(p["end_date"])
	budget, rate := plain.Money(p, "budget"), plain.Money(p, "hourly_rate")
	usage := p["budget_usage"].(plain.Doc)
	used := hundredths(plain.Text(usage, "used_chf"))
	usage["no_budget"] = p["budget"] == nil
	usage["hourly_rate"] = thousands(rate)
	usage["total_budget"] = thousands(budget)
	usage["remaining"] = thousands(max(budget-used, 0))
	usage["used_percentage"], usage["remaining_percentage"] = percent(used, budget), percent(budget-used, budget)
	usage["used_string"] = thousands(used) + " CHF"
	if budget > 0 {
		usage["used_string"] = fmt.Sprintf("%s CHF / %s CHF (%s%%)", thousands(used), thousands(budget), percent(used, budget))
	}
	return plain.OneOf(p, "project_type", "fixedBudget", "byHour")
}

// german writes 2024-01-15 as 15.01.2024.
func german(date any) any {
	s, _ := date.(string)
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return nil
	}
	return t.Format("02.01.2006")
}

// thousands writes hundredths as 15,000.00.
func thousands(amount int64) string {
	text := plain.Decimal(amount)
	for i := len(text) - len(".00") - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// hundredths reads what thousands writes.
func hundredths(text string) int64 {
	n, _ := strconv.ParseInt(strings.NewReplacer(",", "", ".", "").Replace(text), 10, 64)
	return n
}

func percent(part, whole int64) json.Number {
	if whole == 0 {
		return "0"
	}
	return plain.Number(strconv.FormatFloat(float64(part*10000/whole)/100, 'f', -1, 64))
}

package crud

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Project is a piece of work with an owner and a budget.
type Project struct {
	ID        int64     `json:"id"`
	Name      string    `json:"name"`
	Status    string    `json:"status"` // planned, active, on_hold or done
	Owner     *Person   `json:"owner"`
	Budget    Budget    `json:"budget"`
	Tags      []string  `json:"tags"`
	StartDate *string   `json:"start_date"`
	Notes     string    `json:"notes"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// Person is a nested, read-as-written reference.
type Person struct {
	ID    int64  `json:"id"`
	Name  string `json:"name"`
	Email string `json:"email,omitempty"`
}

// Budget has one computed field, as the budgets of such APIs do.
type Budget struct {
	Amount      Money   `json:"amount"`
	Spent       Money   `json:"spent"`
	Currency    string  `json:"currency"`
	UsedPercent float64 `json:"used_percent"` // computed: spent of amount
}

// Task belongs to a project.
type Task struct {
	ID        int64     `json:"id"`
	ProjectID int64     `json:"project_id"`
	Title     string    `json:"title"`
	Status    string    `json:"status"` // open, doing or done
	Assignee  *Person   `json:"assignee"`
	Labels    []string  `json:"labels"`
	DueDate   *string   `json:"due_date"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// Contact is a person at a customer.
type Contact struct {
	ID         int64     `json:"id"`
	Name       string    `json:"name"`
	Email      string    `json:"email"`
	Phone      *string   `json:"phone"`
	Company    string    `json:"company"`
	Newsletter bool      `json:"newsletter"`
	CreatedAt  time.Time `json:"created_at"`
	UpdatedAt  time.Time `json:"updated_at"`
}

// Money is an amount in hundredths; its JSON is a number with two decimals,
// like 15000.00.
type Money int64

// MarshalJSON implements [json.Marshaler].
func (m Money) MarshalJSON() ([]byte, error) {
	sign := ""
	if m < 0 {
		sign, m = "-", -m
	}
	return fmt.Appendf(nil, "%s%d.%02d", sign, m/100, m%100), nil
}

// UnmarshalJSON implements [json.Unmarshaler].
func (m *Money) UnmarshalJSON(text []byte) error {
	var f float64
	if err := json.Unmarshal(text, &f); err != nil {
		return fmt.Errorf("an amount is a number like 15000.00, not %s", text)
	}
	if f < 0 {
		*m = -Money(-f*100 + 0.5)
	} else {
		*m = Money(f*100 + 0.5)
	}
	return nil
}

func (p *Project) identity() (*int64, *time.Time, *time.Time) {
	return &p.ID, &p.CreatedAt, &p.UpdatedAt
}

// complete fills defaults and computed fields, and says what is wrong.
func (p *Project) complete() string {
	if p.Status == "" {
		p.Status = "planned"
	}
	if p.Budget.Currency == "" {
		p.Budget.Currency = "EUR"
	}
	if p.Tags == nil {
		p.Tags = []string{}
	}
	p.Budget.UsedPercent = 0
	if p.Budget.Amount > 0 {
		p.Budget.UsedPercent = float64(p.Budget.Spent*1000/p.Budget.Amount) / 10
	}
	if strings.TrimSpace(p.Name) == "" {
		return "name is missing"
	}
	return oneOf("status", p.Status, "planned", "active", "on_hold", "done")
}

func (t *Task) identity() (*int64, *time.Time, *time.Time) {
	return &t.ID, &t.CreatedAt, &t.UpdatedAt
}

func (t *Task) complete() string {
	if t.Status == "" {
		t.Status = "open"
	}
	if t.Labels == nil {
		t.Labels = []string{}
	}
	if strings.TrimSpace(t.Title) == "" {
		return "title is missing"
	}
	return oneOf("status", t.Status, "open", "doing", "done")
}

func (c *Contact) identity() (*int64, *time.Time, *time.Time) {
	return &c.ID, &c.CreatedAt, &c.UpdatedAt
}

func (c *Contact) complete() string {
	if strings.TrimSpace(c.Name) == "" {
		return "name is missing"
	}
	if c.Email != "" && !strings.Contains(c.Email, "@") {
		return "email is not an address"
	}
	return ""
}

func oneOf(field, got string, allowed ...string) string {
	if slices.Contains(allowed, got) {
		return ""
	}
	return fmt.Sprintf("%s is one of %s", field, strings.Join(allowed, ", "))
}

package payload_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sidehook/sidehook/rules/mapping"
	"github.com/sidehook/sidehook/webhook"
)

// An optional line is left out where it has nothing to say; the others are there,
// with null.
func TestOptionalLinesOfAPayload(t *testing.T) {
	payloads := map[string]mapping.Payload{"p": {Fields: []mapping.Field{
		{Key: "label", Expr: "related.label", Optional: true},
		{Key: "milestone", Expr: "related.milestone"},
		{Key: "changes", Optional: true, Fields: []mapping.Field{
			{Key: "status", Optional: true, Fields: []mapping.Field{{Key: "from", Expr: "previous.status", Optional: true}}},
			{Key: "title", Optional: true, Fields: []mapping.Field{{Key: "from", Expr: "previous.title", Optional: true}}},
		}},
		{Key: "nothing", Optional: true, Fields: []mapping.Field{{Key: "title", Expr: "previous.title", Optional: true}}},
		{Key: "empty", Fields: []mapping.Field{{Key: "title", Expr: "previous.title", Optional: true}}},
	}}}
	labeled := updated()
	labeled.Related = []webhook.Related{{Name: "label", Value: json.RawMessage(`{"n":1.50}`)}}
	for name, c := range map[string]struct {
		event *webhook.Event
		want  string
	}{
		"with a label": {labeled, `{"label":{"n":1.50},"milestone":null,"changes":{"status":{"from":"open"}},"empty":{}}`},
		"without":      {updated(), `{"milestone":null,"changes":{"status":{"from":"open"}},"empty":{}}`},
	} {
		t.Run(name, func(t *testing.T) {
			got := render(t, c.event, payloads, func(s *webhook.Subscription) { s.Payload = "p" })
			if diff := cmp.Diff(c.want, string(got.Body)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A path that a choice comes to is copied as if it stood alone: 15000.00 stays
// 15000.00.
func TestChosenPathsKeepTheirBytes(t *testing.T) {
	for expr, want := range map[string]string{
		`operation == "deleted" ? pick(entity, "id") : entity.budget`:          `15000.00`,
		`operation == "updated" ? entity.budget : nil`:                         `15000.00`,
		`entity.price ?? entity.budget`:                                        `15000.00`,
		`entity.budget ?? entity.price`:                                        `15000.00`,
		`entity.a ? 1 : (entity.b ? 2 : entity.c ?? entity.budget)`:            `15000.00`,
		`entity.a ? 1 : entity.nothing`:                                        `null`,
		`(operation == "updated" ? entity.budget : nil) + 1`:                   `15001`,
		`operation == "updated" ? pick(entity, "id", "budget") : entity.owner`: `{"budget":15000,"id":55}`,
	} {
		got := render(t, updated(), map[string]mapping.Payload{"p": {Expr: expr}}, func(s *webhook.Subscription) { s.Payload = "p" })
		if string(got.Body) != want {
			t.Errorf("%s: got %s, want %s", expr, got.Body, want)
		}
	}
}

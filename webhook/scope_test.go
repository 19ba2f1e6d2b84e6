package webhook_test

import (
	"testing"

	"github.com/sidehook/sidehook/webhook"
)

func TestWhatAPatternSelects(t *testing.T) {
	for _, c := range []struct {
		pattern webhook.Pattern
		scope   string
		want    bool
	}{
		{"project.updated", "project.updated", true},
		{"project.updated", "project/updated", true},
		{"project.updated", "project.updated.name", false},
		{"project.*", "project.updated", true},
		{"project.*", "project", false},
		{"project.*", "project.status.updated", false},
		{"*.updated", "task.updated", true},
		{"project.*.updated", "project.status.updated", true},
		{"project.**", "project.status.updated", true},
		{"project.**", "project", false},
		{"project.**", "projects.updated", false},
		{"**", "project.updated", true},
		{"**", "x", true},

		// Nobody gets a gap or Sidehook's own events who did not name them.
		{"**", "project.gap", false},
		{"project.**", "project.gap", false},
		{"project.*", "project.gap", false},
		{"project.gap", "project.gap", true},
		{"*.gap", "project.gap", true},
		{"**", "sidehook.subscription.paused", false},
		{"*.subscription.paused", "sidehook.subscription.paused", false},
		{"sidehook.**", "sidehook.subscription.paused", true},
	} {
		if got := c.pattern.Match(c.scope); got != c.want {
			t.Errorf("%s selects %s: %v, want %v", c.pattern, c.scope, got, c.want)
		}
	}
}

// A part in braces is whatever a call's path has there; what wildcards leave out they
// leave out there too.
func TestWhatAPatternMaySelect(t *testing.T) {
	for _, c := range []struct {
		pattern webhook.Pattern
		scope   string
		want    bool
	}{
		{"articles.created", "{collection}.created", true},
		{"articles.deleted", "{collection}.created", false},
		{"articles.*", "{collection}.created", true},
		{"articles.**", "{collection}.created", true},
		{"*.created", "{collection}.created", true},
		{"project.created", "project.created", true},
		{"project.created", "task.created", false},
		{"articles.gap", "{collection}.gap", true},
		{"*.gap", "{collection}.gap", true},
		{"articles.*", "{collection}.gap", false},
		{"**", "{collection}.gap", false},
		{"*.created", "{collection}.gap", false},
	} {
		if got := c.pattern.MayMatch(c.scope); got != c.want {
			t.Errorf("%s may select %s: %v, want %v", c.pattern, c.scope, got, c.want)
		}
	}
	if webhook.Pattern("project.created").Match("{collection}.created") {
		t.Error("project.created selects a scope that has braces")
	}
}

func TestPatternsThatCannotBeMeant(t *testing.T) {
	for pattern, ok := range map[webhook.Pattern]bool{
		"project.**": true, "project/*": true, "**": true, "a_b-C9": true,
		"": false, "project.": false, ".project": false, "**.updated": false, "project.up*": false, "project updated": false,
	} {
		if err := pattern.Check(); (err == nil) != ok {
			t.Errorf("%q: %v", pattern, err)
		}
	}
}

package caddymodule_test

import (
	"strings"
	"testing"
)

// A resource that nothing is about is most likely misspelt.
func TestForAResourceThatIsNotThere(t *testing.T) {
	setSecrets(t)
	text := `{
	sidehook {
		subscription crm https://crm.example.com/hooks {
			scopes project.**
			secret {env.CRM_SECRET}
			for NAME {
				on_change status
			}
		}
	}
}

:8080 {
	sidehook {
		resource project /api/projects
	}
}
`
	for name, want := range map[string]string{"projct": "did you mean project?", "invoice": "there are project"} {
		if out, err := check(t, strings.Replace(text, "NAME", name, 1)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("for %s: %v, want one that says %q: %s", name, err, want, out)
		}
	}
	out, err := check(t, strings.Replace(text, "NAME", "project", 1))
	if err != nil || !strings.Contains(out, "on_change status") {
		t.Errorf("for project: %v: %s", err, out)
	}
}

package audience_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sidehook/sidehook/webhook"
)

// What a subscription is for one resource judges and renders its events, and
// those of no other.
func TestForOneResource(t *testing.T) {
	sub := subscription("crm", "**")
	sub.OnChange, sub.Payload = []string{"name"}, "standard"
	project := *sub
	project.OnChange, project.Filter, project.Payload, project.Order = []string{"status"}, `subscription.id == "crm"`, "thin", webhook.OrderNone
	sub.For = map[string]*webhook.Subscription{"project": &project}
	s := subscribers(t, nil, sub)
	e := updated()
	if diff := cmp.Diff([]string{"crm"}, wanted(t, s, e)); diff != "" {
		t.Errorf("of the resource (-want +got):\n%s", diff)
	}
	wants, err := s.Want(e)
	if err != nil || wants[0].Subscription.Order != webhook.OrderNone {
		t.Errorf("its order is not that of the resource: %v", err)
	}
	body := func() string {
		p, err := s.Render(e, &webhook.Delivery{Subscription: "crm"})
		if err != nil || p.Resource != e.Key.Resource {
			t.Fatalf("rendered for %q: %v", p.Resource, err)
		}
		return string(p.Body)
	}
	if got := body(); strings.Contains(got, `"data"`) {
		t.Errorf("it is not thin: %s", got)
	}
	e.Key.Resource, e.Scope = "task", "task.updated"
	if diff := cmp.Diff([]string{}, wanted(t, s, e)); diff != "" {
		t.Errorf("of another (-want +got):\n%s", diff)
	}
	if got := body(); !strings.Contains(got, `"data"`) {
		t.Errorf("another's is thin: %s", got)
	}
	e.Key.Resource, e.SkipKey = "project", "sync"
	project.SkipKeys = []string{"sync"}
	if diff := cmp.Diff([]string{}, wanted(t, subscribers(t, nil, sub), e)); diff != "" {
		t.Errorf("with a skip key (-want +got):\n%s", diff)
	}
}

package engine_test

import (
	"errors"
	"testing"

	"github.com/sidehook/sidehook/caddymodule/engine"
	"github.com/sidehook/sidehook/deliver"
	"github.com/sidehook/sidehook/webhook"
)

// A delivery that is under way while its subscription comes or goes with a
// reload is rendered, or at worst tried again later: it never dies of it.
func TestAReloadKillsNoDelivery(t *testing.T) {
	crm := []*webhook.Subscription{{ID: "crm"}}
	none := []*webhook.Subscription{}
	for name, c := range map[string]struct {
		active, earlier, coming []*webhook.Subscription
		later                   bool
	}{
		"in force":             {crm, none, nil, false},
		"taken out just now":   {none, crm, nil, false},
		"about to come in":     {none, none, crm, false},
		"the first of all":     {none, nil, crm, false},
		"gone for two or more": {none, none, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			err := engine.RendererKnown("crm", c.active, c.earlier, c.coming)
			if later := errors.Is(err, deliver.ErrNotNow); err == nil == c.later || later != c.later {
				t.Errorf("got %v, want tried later: %v", err, c.later)
			}
		})
	}
}

package caddymodule_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/sidehook/sidehook/caddymodule"
	"github.com/sidehook/sidehook/webhook"
)

// buildJSON builds the one subscription whose policies a JSON object gives.
func buildJSON(t *testing.T, policies string) (*webhook.Subscription, error) {
	t.Helper()
	s := caddymodule.Subscription{Name: "crm", URL: "https://crm.example.com/", Scopes: []string{"**"}, Sign: &caddymodule.Sign{Scheme: "none"}}
	if err := json.Unmarshal([]byte(policies), &s); err != nil {
		return nil, err
	}
	subs, err := caddymodule.Build(&caddymodule.App{Subscriptions: []*caddymodule.Subscription{&s}})
	if err != nil {
		return nil, err
	}
	return subs[0], nil
}

func TestPoliciesAsJSON(t *testing.T) {
	for policies, holds := range map[string]func(*webhook.Subscription) bool{
		`{"rate":"90/m"}`:         func(s *webhook.Subscription) bool { return s.Rate == webhook.Rate{Requests: 90, Per: time.Minute} },
		`{"order":"entity hold"}`: func(s *webhook.Subscription) bool { return s.Order == webhook.OrderEntityHold },
		`{"delete_after":50}`:     func(s *webhook.Subscription) bool { return s.DeleteAfter == 50 },
		`{"rate":"none"}`:         func(s *webhook.Subscription) bool { return s.Rate == webhook.Rate{} },
	} {
		if got, err := buildJSON(t, policies); err != nil || !holds(got) {
			t.Errorf("%s became %+v (%v)", policies, got, err)
		}
	}
	for policies, want := range map[string]string{
		`{"rate":"50"}`:       "like 50/s",
		`{"delete_after":-1}`: "timeouts in a row",
		`{"order":"hold"}`:    "entity hold",
	} {
		if _, err := buildJSON(t, policies); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: the error %v does not say %q", policies, err, want)
		}
	}
}

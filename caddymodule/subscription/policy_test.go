package subscription_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sidehook/sidehook/caddymodule/subscription"
	"github.com/sidehook/sidehook/webhook"
)

// buildJSON builds the one subscription whose policies a JSON object gives.
func buildJSON(t *testing.T, policies string) (*webhook.Subscription, error) {
	t.Helper()
	s := subscription.Subscription{Name: "crm", URL: "https://crm.example.com/", Scopes: []string{"**"}, Sign: &subscription.Sign{Scheme: "none"}}
	if err := json.Unmarshal([]byte(policies), &s); err != nil {
		return nil, err
	}
	return s.Build(subscription.Common{})
}

func TestPoliciesAsJSON(t *testing.T) {
	for policies, holds := range map[string]func(*webhook.Subscription) bool{
		`{"rate":"90/m"}`:         func(s *webhook.Subscription) bool { return s.Rate == webhook.Rate{Requests: 90, Per: time.Minute} },
		`{"order":"entity hold"}`: func(s *webhook.Subscription) bool { return s.Order == webhook.OrderEntityHold },
		`{"delete_after":50}`:     func(s *webhook.Subscription) bool { return s.DeleteAfter == 50 },
		`{"timeout":"2s","headers":[{"name":"X-A","value":"1"}],"for":{"task":{"timeout":"9s","retry":"none","headers":[{"name":"X-A","value":"2"}]}}}`: func(s *webhook.Subscription) bool {
			task := s.For["task"]
			return s.Timeout == 2*time.Second && len(s.Retry) > 0 && task.Timeout == 9*time.Second && len(task.Retry) == 0 &&
				task.Headers[0].Value == "2" && s.Headers[0].Value == "1" && task.ID == "crm" && task.For == nil && task.URL == s.URL
		},
		`{"retry":"long"}`: func(s *webhook.Subscription) bool {
			return len(s.Retry) == 13 && s.Retry[12] == 24*time.Hour && s.DisableAfter == s.Retry.Most() && s.DisableAfter > 7*24*time.Hour
		},
		`{"retry":"short","disable_after":"1h"}`: func(s *webhook.Subscription) bool {
			return len(s.Retry) == 5 && s.Retry.Most() < 50*time.Minute && s.DisableAfter == time.Hour
		},
		`{"retry":"standard","disable_after":"none"}`: func(s *webhook.Subscription) bool {
			return slices.Equal(s.Retry, webhook.DefaultSchedule) && s.DisableAfter == 0
		},
		`{"chunk":{"size":5,"delay":"1m"}}`: func(s *webhook.Subscription) bool {
			return s.Chunk == webhook.Chunking{Size: 5, Delay: time.Minute}
		},
		`{"rate":"none"}`: func(s *webhook.Subscription) bool { return s.Rate == webhook.Rate{} },
	} {
		if got, err := buildJSON(t, policies); err != nil || !holds(got) {
			t.Errorf("%s became %+v (%v)", policies, got, err)
		}
	}
	for policies, want := range map[string]string{
		`{"rate":"50"}`:                                       "like 50/s",
		`{"delete_after":-1}`:                                 "timeouts in a row",
		`{"for":{"task":{"filter":"nonsense"}}}`:              "for task: filter",
		`{"for":{"task":null}}`:                               "for task",
		`{"retry":"longer"}`:                                  `"short", "standard", "long"`,
		`{"disable_after":"5ms"}`:                             "from 1s on",
		`{"disable_after":"always"}`:                          `"none", or a duration`,
		`{"chunk":{"size":-1}}`:                               "from 1 to 1000",
		`{"chunk":{"size":5},"payload":"cloudevents_binary"}`: "write payload cloudevents",
		`{"order":"hold"}`:                                    "entity hold",
	} {
		if _, err := buildJSON(t, policies); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: the error %v does not say %q", policies, err, want)
		}
	}
}

// What is said of an egress has every option of it, and what the global one adds.
func TestAllOfAnEgressIsSaid(t *testing.T) {
	all := &subscription.Egress{Resolvers: []string{"10.0.0.53"}, TrustedCA: []string{"/a.pem", "/b.pem"}}
	of := &subscription.Egress{Proxy: "{env.PROXY}", TrustedCA: []string{"/c.pem"}, ClientCertificate: &subscription.ClientCertificate{Certificate: "/crt.pem", Key: "/key.pem"}}
	got := strings.Join(of.Said(all), "\n")
	if want := "proxy {env.PROXY}\nresolvers 10.0.0.53\ntrusted_ca /c.pem\nclient_certificate /crt.pem /key.pem"; got != want {
		t.Errorf("it is\n%s\nwant\n%s", got, want)
	}
	if (*subscription.Egress)(nil).Said(nil) != nil {
		t.Error("something is said of none")
	}
}

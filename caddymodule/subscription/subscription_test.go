package subscription_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sidehook/sidehook/caddymodule/subscription"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

const goodSecret = "0123456789-0123456789-0123456789"

// build returns the one subscription s, ready for use.
func build(t *testing.T, s *subscription.Subscription) *webhook.Subscription {
	t.Helper()
	s.Name, s.URL, s.Scopes = "crm", "https://crm.example.com/hooks", []string{"**"}
	if s.Sign == nil || s.Sign.Scheme != webhook.SignNone {
		s.Secrets = []string{"{env.CRM_SECRET}"}
	}
	built, err := s.Build(subscription.Common{})
	if err != nil {
		t.Fatal(err)
	}
	return built
}

func TestSubscriptionHasTheDefaultsOfTheLanguage(t *testing.T) {
	t.Setenv("CRM_SECRET", goodSecret)
	got := build(t, new(subscription.Subscription))
	want := &webhook.Subscription{
		ID: "crm", Static: true, URL: "https://crm.example.com/hooks",
		Scopes: []webhook.Pattern{"**"}, Tenant: webhook.AnyTenant,
		Payload: "standard", ContentType: "json",
		Sign: webhook.Signing{Scheme: webhook.SignStandard}, Secrets: []webhook.Secret{webhook.NewSecret(goodSecret)},
		Timeout: 10 * time.Second, Order: webhook.OrderEntity, Concurrency: 8, DisableAfter: 5 * 24 * time.Hour, AllowPrivate: true,
		Retry: webhook.Schedule{
			5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
			10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
		},
	}
	same := cmp.Comparer(func(a, b webhook.Secret) bool { return a == b })
	if diff := cmp.Diff(want, got, same); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
}

func TestRetryNoneIsASingleAttempt(t *testing.T) {
	t.Setenv("CRM_SECRET", goodSecret)
	if got := build(t, &subscription.Subscription{Retry: new(subscription.Retry)}); len(got.Retry) != 0 {
		t.Errorf("retry none became %v", got.Retry)
	}
	got := build(t, &subscription.Subscription{Retry: &subscription.Retry{rules.Duration(time.Second)}})
	if diff := cmp.Diff(webhook.Schedule{time.Second}, got.Retry); diff != "" {
		t.Errorf("schedule (-want +got):\n%s", diff)
	}
}

func TestHMACSignsTheBodyUnlessItSaysOtherwise(t *testing.T) {
	t.Setenv("CRM_SECRET", goodSecret)
	got := build(t, &subscription.Subscription{Sign: &subscription.Sign{Scheme: "hmac", Header: "X-Signature", Encoding: "hex"}})
	want := webhook.Signing{Scheme: "hmac", Header: "X-Signature", Encoding: "hex", Over: "{body}", As: "{signature}"}
	if diff := cmp.Diff(want, got.Sign); diff != "" {
		t.Errorf("signing (-want +got):\n%s", diff)
	}
}

func TestHeaderTakesTheEnvironmentAsItIs(t *testing.T) {
	t.Setenv("CRM_SECRET", goodSecret)
	t.Setenv("TOKEN", "a{b}c")
	got := build(t, &subscription.Subscription{Headers: []subscription.Header{{Name: "x-token", Value: "Bearer {env.TOKEN} {scope}"}}})
	template, err := webhook.ParseTemplate(got.Headers[0].Value)
	if err != nil {
		t.Fatal(err)
	}
	text, err := template.Execute(1000, func(name string) (string, error) { return "<" + name + ">", nil })
	if err != nil || text != "Bearer a{b}c <scope>" {
		t.Errorf("got %q, %v", text, err)
	}
}

func TestSecretNeverStandsInAnError(t *testing.T) {
	const short = "hunter2-hunter2"
	s := &subscription.Subscription{Name: "crm", URL: "https://a.example.com", Scopes: []string{"**"}, Secrets: []string{short}}
	_, err := s.Build(subscription.Common{})
	if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "secret number 1") {
		t.Errorf("got %v", err)
	}
}

package caddymodule_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sidehook/sidehook/caddymodule"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// build returns the one subscription s, ready for use.
func build(t *testing.T, s *caddymodule.Subscription) *webhook.Subscription {
	t.Helper()
	s.Name, s.URL, s.Scopes = "crm", "https://crm.example.com/hooks", []string{"**"}
	if s.Sign == nil || s.Sign.Scheme != webhook.SignNone {
		s.Secrets = []string{"{env.CRM_SECRET}"}
	}
	subs, err := caddymodule.Build(&caddymodule.App{Subscriptions: []*caddymodule.Subscription{s}})
	if err != nil {
		t.Fatal(err)
	}
	return subs[0]
}

func TestSubscriptionHasTheDefaultsOfTheLanguage(t *testing.T) {
	setSecrets(t)
	got := build(t, new(caddymodule.Subscription))
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
	setSecrets(t)
	if got := build(t, &caddymodule.Subscription{Retry: new(caddymodule.Retry)}); len(got.Retry) != 0 {
		t.Errorf("retry none became %v", got.Retry)
	}
	got := build(t, &caddymodule.Subscription{Retry: &caddymodule.Retry{rules.Duration(time.Second)}})
	if diff := cmp.Diff(webhook.Schedule{time.Second}, got.Retry); diff != "" {
		t.Errorf("schedule (-want +got):\n%s", diff)
	}
}

func TestHMACSignsTheBodyUnlessItSaysOtherwise(t *testing.T) {
	setSecrets(t)
	got := build(t, &caddymodule.Subscription{Sign: &caddymodule.Sign{Scheme: "hmac", Header: "X-Signature", Encoding: "hex"}})
	want := webhook.Signing{Scheme: "hmac", Header: "X-Signature", Encoding: "hex", Over: "{body}", As: "{signature}"}
	if diff := cmp.Diff(want, got.Sign); diff != "" {
		t.Errorf("signing (-want +got):\n%s", diff)
	}
}

func TestHeaderTakesTheEnvironmentAsItIs(t *testing.T) {
	setSecrets(t)
	t.Setenv("TOKEN", "a{b}c")
	got := build(t, &caddymodule.Subscription{Headers: []caddymodule.Header{{Name: "x-token", Value: "Bearer {env.TOKEN} {scope}"}}})
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
	s := &caddymodule.Subscription{Name: "crm", URL: "https://a.example.com", Scopes: []string{"**"}, Secrets: []string{short}}
	_, err := caddymodule.Build(&caddymodule.App{Subscriptions: []*caddymodule.Subscription{s}})
	if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "secret number 1") {
		t.Errorf("got %v", err)
	}
}

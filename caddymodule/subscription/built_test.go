package subscription_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sidehook/sidehook/caddymodule/subscription"
	"github.com/sidehook/sidehook/internal/reflecttest"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

const builtSecret = "a secret of twenty-four bytes"

// full is a subscription of which everything is written.
func full() *subscription.Subscription {
	retry := subscription.Retry{rules.Duration(time.Second), rules.Duration(time.Minute)}
	once := subscription.Retry{rules.Duration(time.Hour)}
	return &subscription.Subscription{
		Name: "crm", URL: "https://crm.example.com/hooks", Scopes: []string{"project.**"}, Tenant: "acme",
		Filter: `entity.data.a == 1`, OnChange: []string{"a"}, Fields: []string{"a", "b"}, SkipKeys: []string{"import"},
		Payload: "thin", ContentType: "form",
		Sign:    &subscription.Sign{Scheme: "hmac", Header: "X-Signature", Encoding: "hex", Over: "{id}.{body}", As: "v={signature}", Join: ","},
		Secrets: []string{builtSecret}, Headers: []subscription.Header{{"x-a", "1"}},
		Timeout: rules.Duration(3 * time.Second), Retry: &retry, Order: "entity hold", Concurrency: 4, Rate: "5/m",
		PauseAfter: 6, DeleteAfter: 9, AllowPrivate: true, InsecureSkipVerify: true, Chunk: &subscription.Chunk{7, rules.Duration(time.Minute)},
		DisableAfter: new(subscription.DisableTime(time.Hour)),
		Options:      map[string]json.RawMessage{"topic": json.RawMessage(`"t"`)},
		For: map[string]*subscription.ForResource{"project": {
			Filter: `entity.data.a == 2`, OnChange: []string{"b"}, Fields: []string{"b"}, SkipKeys: []string{"sync"}, Payload: "full",
			ContentType: "json", Headers: []subscription.Header{{"x-b", "2"}}, Timeout: rules.Duration(4 * time.Second), Retry: &once, Order: "none", Chunk: &subscription.Chunk{Size: 8},
			Expand: []string{"c"}, Query: map[string][]string{"q": {"3"}},
		}},
		Egress:    &subscription.Egress{Proxy: "http://p:1", Resolvers: []string{"10.0.0.53"}},
		ViewCheck: true, Credential: &subscription.Credential{Header: "x-api-key", Value: "k"}, Expand: []string{"a", "b"}, Query: map[string][]string{"p[]": {"1", "2"}},
		Related: map[string]*subscription.RelatedView{"label": {Expand: []string{"d"}, Query: map[string][]string{"r": {"4"}}}},
		Source:  "Caddyfile:3",
	}
}

// Whatever is written of a subscription reaches delivery.
func TestAllOfASubscriptionCounts(t *testing.T) {
	reflecttest.AllSet(t, full())
	reflecttest.AllSet(t, full().For["project"])
	got, err := full().Build(subscription.Common{})
	if err != nil {
		t.Fatal(err)
	}
	reflecttest.AllSet(t, got, "Number") // given by the store
	want := &webhook.Subscription{
		ID: "crm", Static: true, URL: "https://crm.example.com/hooks", Scopes: []webhook.Pattern{"project.**"}, Tenant: "acme",
		Filter: `entity.data.a == 1`, OnChange: []string{"a"}, SkipKeys: []string{"import"},
		Payload: "thin", Fields: []string{"a", "b"}, ContentType: "form",
		Sign:    webhook.Signing{Scheme: "hmac", Header: "X-Signature", Encoding: "hex", Over: "{id}.{body}", As: "v={signature}", Join: ","},
		Secrets: []webhook.Secret{webhook.NewSecret(builtSecret)}, Headers: []webhook.HeaderTemplate{{Name: "X-A", Value: "1"}},
		Timeout: 3 * time.Second, Retry: webhook.Schedule{time.Second, time.Minute}, Order: webhook.OrderEntityHold, Concurrency: 4,
		Rate: webhook.Rate{Requests: 5, Per: time.Minute}, Options: json.RawMessage(`{"topic":"t"}`), PauseAfter: 6, DeleteAfter: 9, AllowPrivate: true, InsecureSkipVerify: true, Chunk: webhook.Chunking{Size: 7, Delay: time.Minute},
		DisableAfter: time.Hour,
		Egress:       &webhook.Egress{Proxy: webhook.NewSecret("http://p:1"), Resolvers: []string{"10.0.0.53:53"}},
		ViewCheck:    true, Credential: webhook.Credential{Header: "X-Api-Key", Value: webhook.NewSecret("k")}, Expand: []string{"a", "b"},
		Query:   []webhook.QueryParameter{{Name: "p[]", Values: []string{"1", "2"}}},
		Related: map[string]webhook.View{"label": {Expand: []string{"d"}, Query: []webhook.QueryParameter{{Name: "r", Values: []string{"4"}}}}},
	}
	inner := *want
	inner.Filter, inner.OnChange, inner.Fields, inner.SkipKeys = `entity.data.a == 2`, []string{"b"}, []string{"b"}, []string{"sync"}
	inner.Payload, inner.ContentType, inner.Headers = "full", "json", []webhook.HeaderTemplate{{Name: "X-B", Value: "2"}}
	inner.Timeout, inner.Retry, inner.Order = 4*time.Second, webhook.Schedule{time.Hour}, webhook.OrderNone
	inner.Chunk = webhook.Chunking{Size: 8}
	inner.Expand, inner.Query = []string{"c"}, []webhook.QueryParameter{{Name: "q", Values: []string{"3"}}}
	want.For = map[string]*webhook.Subscription{"project": &inner}
	same := cmp.Comparer(func(a, b webhook.Secret) bool { return a == b })
	if diff := cmp.Diff(want, got, same); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// leveled remembers the levels of what is logged.
type leveled struct {
	slog.Handler
	levels *[]slog.Level
}

func (l leveled) Enabled(context.Context, slog.Level) bool { return true }

func (l leveled) Handle(_ context.Context, r slog.Record) error {
	*l.levels = append(*l.levels, r.Level)
	return nil
}

// A secret that everybody sees who reads the configuration is warned of, where
// operators see it: `sidehook check` shows warnings, and nothing below.
func TestALiteralSecretIsWarnedOf(t *testing.T) {
	t.Setenv("CRM_SECRET", builtSecret)
	for secret, want := range map[string][]slog.Level{builtSecret: {slog.LevelWarn}, "{env.CRM_SECRET}": nil} {
		var levels []slog.Level
		s := full()
		s.Secrets, s.Credential = []string{secret}, nil
		s.ViewCheck = false
		if _, err := s.Build(subscription.Common{Logger: slog.New(leveled{slog.DiscardHandler, &levels})}); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(levels, want) {
			t.Errorf("secret %s logs at %v, want %v", secret, levels, want)
		}
	}
}

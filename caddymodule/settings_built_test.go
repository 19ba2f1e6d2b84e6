package caddymodule

import (
	"context"
	"encoding/json"
	"log/slog"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// wantAllSet fails for each field of v that is zero, but for those named.
func wantAllSet(t *testing.T, v any, but ...string) {
	t.Helper()
	s := reflect.Indirect(reflect.ValueOf(v))
	for i := range s.NumField() {
		if name := s.Type().Field(i).Name; s.Field(i).IsZero() != slices.Contains(but, name) {
			t.Errorf("%s.%s is %v though all that can be written is: does it have an effect?", s.Type(), name, s.Field(i))
		}
	}
}

const builtSecret = "a secret of twenty-four bytes"

// Whatever is written of a handler reaches the request path.
func TestAllOfAHandlerCounts(t *testing.T) {
	h := &Handler{
		Origin: "http://localhost:3000", Credential: &Credential{Header: "Authorization", Value: "Bearer x"},
		Fetch: &FetchLimits{Timeout: rules.Duration(11 * time.Millisecond), Concurrency: 3}, MaxBody: 7, OnClientAbort: abortCancel, Strict: true,
	}
	h.Override, h.SkipHeader = &rules.Override{Header: "x-method"}, "x-skip"
	h.Resources = []rules.Resource{{Name: "project", Path: "/api/projects"}}
	wantAllSet(t, h, "live", "looks")
	program, err := rules.Compile(&h.Config)
	if err != nil {
		t.Fatal(err)
	}
	o := h.options(program)
	wantAllSet(t, o, "Config", "Lease", "Origin", "Logger") // set by Provision
	type limits struct {
		Timeout        time.Duration
		Max            int
		Body           int64
		Cancel, Strict bool
		Override, Skip string
	}
	got := limits{o.FetchTimeout, o.FetchMax, o.MaxBody, o.CancelOnGone, o.Strict, o.OverrideHeader, program.SkipHeader()}
	want := limits{11 * time.Millisecond, 3, 7, true, true, "X-Method", "X-Skip"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	service, err := h.service()
	if err != nil || service.Get("Authorization") != "Bearer x" {
		t.Errorf("the credential is %v, %v", service, err)
	}
}

// full is a subscription of which everything is written.
func full() *Subscription {
	retry := Retry{rules.Duration(time.Second), rules.Duration(time.Minute)}
	once := Retry{rules.Duration(time.Hour)}
	return &Subscription{
		Name: "crm", URL: "https://crm.example.com/hooks", Scopes: []string{"project.**"}, Tenant: "acme",
		Filter: `entity.data.a == 1`, OnChange: []string{"a"}, Fields: []string{"a", "b"}, SkipKeys: []string{"import"},
		Payload: "thin", ContentType: "form",
		Sign:    &Sign{Scheme: "hmac", Header: "X-Signature", Encoding: "hex", Over: "{id}.{body}", As: "v={signature}", Join: ","},
		Secrets: []string{builtSecret}, Headers: []Header{{"x-a", "1"}},
		Timeout: rules.Duration(3 * time.Second), Retry: &retry, Order: "entity hold", Concurrency: 4, Rate: "5/m",
		PauseAfter: 6, DeleteAfter: 9, AllowPrivate: true, InsecureSkipVerify: true, Chunk: &Chunk{7, rules.Duration(time.Minute)},
		DisableAfter: new(DisableTime(time.Hour)),
		Options:      map[string]json.RawMessage{"topic": json.RawMessage(`"t"`)},
		For: map[string]*ForResource{"project": {
			Filter: `entity.data.a == 2`, OnChange: []string{"b"}, Fields: []string{"b"}, SkipKeys: []string{"sync"}, Payload: "full",
			ContentType: "json", Headers: []Header{{"x-b", "2"}}, Timeout: rules.Duration(4 * time.Second), Retry: &once, Order: "none", Chunk: &Chunk{Size: 8},
			Expand: []string{"c"}, Query: map[string][]string{"q": {"3"}},
		}},
		Egress:    &Egress{Proxy: "http://p:1", Resolvers: []string{"10.0.0.53"}},
		ViewCheck: true, Credential: &Credential{Header: "x-api-key", Value: "k"}, Expand: []string{"a", "b"}, Query: map[string][]string{"p[]": {"1", "2"}},
		Related: map[string]*RelatedView{"label": {Expand: []string{"d"}, Query: map[string][]string{"r": {"4"}}}},
	}
}

// Whatever is written of a subscription reaches delivery.
func TestAllOfASubscriptionCounts(t *testing.T) {
	wantAllSet(t, full())
	wantAllSet(t, full().For["project"])
	a := &App{}
	a.run.logger = slog.New(slog.DiscardHandler)
	got, err := a.buildSubscription(full())
	if err != nil {
		t.Fatal(err)
	}
	wantAllSet(t, got, "Number") // given by the store
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

// Whatever is written of the app reaches the engine.
func TestAllOfTheAppCounts(t *testing.T) {
	a := &App{
		Store: &Store{Backend: "badger", Path: "/data"}, Journal: &Journal{Sync: true},
		Retention: rules.Duration(time.Hour), HoldFor: rules.Duration(2 * time.Hour), StoreMax: 1 << 30, EncryptionKey: EncryptionKeys{"a key of twenty-four bytes"},
		Egress: &Egress{Proxy: "https://p"}, Payloads: map[string]rules.Payload{"mine": {Expr: "entity.data"}}, Subscriptions: []*Subscription{full()},
		Dialects: map[string]*Dialect{"other": {Routes: []*DialectRoute{{Method: "GET", Path: "/hooks", Action: "list"}}}},
	}
	wantAllSet(t, a, "run")
	a.run.logger = slog.New(slog.DiscardHandler)
	var err error
	if a.run.subs, err = a.build(); err != nil {
		t.Fatal(err)
	}
	if a.run.sealer, err = a.readEncryptionKey(); err != nil {
		t.Fatal(err)
	}
	if a.run.egress, err = a.buildEgress(nil); err != nil {
		t.Fatal(err)
	}
	c := &rules.Config{Resources: []rules.Resource{{Name: "project", Path: "/api/projects", Emit: []rules.Rule{
		{Scope: "project.labeled", Extras: rules.Extras{Related: []rules.Related{{Name: "label", Expr: "after.label", Resource: "project"}}}},
	}}}}
	program, err := rules.Compile(c)
	if err != nil {
		t.Fatal(err)
	}
	a.register(program, c)
	s, err := a.check()
	if err != nil {
		t.Fatal(err)
	}
	wantAllSet(t, s)
	if d, err := a.dialect("other"); d == nil || err != nil {
		t.Errorf("dialect: %v, %v", d, err)
	}
	if s.retention != time.Hour || s.holdFor != 2*time.Hour || !s.journalSync || s.storeMax != 1<<30 || a.dir() != "/data" {
		t.Errorf("retention %v, hold_for %v, store_max %v, journal sync %v, directory %s", s.retention, s.holdFor, s.storeMax, s.journalSync, a.dir())
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
		a := &App{}
		a.run.logger = slog.New(leveled{slog.DiscardHandler, &levels})
		s := full()
		s.Secrets, s.Credential = []string{secret}, nil
		s.ViewCheck = false
		if _, err := a.buildSubscription(s); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(levels, want) {
			t.Errorf("secret %s logs at %v, want %v", secret, levels, want)
		}
	}
}

package caddymodule

import (
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sidehook/sidehook/caddymodule/dialect"
	"github.com/sidehook/sidehook/caddymodule/subscription"
	"github.com/sidehook/sidehook/internal/reflecttest"
	"github.com/sidehook/sidehook/rules"
)

// Whatever is written of a handler reaches the request path.
func TestAllOfAHandlerCounts(t *testing.T) {
	h := &Handler{
		Origin: "http://localhost:3000", Credential: &subscription.Credential{Header: "Authorization", Value: "Bearer x"},
		Fetch: &FetchLimits{Timeout: rules.Duration(11 * time.Millisecond), Concurrency: 3}, MaxBody: 7, OnClientAbort: abortCancel, Strict: true, Sources: Sources{"credential": "Caddyfile:3"},
	}
	h.Override, h.SkipHeader = &rules.Override{Header: "x-method"}, "x-skip"
	h.Resources = []rules.Resource{{Name: "project", Path: "/api/projects"}}
	reflecttest.AllSet(t, h, "live", "looks")
	program, err := rules.Compile(&h.Config)
	if err != nil {
		t.Fatal(err)
	}
	o := h.options(program)
	reflecttest.AllSet(t, o, "Config", "Lease", "Origin", "Logger") // set by Provision
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

// Whatever is written of the app reaches the engine.
func TestAllOfTheAppCounts(t *testing.T) {
	a := &App{
		Store: &Store{Backend: "badger", Path: "/data"}, Journal: &Journal{Sync: true},
		Retention: rules.Duration(time.Hour), HoldFor: rules.Duration(2 * time.Hour), StoreMax: 1 << 30, EncryptionKey: EncryptionKeys{"a key of twenty-four bytes"},
		Egress: &subscription.Egress{Proxy: "https://p"}, Payloads: map[string]rules.Payload{"mine": {Expr: "entity.data"}}, Subscriptions: []*subscription.Subscription{{
			Name: "crm", URL: "https://crm.example.com/hooks", Scopes: []string{"project.**"}, Sign: &subscription.Sign{Scheme: "none"},
		}},
		Dialects: map[string]*dialect.Dialect{"other": {Routes: []*dialect.Route{{Method: "GET", Path: "/hooks", Action: "list"}}}},
	}
	a.Sources = Sources{"egress": "Caddyfile:3"}
	reflecttest.AllSet(t, a, "run")
	a.run.logger = slog.New(slog.DiscardHandler)
	var err error
	if a.run.subs, err = a.build(); err != nil {
		t.Fatal(err)
	}
	if a.run.sealer, err = a.readEncryptionKey(); err != nil {
		t.Fatal(err)
	}
	if a.run.egress, err = a.common().BuildEgress(); err != nil {
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
	reflecttest.AllSet(t, s)
	if d, err := dialect.Named("other", a.run.dialects); d == nil || err != nil {
		t.Errorf("dialect: %v, %v", d, err)
	}
	if s.Retention != time.Hour || s.HoldFor != 2*time.Hour || !s.JournalSync || s.StoreMax != 1<<30 || a.dir() != "/data" {
		t.Errorf("retention %v, hold_for %v, store_max %v, journal sync %v, directory %s", s.Retention, s.HoldFor, s.StoreMax, s.JournalSync, a.dir())
	}
}

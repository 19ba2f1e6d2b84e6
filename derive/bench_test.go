package derive_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/sidehook/sidehook/derive"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/store/badger"
	"github.com/sidehook/sidehook/webhook"
)

// BenchmarkDerive derives and records updates of 1000 items, one subscription
// wanting all.
func BenchmarkDerive(b *testing.B) {
	s, err := badger.Open(badger.Options{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	canonical := projects.Canonical()
	config := webhook.NewConfigID(canonical)
	if err := s.PutConfig(b.Context(), config, canonical); err != nil {
		b.Fatal(err)
	}
	all := &webhook.Subscription{ID: "all", Scopes: []webhook.Pattern{"project.**"}, Tenant: webhook.AnyTenant, Order: webhook.OrderEntity}
	subs, err := rules.NewSubscribers([]*webhook.Subscription{all}, nil)
	if err != nil {
		b.Fatal(err)
	}
	j := newMemoryJournal()
	for n := range b.N {
		j.add(update(fmt.Sprint(n%1000), n, config))
	}
	d := derive.New(derive.Options{
		Journal: j, Store: s, Traffic: derive.NewTraffic(), Want: subs.Want, Observer: nobody{}, Logger: slog.New(slog.DiscardHandler),
	})
	j.Close()
	b.ReportAllocs()
	b.ResetTimer()
	d.Run(b.Context())
	b.StopTimer()
	if n := j.undone(); n > 0 {
		b.Errorf("%d exchanges are not recorded", n)
	}
}

// update is an update of a project, answered with the entity.
func update(id string, n int, config webhook.ConfigID) *webhook.Exchange {
	now := time.Now()
	body := fmt.Appendf(nil, `{"id":%q,"n":%d,"name":"Roof","status":"open","customer":{"name":"Ada Lovelace","city":"London"},"lines":[{"sku":"A-1","quantity":2},{"sku":"B-7","quantity":1}],"note":"%0100d"}`, id, n, n)
	return &webhook.Exchange{
		ID: webhook.NewExchangeID(now), API: rules.DefaultAPI, Config: config, Started: now, Ended: now,
		Request: webhook.Request{
			Method: http.MethodPatch, Path: "/projects/" + id,
			Header: webhook.Header{"Content-Type": {"application/json"}},
			Body:   webhook.Body{Bytes: fmt.Appendf(nil, `{"n":%d}`, n)},
		},
		Response: webhook.Response{
			Status: 200, Header: webhook.Header{"Content-Type": {"application/json"}},
			Body: webhook.Body{Bytes: body},
		},
	}
}

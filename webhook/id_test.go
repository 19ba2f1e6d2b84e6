package webhook_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

func TestEventIDLeadsToItsExchange(t *testing.T) {
	x := webhook.NewExchangeID(time.Now())
	key := webhook.EntityKey{API: "shop", Tenant: "acme", Resource: "order", ID: "7"}
	id := webhook.NewEventID(x, key, "order.updated", "a")
	got, rest, ok := id.Exchange()
	if !ok || got != x || webhook.JoinEventID(got, rest) != id {
		t.Errorf("%s is of %s, %x, %v", id, got, rest, ok)
	}
	if text := strings.TrimPrefix(x.String(), "exc_"); !strings.HasPrefix(string(id), "evt_"+text[:25]) {
		t.Errorf("%s does not begin as %s does", id, x)
	}
	if again := webhook.NewEventID(x, key, "order.updated", "a"); again != id {
		t.Errorf("%s, then %s", id, again)
	}
}

func TestEventIDsDiffer(t *testing.T) {
	x := webhook.NewExchangeID(time.Now())
	key := webhook.EntityKey{API: "shop", Tenant: "acme", Resource: "order", ID: "7"}
	seen := map[webhook.EventID]bool{}
	for _, id := range []webhook.EventID{
		webhook.NewEventID(x, key, "order.updated", ""),
		webhook.NewEventID(x, key, "order.updated", "a"),
		webhook.NewEventID(x, key, "order.paid", ""),
		webhook.NewEventID(x, webhook.EntityKey{API: "shop", Tenant: "acme", Resource: "order", ID: "8"}, "order.updated", ""),
		webhook.NewEventID(x, webhook.EntityKey{API: "shop", Tenant: "acm", Resource: "eorder", ID: "7"}, "order.updated", ""),
		webhook.NewEventID(x, webhook.EntityKey{API: "pub", Tenant: "acme", Resource: "order", ID: "7"}, "order.updated", ""),
		webhook.NewEventID(webhook.NewExchangeID(time.Now()), key, "order.updated", ""),
	} {
		if seen[id] {
			t.Error(id, "is there twice")
		}
		seen[id] = true
	}
}

func TestMalformedEventIDs(t *testing.T) {
	id := string(webhook.NewEventID(webhook.NewExchangeID(time.Now()), webhook.EntityKey{}, "a", ""))
	short := id[:len(id)-1]
	for _, bad := range []string{"", "evt_", "evt_1", short, id + "0", "dlv_" + id[4:], strings.ToUpper(id), short + "u", short + "1"} {
		if _, _, ok := webhook.EventID(bad).Exchange(); ok {
			t.Errorf("%q was read", bad)
		}
	}
}

package webhook_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

func TestIDsHoldTheirExchange(t *testing.T) {
	x := webhook.NewExchangeID(time.Now())
	e := webhook.NewEventID(x, webhook.EntityKey{Resource: "order", ID: "7"}, "order.paid", "")
	d, again := webhook.NewDeliveryID(e, "crm", 0), webhook.NewDeliveryID(e, "crm", 1)
	gotE, _, okE := e.Exchange()
	gotD, tail, okD := d.Exchange()
	if !okE || !okD || gotE != x || gotD != x {
		t.Errorf("%s of %s: %v, %v; %s: %v, %v", e, x, gotE, okE, d, gotD, okD)
	}
	if _, other, _ := again.Exchange(); other == tail || d == again {
		t.Error("two runs have one id")
	}
}

func TestIDsOfAnotherForm(t *testing.T) {
	d := webhook.NewDeliveryID("evt_custom", "crm", 0)
	if _, _, ok := d.Exchange(); !ok || d == webhook.NewDeliveryID("evt_other", "crm", 0) {
		t.Errorf("%s is no id of its own", d)
	}
	for _, id := range []webhook.DeliveryID{"", "dlv_", "dlv_none", "evt" + d[3:], d + "0", d[:len(d)-1] + "1", webhook.DeliveryID(strings.ToUpper(string(d)))} {
		if _, _, ok := id.Exchange(); ok && id != d {
			t.Errorf("%q is taken for an id", id)
		}
	}
}

package deliver_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sidehook/sidehook/deliver"
	"github.com/sidehook/sidehook/deliver/delivertest"
	"github.com/sidehook/sidehook/webhook"
)

// Since when a subscription is held is said by the machine's clock, also while the one by
// which what is due goes is years ahead: else what it is owed is held for years.
func TestSinceGoesByTheMachinesClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := delivertest.NewReceiver(t, 410)
		b := start(t, deliver.Options{Transport: r, Reached: time.Now().Add(3 * 365 * 24 * time.Hour)}, subscribe("crm", "https://crm/"), subscribe("erp", "https://erp/"))
		b.q.Owe("crm", event(0), "")
		time.Sleep(time.Second)
		synctest.Wait()
		if err := b.Configure(nil, nil, "crm", "erp"); err != nil {
			t.Fatal(err)
		}
		for id, want := range map[webhook.SubscriptionID]webhook.Status{"crm": webhook.Gone, "erp": webhook.Absent} {
			st, _ := b.State(id)
			if ago := time.Since(st.Since); st.Status != want || ago < 0 || ago > 2*time.Second {
				t.Errorf("%s is %s since %v ago, want %s since a moment ago", id, st.Status, ago, want)
			}
		}
	})
}

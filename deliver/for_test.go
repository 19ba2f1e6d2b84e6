package deliver_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sidehook/sidehook/deliver"
	"github.com/sidehook/sidehook/deliver/delivertest"
	"github.com/sidehook/sidehook/webhook"
)

// What a subscription is for one resource decides of its events: schedule,
// timeout, headers, and what is behind an exhausted one; and of no other's.
func TestForOneResource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		about := map[webhook.EventID]string{event(1): "task", event(2): "task", event(3): "project", event(4): "project"}
		r, s := delivertest.NewReceiver(t, delivertest.Silent), subscribe("crm", "https://crm/")
		s.Order, s.Retry = webhook.OrderEntity, webhook.Schedule{time.Minute}
		s.Headers = []webhook.HeaderTemplate{{Name: "X-Of", Value: "all"}}
		task := *s
		task.Timeout, task.Retry, task.Order = time.Minute, webhook.Schedule{time.Hour, 24 * time.Hour}, webhook.OrderEntityHold
		task.Headers = []webhook.HeaderTemplate{{Name: "X-Of", Value: "tasks"}}
		s.For = map[string]*webhook.Subscription{"task": &task}
		b := start(t, deliver.Options{Transport: r, Renderer: delivertest.Renderer{About: about}}, s)
		first, second := b.q.Owe("crm", event(1), "task"), b.q.Owe("crm", event(2), "task")
		third, fourth := b.q.Owe("crm", event(3), "project"), b.q.Owe("crm", event(4), "project")
		time.Sleep(72 * time.Hour)
		synctest.Wait()
		for _, c := range []struct {
			id       webhook.DeliveryID
			state    webhook.DeliveryState
			attempts int
			took     time.Duration
			of       string
		}{
			{first, webhook.Held, 3, time.Minute, "tasks"},
			{second, webhook.Pending, 0, 0, ""},
			{third, webhook.Exhausted, 2, 10 * time.Second, "all"},
			{fourth, webhook.Exhausted, 2, 10 * time.Second, "all"},
		} {
			b.state(t, c.id, c.state)
			as := b.q.Attempts(c.id)
			if len(as) != c.attempts {
				t.Errorf("%s has %d attempts, want %d", c.id, len(as), c.attempts)
			}
			for _, a := range as {
				if a.Latency != c.took || a.Sent["X-Of"][0] != c.of || !a.TimedOut {
					t.Errorf("%s: attempt %d took %v, of %v", c.id, a.Number, a.Latency, a.Sent["X-Of"])
				}
			}
		}
	})
}

// What is wrong with it for one resource is wrong with the subscription.
func TestForOneResourceIsChecked(t *testing.T) {
	s := subscribe("crm", "https://crm/")
	task := *s
	task.Headers = []webhook.HeaderTemplate{{Name: "X", Value: "{"}}
	s.For = map[string]*webhook.Subscription{"task": &task}
	if err := deliver.Check(s); err == nil {
		t.Error("a header that cannot be made is not found")
	}
}

// What is not said of a subscription has a default, and what it is for one resource
// takes no more slots than it may have.
func TestWhatIsNotSaidHasADefault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, s := delivertest.NewReceiver(t, delivertest.Silent), subscribe("crm", "https://crm/")
		s.Timeout, s.Concurrency = 0, 0
		erp := subscribe("erp", "https://erp/")
		task := *erp
		task.Concurrency = 2
		erp.For = map[string]*webhook.Subscription{"task": &task}
		b := start(t, deliver.Options{Transport: r}, s, erp)
		id := b.q.Owe("crm", event(1), "")
		time.Sleep(time.Minute)
		synctest.Wait()
		if as := b.q.Attempts(id); len(as) == 0 || !as[0].TimedOut || as[0].Latency < time.Second {
			t.Errorf("attempts %+v", as)
		}
		if _, most := b.Busy("erp"); most != 2 {
			t.Errorf("%d slots, want the 2 that its deliveries of tasks may have", most)
		}
	})
}

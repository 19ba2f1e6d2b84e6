package webhook_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sidehook/sidehook/webhook"
)

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// eventsOf are events of one exchange: "project.updated 7" is of project 7.
func eventsOf(x webhook.ExchangeID, what ...string) (events []webhook.Event) {
	for i, w := range what {
		scope, id, _ := strings.Cut(w, " ")
		resource, _, _ := strings.Cut(scope, ".")
		key := webhook.EntityKey{API: "shop", Resource: resource, ID: id}
		events = append(events, webhook.Event{ID: webhook.NewEventID(x, key, scope, fmt.Sprint(i)), Exchange: x, Scope: scope, Key: key})
	}
	return events
}

// chunks owes events to s and shows each delivery as its events by index, its
// due and whether it is in a lane.
func chunks(events []webhook.Event, s *webhook.Subscription) (out []string) {
	var o webhook.Owing
	for i := range events {
		o.Add(&events[i], s, false, noon)
	}
	for _, d := range o.Deliveries {
		var of []string
		for _, id := range d.Events() {
			for i := range events {
				if events[i].ID == id {
					of = append(of, fmt.Sprint(i))
				}
			}
		}
		text := strings.Join(of, " ") + " in " + d.Due.Sub(noon).String()
		if d.Lane != "" {
			text += " in its lane"
		}
		out = append(out, text)
	}
	return out
}

func TestChunksOfOneExchange(t *testing.T) {
	events := eventsOf(webhook.ExchangeID{1}, "project.updated 1", "task.updated 1", "project.updated 2", "project.updated 3",
		"project.labeled 3", "project.updated 4", "project.updated 5", "project.labeled 3")
	two := webhook.Chunking{Size: 2, Delay: time.Minute}
	for _, c := range []struct {
		name string
		sub  webhook.Subscription
		want []string
	}{
		{"none", webhook.Subscription{Order: webhook.OrderEntity},
			[]string{"0 in 0s in its lane", "1 in 0s in its lane", "2 in 0s in its lane", "3 in 0s in its lane", "4 in 0s in its lane", "5 in 0s in its lane", "6 in 0s in its lane", "7 in 0s in its lane"}},
		{"by scope and resource, in order, the Kth K delays late", webhook.Subscription{Order: webhook.OrderEntity, Chunk: two},
			[]string{"0 2 in 0s", "1 in 0s in its lane", "3 5 in 1m0s", "4 7 in 0s in its lane", "6 in 2m0s"}},
		{"in the one lane there is", webhook.Subscription{Order: webhook.OrderSubscription, Chunk: two},
			[]string{"0 2 in 0s in its lane", "1 in 0s in its lane", "3 5 in 1m0s", "4 7 in 0s in its lane", "6 in 2m0s"}},
		{"larger than what there is", webhook.Subscription{Chunk: webhook.Chunking{Size: 100}},
			[]string{"0 2 3 5 6 in 0s", "1 in 0s", "4 7 in 0s"}},
	} {
		if diff := cmp.Diff(c.want, chunks(events, &c.sub)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// What waits for its delay goes by the clock that says when it is due; what does not wait
// is due by any.
func TestADelayGoesByTheClockThatSaysWhatIsDue(t *testing.T) {
	events := eventsOf(webhook.ExchangeID{1}, "a.b 1", "a.b 2")
	owing := webhook.Owing{Ahead: time.Hour}
	for i := range events {
		owing.Add(&events[i], &webhook.Subscription{Chunk: webhook.Chunking{Size: 1, Delay: time.Minute}}, false, noon)
	}
	for i, want := range []time.Duration{0, time.Hour + time.Minute} {
		if got := owing.Deliveries[i].Due.Sub(noon); got != want {
			t.Errorf("chunk %d is due in %v, want %v", i, got, want)
		}
	}
}

// A chunk ends early if what is in it is large, so that what is in memory for an
// attempt has a bound.
func TestAChunkOfLargeEventsEndsEarly(t *testing.T) {
	events := eventsOf(webhook.ExchangeID{1}, "a.b 1", "a.b 2", "a.b 3", "a.b 4")
	for i := range events {
		events[i].After = json.RawMessage(strings.Repeat(" ", 400<<10))
	}
	want := []string{"0 1 in 0s", "2 3 in 0s"}
	if diff := cmp.Diff(want, chunks(events, &webhook.Subscription{Chunk: webhook.Chunking{Size: 100}})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What the receiver knows a chunk by is the same in a replay, and no other's.
func TestChunkIDs(t *testing.T) {
	events := eventsOf(webhook.ExchangeID{1}, "a.b 1", "a.b 2", "a.b 3")
	ids := map[string]bool{}
	for _, sub := range []webhook.SubscriptionID{"crm", "erp"} {
		for size := 1; size <= 3; size++ {
			var o webhook.Owing
			for i := range events {
				o.Add(&events[i], &webhook.Subscription{ID: sub, Chunk: webhook.Chunking{Size: size}}, false, noon)
			}
			for _, d := range o.Deliveries {
				id := d.WebhookID()
				replay := d
				replay.ID, replay.Due = webhook.NewDeliveryID(d.Event, sub, 1), noon.Add(time.Hour)
				if replay.WebhookID() != id {
					t.Errorf("a replay of %s is %s", id, replay.WebhookID())
				}
				if x, ok := webhook.ChunkExchange(id); !ok || x != events[0].Exchange || !strings.HasPrefix(id, "chk_") {
					t.Errorf("%s is of %s, %v", id, x, ok)
				}
				ids[id] = true
			}
		}
	}
	// Of sizes 1 and 2 the third event alone is a chunk.
	if len(ids) != 2*(3+2+1-1) {
		t.Errorf("%d different ids for 10 different chunks", len(ids))
	}
}

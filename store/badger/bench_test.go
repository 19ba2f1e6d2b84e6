package badger_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/badger"
	"github.com/sidehook/sidehook/webhook"
)

var start = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// small is an ordinary record: one snapshot of about 700 bytes, one event, one
// delivery.
func small(n uint64, entities uint64) store.Record {
	x := webhook.NewExchangeID(start)
	k := webhook.EntityKey{API: "shop", Resource: "order", ID: fmt.Sprint(n % entities)}
	return store.Record{
		Exchange: x, Entities: []webhook.EntityKey{k}, Segment: n / 50_000,
		Derive: func(before []webhook.Snapshot) (store.Consequences, error) { return smallChange(x, n, &before[0]), nil },
	}
}

const filler = `"customer":"Ada Lovelace","street":"12 St James's Square","city":"London","lines":[{"sku":"A-1","quantity":2,"price":"15.00"},{"sku":"B-7","quantity":1,"price":"120.50"}],"note":"`

func smallChange(x webhook.ExchangeID, n uint64, was *webhook.Snapshot) store.Consequences {
	body := json.RawMessage(fmt.Sprintf(`{"id":%q,"n":%d,%s%0400d"}`, was.Key.ID, n, filler, n))
	ev := webhook.Event{
		ID: webhook.NewEventID(x, was.Key, "order.updated", ""), Scope: "order.updated", Key: was.Key,
		Sequence: was.Sequence + 1, Exchange: x, Time: start, Operation: webhook.Updated,
		Before: was.Body, After: body,
		Changes:    []webhook.FieldChange{{Path: "n", Old: json.RawMessage("1"), New: json.RawMessage("2")}},
		Request:    webhook.EventRequest{ID: "req-1", Method: "PATCH", Path: "/orders/1"},
		Provenance: webhook.Provenance{Before: webhook.FromSnapshot, After: webhook.FromResponse, Confidence: webhook.Observed},
	}
	return store.Consequences{
		Snapshots: []webhook.Snapshot{{Key: was.Key, Sequence: was.Sequence + 1, Body: body, Seen: start, Via: webhook.FromResponse, Exchange: x}},
		Events:    []webhook.Event{ev},
		Deliveries: []webhook.Delivery{{
			ID: webhook.NewDeliveryID(ev.ID, "crm", 0), Event: ev.ID, Subscription: "crm", Lane: webhook.OrderEntity.Lane(&ev),
			State: webhook.Pending, Due: start, Created: start,
		}},
	}
}

// BenchmarkRecord records from several goroutines, so many at once.
func BenchmarkRecord(b *testing.B) { benchmarkRecord(b, small) }

// BenchmarkRecordUnwanted records what nobody has subscribed to: snapshots and
// events alone.
func BenchmarkRecordUnwanted(b *testing.B) {
	benchmarkRecord(b, func(n, entities uint64) store.Record {
		return altered(small(n, entities), func(c *store.Consequences) { c.Deliveries = nil })
	})
}

func benchmarkRecord(b *testing.B, record func(n, entities uint64) store.Record) {
	for _, c := range []struct{ writers, batch int }{{1, 1}, {64, 1}, {1, 16}, {1, 128}} {
		b.Run(fmt.Sprint("writers=", c.writers, "/batch=", c.batch), func(b *testing.B) {
			s := open(b, b.TempDir())
			b.ReportAllocs()
			b.ResetTimer()
			before := cpu()
			recordEach(b, s, b.N, c.writers, c.batch, record)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
			b.ReportMetric(float64(cpu()-before)/float64(b.N)/1e3, "cpu-us/op")
		})
	}
}

// cpu returns the processor time of this process: what else runs on the machine
// hardly changes it.
func cpu() time.Duration {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// recordMany records n changes of 5000 entities.
func recordMany(b testing.TB, s *badger.Store, n, writers, batch int) {
	recordEach(b, s, n, writers, batch, small)
}

func recordEach(b testing.TB, s *badger.Store, n, writers, batch int, record func(n, entities uint64) store.Record) {
	var next atomic.Int64
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			rs := make([]store.Record, 0, batch)
			for first := int(next.Add(int64(batch))) - batch; first < n; first = int(next.Add(int64(batch))) - batch {
				rs = rs[:0]
				for i := first; i < min(first+batch, n); i++ {
					rs = append(rs, record(uint64(i), 5000))
				}
				if _, err := s.Record(context.Background(), rs); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}

// BenchmarkDeliver claims, reads the event and settles with an attempt, each
// delivery by itself from 64 goroutines, as the deliverer does.
func BenchmarkDeliver(b *testing.B) {
	s := open(b, b.TempDir())
	recordMany(b, s, b.N, 1, 128)
	work := make(chan webhook.Delivery)
	for range 64 {
		go func() {
			for d := range work {
				if err := attempt(s, d); err != nil {
					b.Error(err)
				}
			}
		}()
	}
	b.ResetTimer()
	for given := 0; given < b.N; {
		ds, _, err := s.Claim(context.Background(), "crm", 0, start, 64)
		if err != nil {
			b.Fatal(err)
		}
		if len(ds) == 0 {
			<-s.Waiting()
		}
		for _, d := range ds {
			work <- d
		}
		given += len(ds)
	}
	close(work)
	for st, _ := s.Stats(context.Background()); st.Pending > 0; st, _ = s.Stats(context.Background()) {
		<-s.Waiting()
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "deliveries/s")
}

// BenchmarkLife records a delivery, claims it soon, and settles it together with
// others: what a subscriber costs the store that keeps up.
func BenchmarkLife(b *testing.B) {
	s := open(b, b.TempDir())
	ctx := context.Background()
	b.ReportAllocs()
	b.ResetTimer()
	recorded := make(chan struct{})
	go func() {
		recordMany(b, s, b.N, 1, 128)
		close(recorded)
	}()
	for settled := 0; settled < b.N; {
		ds, _, err := s.Claim(ctx, "crm", 0, start, 64)
		if err != nil {
			b.Fatal(err)
		}
		if len(ds) == 0 {
			<-s.Waiting()
			continue
		}
		all := make([]webhook.Settlement, len(ds))
		for i, d := range ds {
			a := accepted(d)
			all[i] = webhook.Settlement{Delivery: d.After(a, webhook.DefaultSchedule), Attempt: &a}
		}
		if err := s.Settle(ctx, all...); err != nil {
			b.Fatal(err)
		}
		settled += len(ds)
	}
	<-recorded
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "deliveries/s")
}

func attempt(s *badger.Store, d webhook.Delivery) error {
	if _, err := s.Event(context.Background(), d.Event); err != nil {
		return err
	}
	a := accepted(d)
	return s.Settle(context.Background(), webhook.Settlement{Delivery: d.After(a, webhook.DefaultSchedule), Attempt: &a})
}

// accepted is an attempt as the deliverer makes them.
func accepted(d webhook.Delivery) webhook.Attempt {
	return webhook.Attempt{
		Delivery: d.ID, Number: 1, Started: start, Latency: time.Millisecond, Outcome: webhook.Accepted, Status: 200,
		URL: "https://crm.example.com/hooks", Answer: []byte("ok"),
		Sent: webhook.Header{
			"Webhook-Id": {string(d.Event)}, "Webhook-Timestamp": {"1614265330"}, "Webhook-Attempt": {"1"},
			"Webhook-Signature": {"v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="},
			"Content-Type":      {"application/json"}, "User-Agent": {"sidehook/dev"},
		},
		Received: webhook.Header{"Date": {"Sun, 22 Nov 2026 01:30:37 GMT"}, "Content-Length": {"2"}},
	}
}

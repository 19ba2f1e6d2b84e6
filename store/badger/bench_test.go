package badger_test

import (
	"context"
	"encoding/json"
	"fmt"
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

func BenchmarkRecord(b *testing.B) { benchmarkRecord(b, small) }

// BenchmarkRecordUnwanted records what nobody has subscribed to: snapshots and
// events alone.
func BenchmarkRecordUnwanted(b *testing.B) {
	benchmarkRecord(b, func(n, entities uint64) store.Record {
		return altered(small(n, entities), func(c *store.Consequences) { c.Deliveries = nil })
	})
}

func benchmarkRecord(b *testing.B, record func(n, entities uint64) store.Record) {
	for _, writers := range []int{1, 8, 64} {
		b.Run(fmt.Sprint("writers=", writers), func(b *testing.B) {
			s := open(b, b.TempDir())
			var n atomic.Uint64
			b.SetParallelism(max(1, writers/2)) // of 2 processors
			b.ReportAllocs()
			b.ResetTimer()
			before := cpu()
			work := func(next func() bool) {
				for next() {
					if _, err := s.Record(context.Background(), record(n.Add(1), 5000)); err != nil {
						b.Error(err)
						return
					}
				}
			}
			if writers == 1 {
				work(b.Loop)
			} else {
				b.RunParallel(func(p *testing.PB) { work(p.Next) })
			}
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

// fill records n deliveries with 64 writers.
func fill(b testing.TB, s *badger.Store, n int) {
	var next atomic.Uint64
	done := make(chan error, 64)
	for range cap(done) {
		go func() {
			for i := next.Add(1); i <= uint64(n); i = next.Add(1) {
				if _, err := s.Record(context.Background(), small(i, 5000)); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range cap(done) {
		if err := <-done; err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDeliver claims, reads the event and settles with an attempt, each
// delivery by itself from 64 goroutines, as the deliverer does.
func BenchmarkDeliver(b *testing.B) {
	s := open(b, b.TempDir())
	fill(b, s, b.N)
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

func attempt(s *badger.Store, d webhook.Delivery) error {
	if _, err := s.Event(context.Background(), d.Event); err != nil {
		return err
	}
	a := webhook.Attempt{
		Delivery: d.ID, Number: 1, Started: start, Latency: time.Millisecond, Outcome: webhook.Accepted, Status: 200,
		URL: "https://crm.example.com/hooks", Sent: webhook.Header{"Webhook-Id": {string(d.Event)}}, Answer: []byte("ok"),
	}
	return s.Settle(context.Background(), webhook.Settlement{Delivery: d.After(a, webhook.DefaultSchedule), Attempt: &a})
}

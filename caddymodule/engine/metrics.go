package engine

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sidehook/sidehook/caddymodule/metrics"
	"github.com/sidehook/sidehook/webhook"
)

// RegisterMetrics adds the counters of the process, and what shows the open
// engines, to a configuration's registry. Several handlers and reloads may do so.
func RegisterMetrics(reg *prometheus.Registry) error {
	for _, c := range []prometheus.Collector{metrics.Process, engineCollector{}} {
		var already prometheus.AlreadyRegisteredError
		if err := reg.Register(c); err != nil && !errors.As(err, &already) {
			return err
		}
	}
	return nil
}

// engineCollector shows the state of the open engines, added up.
type engineCollector struct{}

var (
	descPending  = prometheus.NewDesc("sidehook_queue_depth", "Deliveries not settled yet.", nil, nil)
	descOldest   = prometheus.NewDesc("sidehook_oldest_due_seconds", "How long the oldest due delivery of an active subscription has waited.", nil, nil)
	descJournal  = prometheus.NewDesc("sidehook_journal_bytes", "Size of the journal on disk.", nil, nil)
	descUnread   = prometheus.NewDesc("sidehook_journal_unread_bytes", "Bytes of the journal that deriving has not come to.", nil, nil)
	descStore    = prometheus.NewDesc("sidehook_store_bytes", "Size of the store on disk.", nil, nil)
	descDegraded = prometheus.NewDesc("sidehook_degraded", "1 while the journal cannot write, a gap for calls that it missed is not recorded yet, deriving waits, the store is above store_max, or it cannot be read; else 0.", nil, nil)
	descCircuits = prometheus.NewDesc("sidehook_circuits_open", "Active subscriptions whose circuit is open or half open.", nil, nil)
	descOpen     = prometheus.NewDesc("sidehook_store_open", "1 if the store of each data directory in use is open, 0 while one cannot be opened and is tried again.", nil, nil)
	descSubs     = prometheus.NewDesc("sidehook_subscriptions", "Subscriptions by status.", []string{"status"}, nil)
)

// Describe implements [prometheus.Collector].
func (engineCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descPending, descOldest, descJournal, descUnread, descStore, descDegraded, descOpen, descCircuits, descSubs} {
		ch <- d
	}
}

// Collect implements [prometheus.Collector].
func (engineCollector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	var sum Health
	statuses := map[webhook.Status]int{webhook.Active: 0}
	open := 1.0
	for _, pl := range All.used() {
		h := pl.health(ctx)
		sum.Pending += h.Pending
		sum.Circuits += h.Circuits
		sum.OldestDue = max(sum.OldestDue, h.OldestDue)
		sum.JournalBytes += h.JournalBytes
		sum.Unread += h.Unread
		sum.StoreBytes += h.StoreBytes
		if h.Degraded {
			sum.Degraded = true
		}
		e, err := pl.Lease()
		if err != nil {
			open = 0
			continue
		}
		for _, s := range e.Deliverer.States() {
			statuses[s.Status]++
		}
		pl.Release()
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	gauge(descPending, float64(sum.Pending))
	gauge(descOldest, sum.OldestDue)
	gauge(descCircuits, float64(sum.Circuits))
	gauge(descJournal, float64(sum.JournalBytes))
	gauge(descUnread, float64(sum.Unread))
	gauge(descStore, float64(sum.StoreBytes))
	degraded := 0.0
	if sum.Degraded {
		degraded = 1
	}
	gauge(descDegraded, degraded)
	gauge(descOpen, open)
	for status, n := range statuses {
		gauge(descSubs, float64(n), string(status))
	}
}

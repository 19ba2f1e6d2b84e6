// Package metrics counts what the process does: calls captured, events recorded,
// GETs made, deliveries attempted. It is a leaf; the parts of the line count here,
// and the app registers it with each configuration.
package metrics

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sidehook/sidehook/webhook"
)

// Counters are the counters of the process. They outlive every configuration
// and are registered anew with each one's registry, so that a reload neither
// panics nor resets them. Labels are bounded: no scope, URL, host or id.
type Counters struct {
	captured    *prometheus.CounterVec // api, ending
	Derived     *prometheus.CounterVec // api, operation
	Unchanged   *prometheus.CounterVec // api
	Repeats     *prometheus.CounterVec // api
	Gaps        *prometheus.CounterVec // api, reason
	Skipped     *prometheus.CounterVec // api
	Quarantined *prometheus.CounterVec // api
	Unowned     *prometheus.CounterVec // api
	Missed      *prometheus.CounterVec // api

	NotRefreshed *prometheus.CounterVec // api
	Redacted     *prometheus.GaugeVec   // api, path

	fetches     *prometheus.CounterVec // kind, outcome
	fetchTime   *prometheus.HistogramVec
	looks       *prometheus.CounterVec // outcome
	Attempts    *prometheus.CounterVec // outcome
	Deliveries  *prometheus.CounterVec // state
	Circuits    prometheus.Counter
	AttemptTime prometheus.Histogram
	Lag         prometheus.Histogram
}

// Process are the counters of this process.
var Process = newMetrics()

func newMetrics() *Counters {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "sidehook", Name: name, Help: help}, labels)
	}
	buckets := prometheus.ExponentialBuckets(0.001, 2.5, 14) // 1 ms to 150 s
	return &Counters{
		captured:     counter("captured_calls_total", "Captured calls that ended, by how.", "api", "ending"),
		Derived:      counter("events_total", "Events recorded, gaps included.", "api", "operation"),
		Unchanged:    counter("unchanged_total", "Captured calls that succeeded and changed nothing.", "api"),
		Repeats:      counter("repeats_total", "Captured calls that repeated an earlier one, by their Idempotency-Key.", "api"),
		Gaps:         counter("gaps_total", "Gaps recorded: something may have changed and it is not known what.", "api", "reason"),
		Skipped:      counter("rules_skipped_total", "Rules that could not be judged because what they read is not known.", "api"),
		Quarantined:  counter("quarantined_total", "Exchanges put into quarantine because a rule failed.", "api"),
		Unowned:      counter("events_without_tenant_total", "Events for which a tenant is configured and none was found.", "api"),
		Missed:       counter("missed_calls_total", "Calls that went through while the journal could not write.", "api"),
		NotRefreshed: counter("not_refreshed_total", "Entities that a refresh line named and no GET showed.", "api"),
		Redacted: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: "sidehook", Name: "redact_path_found", Help: "1 if a path of redact was in any body since the start of the process, else 0.",
		}, []string{"api", "path"}),
		fetches:    counter("fetches_total", "GETs made to learn an entity's state.", "kind", "outcome"),
		looks:      counter("views_total", "Deliveries of which a GET as their subscriber decided, by what it showed.", "outcome"),
		Attempts:   counter("attempts_total", "Requests made for deliveries.", "outcome"),
		Deliveries: counter("deliveries_total", "Deliveries that reached a final state, or are held and hold their lane.", "state"),
		Circuits: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: "sidehook", Name: "circuits_opened_total", Help: "How often a subscription's circuit has opened that was closed.",
		}),
		fetchTime: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "sidehook", Name: "fetch_duration_seconds", Help: "How long such GETs took.", Buckets: buckets,
		}, []string{"kind"}),
		AttemptTime: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "sidehook", Name: "attempt_duration_seconds", Help: "How long receivers took to answer.", Buckets: buckets,
		}),
		Lag: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "sidehook", Name: "delivery_lag_seconds", Help: "From the recording of an event to its acceptance.", Buckets: buckets,
		}),
	}
}

// Describe implements [prometheus.Collector].
func (m *Counters) Describe(ch chan<- *prometheus.Desc) {
	for _, c := range m.all() {
		c.Describe(ch)
	}
}

// Collect implements [prometheus.Collector].
func (m *Counters) Collect(ch chan<- prometheus.Metric) {
	for _, c := range m.all() {
		c.Collect(ch)
	}
}

func (m *Counters) all() []prometheus.Collector {
	return []prometheus.Collector{
		m.captured, m.Derived, m.Unchanged, m.Repeats, m.Gaps, m.Skipped, m.Quarantined, m.Unowned, m.Missed, m.NotRefreshed, m.Redacted,
		m.fetches, m.fetchTime, m.looks, m.Attempts, m.Circuits, m.Deliveries, m.AttemptTime, m.Lag,
	}
}

// Fetched counts a GET of the kind before, after or refresh.
func (m *Counters) Fetched(kind string, o *webhook.Observation) {
	outcome := "ok"
	switch {
	case o.Status == 0:
		outcome = "no_answer"
	case o.Status/100 != 2 && o.Status != http.StatusNotModified:
		outcome = "refused"
	}
	m.fetches.WithLabelValues(kind, outcome).Inc()
	m.fetchTime.WithLabelValues(kind).Observe(o.Received.Sub(o.Requested).Seconds())
}

// Looked counts what a GET as a subscriber, if one decided, has decided.
func (m *Counters) Looked(p *webhook.Payload) {
	switch {
	case p.Withheld != nil:
		m.looks.WithLabelValues(string(p.Withheld.Outcome)).Inc()
	case p.Sights != nil:
		m.looks.WithLabelValues("visible").Inc()
	}
}

// Cancelled counts those of settlements that cancel: what a replay made due again does
// not become cancelled, it is what it was.
func (m *Counters) Cancelled(settlements []webhook.Settlement) {
	for i := range settlements {
		if settlements[i].Delivery.State == webhook.Cancelled {
			m.Deliveries.WithLabelValues(string(webhook.Cancelled)).Inc()
		}
	}
}

package caddymodule

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// metrics are the counters of the process. They outlive every configuration
// and are registered anew with each one's registry, so that a reload neither
// panics nor resets them. Labels are bounded: no scope, URL, host or id.
type metrics struct {
	captured    *prometheus.CounterVec // api, ending
	derived     *prometheus.CounterVec // api, operation
	unchanged   *prometheus.CounterVec // api
	repeats     *prometheus.CounterVec // api
	gaps        *prometheus.CounterVec // api, reason
	skipped     *prometheus.CounterVec // api
	quarantined *prometheus.CounterVec // api
	unowned     *prometheus.CounterVec // api
	missed      *prometheus.CounterVec // api

	notRefreshed *prometheus.CounterVec // api

	fetches     *prometheus.CounterVec // kind, outcome
	fetchTime   *prometheus.HistogramVec
	looks       *prometheus.CounterVec // outcome
	attempts    *prometheus.CounterVec // outcome
	deliveries  *prometheus.CounterVec // state
	circuits    prometheus.Counter
	attemptTime prometheus.Histogram
	lag         prometheus.Histogram
}

// stats are the counters of this process.
var stats = newMetrics()

func newMetrics() *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "sidehook", Name: name, Help: help}, labels)
	}
	buckets := prometheus.ExponentialBuckets(0.001, 2.5, 14) // 1 ms to 150 s
	return &metrics{
		captured:     counter("captured_calls_total", "Captured calls that ended, by how.", "api", "ending"),
		derived:      counter("events_total", "Events recorded, gaps included.", "api", "operation"),
		unchanged:    counter("unchanged_total", "Captured calls that succeeded and changed nothing.", "api"),
		repeats:      counter("repeats_total", "Captured calls that repeated an earlier one, by their Idempotency-Key.", "api"),
		gaps:         counter("gaps_total", "Gaps recorded: something may have changed and it is not known what.", "api", "reason"),
		skipped:      counter("rules_skipped_total", "Rules that could not be judged because what they read is not known.", "api"),
		quarantined:  counter("quarantined_total", "Exchanges put into quarantine because a rule failed.", "api"),
		unowned:      counter("events_without_tenant_total", "Events for which a tenant is configured and none was found.", "api"),
		missed:       counter("missed_calls_total", "Calls that went through while the journal could not write.", "api"),
		notRefreshed: counter("not_refreshed_total", "Entities that a refresh line named and no GET showed.", "api"),
		fetches:      counter("fetches_total", "GETs made to learn an entity's state.", "kind", "outcome"),
		looks:        counter("views_total", "Deliveries of which a GET as their subscriber decided, by what it showed.", "outcome"),
		attempts:     counter("attempts_total", "Requests made for deliveries.", "outcome"),
		deliveries:   counter("deliveries_total", "Deliveries that reached a final state, or are held and hold their lane.", "state"),
		circuits: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: "sidehook", Name: "circuits_opened_total", Help: "How often a subscription's circuit has opened that was closed.",
		}),
		fetchTime: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "sidehook", Name: "fetch_duration_seconds", Help: "How long such GETs took.", Buckets: buckets,
		}, []string{"kind"}),
		attemptTime: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "sidehook", Name: "attempt_duration_seconds", Help: "How long receivers took to answer.", Buckets: buckets,
		}),
		lag: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "sidehook", Name: "delivery_lag_seconds", Help: "From the recording of an event to its acceptance.", Buckets: buckets,
		}),
	}
}

// register adds the counters and the engines' gauges to a configuration's
// registry. Several handlers and reloads may do so.
func (m *metrics) register(reg *prometheus.Registry) error {
	for _, c := range m.collectors() {
		var already prometheus.AlreadyRegisteredError
		if err := reg.Register(c); err != nil && !errors.As(err, &already) {
			return err
		}
	}
	return nil
}

func (m *metrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{
		m.captured, m.derived, m.unchanged, m.repeats, m.gaps, m.skipped, m.quarantined, m.unowned, m.missed, m.notRefreshed,
		m.fetches, m.fetchTime, m.looks, m.attempts, m.circuits, m.deliveries, m.attemptTime, m.lag, engineCollector{},
	}
}

// fetched counts a GET of the kind before, after or refresh.
func (m *metrics) fetched(kind string, o *webhook.Observation) {
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

// deriveObserver counts and logs what deriving comes to.
type deriveObserver struct{ e *engine }

// Recorded implements [derive.Observer].
func (o deriveObserver) Recorded(x *webhook.Exchange, r *store.Recorded, d *rules.Derived) {
	if r.Duplicate {
		return
	}
	if len(d.Skipped) > 0 {
		stats.skipped.WithLabelValues(x.API).Add(float64(len(d.Skipped)))
	}
	if !d.Repeats.IsZero() {
		stats.repeats.WithLabelValues(x.API).Inc()
	}
	if len(r.Events) == 0 && isCall(x) {
		stats.unchanged.WithLabelValues(x.API).Inc()
	}
	for i := range r.Events {
		ev := &r.Events[i]
		stats.derived.WithLabelValues(x.API, string(ev.Operation)).Inc()
		if ev.Gap != nil {
			stats.gaps.WithLabelValues(x.API, ev.Gap.Reason).Inc()
		}
		if ev.Unowned {
			stats.unowned.WithLabelValues(x.API).Inc()
		}
		o.e.learned.learn(o.e.current(), ev, time.Now())
		o.log(x, ev, r)
	}
}

func (o deriveObserver) log(x *webhook.Exchange, ev *webhook.Event, r *store.Recorded) {
	if ev.Gap == nil && !o.e.debugs() {
		return
	}
	owed := 0
	for i := range r.Deliveries {
		if r.Deliveries[i].Carries(ev.ID) {
			owed++
		}
	}
	if ev.Gap != nil {
		o.e.logger.Warn("gap recorded", "event", string(ev.ID), "scope", ev.Scope, "entity", ev.Key.String(),
			"exchange", x.ID.String(), "reason", ev.Gap.Reason, "detail", ev.Gap.Detail, "deliveries", owed)
		return
	}
	o.e.logger.Debug("event recorded", "event", string(ev.ID), "scope", ev.Scope, "entity", ev.Key.String(),
		"sequence", ev.Sequence, "exchange", x.ID.String(), "deliveries", owed, "dry_run", ev.DryRun)
}

// isCall reports whether x is a captured call, and not a GET of ours that
// followed from one or was made for a seed.
func isCall(x *webhook.Exchange) bool { return x.Cause.IsZero() && x.Seed == "" }

// Nothing implements [derive.Observer].
func (o deriveObserver) Nothing(x *webhook.Exchange, why string) {
	if isCall(x) {
		stats.unchanged.WithLabelValues(x.API).Inc()
	}
	if !o.e.debugs() {
		return
	}
	o.e.logger.Debug("no event", "exchange", x.ID.String(), "method", x.Request.Method, "path", x.Request.Path, "why", why)
}

// Quarantined implements [derive.Observer].
func (o deriveObserver) Quarantined(x *webhook.Exchange, _ string) {
	stats.quarantined.WithLabelValues(x.API).Inc()
}

// Refreshed implements [derive.Observer].
func (o deriveObserver) Refreshed(x *webhook.Exchange, r rules.Refreshed, err error) {
	if err != nil {
		stats.notRefreshed.WithLabelValues(x.API).Inc()
		o.e.logger.Warn("an entity is not refreshed", "entity", r.Key.String(), "exchange", x.ID.String(), "error", err)
	}
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
	descSubs     = prometheus.NewDesc("sidehook_subscriptions", "Subscriptions by status.", []string{"status"}, nil)
)

// Describe implements [prometheus.Collector].
func (engineCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descPending, descOldest, descJournal, descUnread, descStore, descDegraded, descCircuits, descSubs} {
		ch <- d
	}
}

// Collect implements [prometheus.Collector].
func (engineCollector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	var sum health
	statuses := map[webhook.Status]int{webhook.Active: 0}
	for _, e := range engines.open() {
		h := e.health(ctx)
		sum.Pending += h.Pending
		sum.Circuits += h.Circuits
		sum.OldestDue = max(sum.OldestDue, h.OldestDue)
		sum.JournalBytes += h.JournalBytes
		sum.Unread += h.Unread
		sum.StoreBytes += h.StoreBytes
		if h.Degraded {
			sum.Degraded = true
		}
		for _, s := range e.deliverer.States() {
			statuses[s.Status]++
		}
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
	for status, n := range statuses {
		gauge(descSubs, float64(n), string(status))
	}
}

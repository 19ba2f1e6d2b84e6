package engine

import (
	"context"
	"log/slog"

	"github.com/sidehook/sidehook/caddymodule/metrics"
	"github.com/sidehook/sidehook/webhook"
)

// deliverObserver counts and logs what delivering comes to.
type deliverObserver struct{ e *Engine }

// Attempted implements [deliver.Observer].
func (o deliverObserver) Attempted(s *webhook.Subscription, d *webhook.Delivery, a *webhook.Attempt) {
	metrics.Process.Attempts.WithLabelValues(string(a.Outcome)).Inc()
	metrics.Process.AttemptTime.Observe(a.Latency.Seconds())
	if a.Outcome == webhook.Accepted {
		metrics.Process.Lag.Observe(a.Started.Add(a.Latency).Sub(d.Created).Seconds())
		if !o.e.debugs() {
			return
		}
	}
	attrs := []any{
		"event", string(d.Event), "delivery", string(d.ID), "subscription", string(d.Subscription),
		"attempt", a.Number, "status", a.Status, "took", a.Latency,
	}
	if a.Outcome == webhook.Accepted {
		o.e.Logger.Debug("delivered", attrs...)
		return
	}
	o.e.Logger.Warn("attempt not accepted", append(attrs, "outcome", string(a.Outcome), "why", a.Why(), "url", a.URL)...)
}

// Settled implements [deliver.Observer].
func (o deliverObserver) Settled(s *webhook.Subscription, d *webhook.Delivery) {
	metrics.Process.Deliveries.WithLabelValues(string(d.State)).Inc()
	if d.State == webhook.Delivered {
		return
	}
	what := "delivery given up"
	if d.State == webhook.Held {
		what = "delivery exhausted: it holds what is newer of its entity until it is released or retried"
	}
	o.e.Logger.Error(what, "event", string(d.Event), "delivery", string(d.ID),
		"subscription", string(d.Subscription), "state", string(d.State), "why", d.Reason)
}

// CircuitChanged implements [deliver.Observer].
func (o deliverObserver) CircuitChanged(s *webhook.Subscription, st webhook.SubscriptionState) {
	if st.Opened == 0 {
		o.e.Logger.Info("the circuit of a subscription is closed again", "subscription", string(st.ID))
		return
	}
	metrics.Process.Circuits.Inc()
	o.e.Logger.Warn("the circuit of a subscription is open: most attempts fail, so it is tried now and then, and what it is owed waits",
		"subscription", string(st.ID), "until", st.OpenUntil, "failures_in_a_row", st.Failures)
}

// StateChanged implements [deliver.Observer].
func (o deliverObserver) StateChanged(s *webhook.Subscription, st webhook.SubscriptionState) {
	if st.Stopped() {
		poke(o.e.tended) // it is told of, and delete_after may have ended it
	}
	level := slog.LevelWarn
	if st.Status == webhook.Active {
		level = slog.LevelInfo
	}
	o.e.Logger.Log(context.Background(), level, "subscription is now "+string(st.Status), "subscription", string(st.ID), "reason", st.Reason)
}

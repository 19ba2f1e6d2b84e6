package main

import (
	"fmt"
	"time"
)

// A healthy subscription's p99 lag may be so much worse beside a bad one.
const (
	barLagFactor = 1.25
	barLagMore   = 5_000.0 // µs
)

// lagWindow is what was measured while calls came at a rate.
type lagWindow struct {
	p50, p99 float64 // µs
	cpu      float64 // µs of processor time for an event
	rate     float64 // of events, per second
	lost     int
}

// lag makes rate calls a second over l for d, and measures how long after them
// their webhooks arrived. deaf are connections whose calls' webhooks do not.
func (st *stage) lag(l *load, rate int, d time.Duration, deaf []*conn) (w lagWindow, err error) {
	st.sink.begin(nil)
	arrived := st.sink.arrived.Load()
	calls, err := l.pace(rate, d)
	if err != nil {
		return w, err
	}
	for _, c := range deaf {
		calls -= len(c.latencies)
	}
	if err := st.await(arrived + int64(calls)); err != nil {
		return w, err
	}
	lags, _ := st.sink.end()
	return lagWindow{p50: micros(quantile(lags, 0.50)), p99: micros(quantile(lags, 0.99))}, nil
}

// closed makes calls over l for d, as many as go while the clients are never more
// than a window ahead of the sink, and waits until c has done what is left.
func (st *stage) closed(c *child, l *load, d time.Duration) (w lagWindow, err error) {
	under := make(chan struct{}, st.outstanding)
	st.sink.begin(under)
	arrived, began := st.sink.arrived.Load(), time.Now()
	latencies, _, err := l.run(d, under)
	if err != nil {
		return w, err
	}
	if err := st.await(arrived + int64(len(latencies))); err != nil {
		return w, err
	}
	lags, last := st.sink.end()
	return lagWindow{
		p50: micros(quantile(lags, 0.50)), p99: micros(quantile(lags, 0.99)),
		rate: float64(len(lags)) / last.Sub(began).Seconds(), lost: len(latencies) - len(lags),
	}, c.settle()
}

// lagPairs are windows with something bad beside the healthy subscriptions, and
// without it.
type lagPairs struct{ with50, with99, without50, without99 []float64 }

func (l *lagPairs) add(with bool, w lagWindow) {
	if with {
		l.with50, l.with99 = append(l.with50, w.p50), append(l.with99, w.p99)
		return
	}
	l.without50, l.without99 = append(l.without50, w.p50), append(l.without99, w.p99)
}

func (l *lagPairs) print(out *bars, whose, bad string) {
	with, without := median(l.with99), median(l.without99)
	fmt.Fprintf(out, "  lag of %s, p50/p99: %s/%s ms with %s, %s/%s ms without (median of %d each)\n", whose,
		millis(median(l.with50)), millis(with), bad, millis(median(l.without50)), millis(without), len(l.with99))
	fmt.Fprintf(out, "    bar: p99 ≤ %.2f × or + %.0f ms: %s\n", barLagFactor, barLagMore/1000,
		out.mark(with <= max(barLagFactor*without, without+barLagMore)))
}

package main

import (
	"errors"
	"fmt"
	"time"
)

// Of the drain: how much is owed when the process starts, to one subscriber that
// can take it.
const (
	drainEvents   = 100_000
	drainEntities = 10_000
	barDrain      = 5000.0 // deliveries per second
)

// drain starts the process on a directory with a backlog, and measures how fast
// that arrives at a sink.
func drain(s settings, dir string, out *bars) error {
	owed := backlog{subscription: "sink", events: drainEvents, entities: drainEntities}
	for _, order := range []string{"entity", "none"} {
		rate, took, err := owed.drain(s, fmt.Sprintf("%s-%s", dir, order), order)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "drain of %d deliveries over %d entities, order %s: %.0f/s (all delivered and recorded after %.1f s)\n",
			owed.events, owed.entities, order, rate, took.Seconds())
		if order == "entity" {
			fmt.Fprintf(out, "  bar: ≥ %.0f/s: %s\n", barDrain, out.mark(rate >= barDrain))
		}
	}
	fmt.Fprintln(out)
	return nil
}

// drain returns how many deliveries a second arrived from the first to the last,
// and how long after the start all were settled.
func (b backlog) drain(s settings, dir, order string) (rate float64, took time.Duration, err error) {
	st, err := openStage(s, dir)
	if err != nil {
		return 0, 0, err
	}
	defer st.close()
	b.unordered = order == "none"
	if _, err := b.fill(st.data("drain")); err != nil {
		return 0, 0, err
	}
	st.sink.begin(nil)
	began := time.Now()
	c, err := st.start("drain", st.subscription("sink", "/webhooks", "project.**", "order "+order), directive, nil)
	if err != nil {
		return 0, 0, err
	}
	profiled := st.profile(c, "drain-"+order, 5)
	if err := st.await(int64(b.events)); err != nil {
		return 0, 0, err
	}
	if err := errors.Join(<-profiled, c.settle()); err != nil {
		return 0, 0, err
	}
	first, last := st.sink.span()
	return float64(b.events) / last.Sub(first).Seconds(), time.Since(began), nil
}

package main

import (
	"errors"
	"fmt"
	"os"
	"time"
)

// window is what one side did in one half of a pair.
type window struct{ rate, p50, p99, cpu float64 }

// measure puts load on s for d, and waits until nothing of it is left.
func (b *bench) measure(s *side, l *load, d time.Duration) (w window, err error) {
	arrived, cpu := b.sink.arrived.Load(), s.child.cpu()
	latencies, took, err := l.run(d, nil)
	if err != nil {
		return w, fmt.Errorf("%s: %w", s.name, err)
	}
	if s.owes {
		if err := b.await(arrived + int64(len(latencies))); err != nil {
			return w, err
		}
	}
	if err := s.child.settle(); err != nil {
		return w, err
	}
	n := float64(len(latencies))
	return window{
		rate: n / took.Seconds(),
		p50:  micros(quantile(latencies, 0.50)),
		p99:  micros(quantile(latencies, 0.99)),
		cpu:  micros(s.child.cpu()-cpu) / n,
	}, nil
}

// throughput compares every side with plain Caddy.
func (b *bench) throughput(r *report) error {
	for _, s := range b.sides {
		if _, err := b.measure(s, s.load, b.window/2); err != nil { // to warm up
			return err
		}
	}
	for pair := range b.pairs {
		progress("pair %d of %d", pair+1, b.pairs)
		for _, s := range b.sides[again:] {
			if err := b.pair(s, pair%2 == 0); err != nil {
				return err
			}
		}
		if err := b.disk.measure(10); err != nil {
			return err
		}
	}
	progress("")
	r.sides = b.sides
	return nil
}

func (b *bench) pair(s *side, plainFirst bool) error {
	order := []*side{s, b.sides[plain]}
	if plainFirst {
		order[0], order[1] = order[1], order[0]
	}
	rates := map[*side]float64{}
	for _, one := range order {
		w, err := b.measure(one, one.load, b.window)
		if err != nil {
			return err
		}
		rates[one] = w.rate
		one.result.rates = append(one.result.rates, w.rate)
		one.result.p50 = append(one.result.p50, w.p50)
		one.result.p99 = append(one.result.p99, w.p99)
		one.result.cpu = append(one.result.cpu, w.cpu)
	}
	s.result.ratios = append(s.result.ratios, rates[s]/rates[b.sides[plain]])
	return nil
}

// oneConnection compares the latency of one client that writes alone.
func (b *bench) oneConnection(r *report) error {
	for pair := range b.pairs {
		progress("one connection, pair %d of %d", pair+1, b.pairs)
		order := []*side{b.sides[plain], b.sides[captured]}
		if pair%2 == 1 {
			order[0], order[1] = order[1], order[0]
		}
		p50 := map[*side]float64{}
		for _, s := range order {
			w, err := b.measure(s, s.single, b.window/2)
			if err != nil {
				return err
			}
			p50[s] = w.p50
		}
		if err := b.disk.measure(30); err != nil {
			return err
		}
		if err := b.sides[plain].single.alternate(100, b.disk.measureOne); err != nil {
			return err
		}
		r.alone = append(r.alone, p50[b.sides[plain]])
		r.added = append(r.added, p50[b.sides[captured]]-p50[b.sides[plain]])
	}
	progress("")
	for _, d := range b.disk.times {
		r.syncs = append(r.syncs, micros(d))
	}
	for _, d := range b.disk.apart {
		r.apart = append(r.apart, micros(d))
	}
	return nil
}

// endToEnd measures how many events a second go the whole line.
func (b *bench) endToEnd(r *report) error {
	s := b.sides[delivered]
	for range max(3, b.pairs/4) {
		progress("end to end")
		w, err := b.closed(s.child, s.load, 2*b.window)
		if err != nil {
			return err
		}
		r.events = append(r.events, w.rate)
		r.lag50 = append(r.lag50, w.p50)
		r.lag99 = append(r.lag99, w.p99)
		r.lost += w.lost
	}
	return nil
}

// profile writes, if it is asked for, where the processor time and the memory
// of the two sides with work behind the request path go.
func (b *bench) profile(*report) error {
	if b.profiles == "" {
		return nil
	}
	for _, s := range []*side{b.sides[captured], b.sides[delivered]} {
		progress("profiling %s", s.name)
		written := b.stage.profile(s.child, s.name, max(1, int(5*b.window/time.Second)))
		_, err := b.measure(s, s.load, 6*b.window)
		if err := errors.Join(err, <-written); err != nil {
			return err
		}
	}
	return nil
}

// memory measures what the process holds with the garbage collector as it
// comes, at rest and under the load of the whole line.
func (b *bench) memory(r *report) error {
	s := &side{name: "memory", path: "/api/projects", owes: true}
	if err := b.add(s, b.wanted(), directive, nil); err != nil {
		return err
	}
	if err := s.child.settle(); err != nil {
		return err
	}
	r.rest, _ = s.child.resident()
	if _, err := b.measure(s, s.load, 5*b.window); err != nil {
		return err
	}
	r.after, r.most = s.child.resident()
	return nil
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// progress says on a terminal what is being done, and nothing in a log.
func progress(format string, args ...any) {
	if info, err := os.Stderr.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		fmt.Fprintf(os.Stderr, "\r\033[K"+format, args...)
	}
}

package main

import (
	"fmt"
	"io"
	"runtime"
	"strings"
)

// The bars, on two cores that load generator, API, proxy and sink share.
const (
	barPassing   = 0.97
	barCaptured  = 0.70
	barDelivered = 0.50
	barAdded     = 200.0 // µs beside one fdatasync
	barEvents    = 4000.0
	barLag       = 50_000.0 // µs
)

// report is what was measured.
type report struct {
	settings
	sides             []*side
	alone, added      []float64 // µs
	syncs, apart      []float64 // µs; in a row, and after a call each
	events            []float64 // per second
	lag50, lag99      []float64 // µs
	lost              int
	fetches           int64
	rest, after, most int64 // bytes
}

// bars is where results are printed, and counts the bars that are not met.
type bars struct {
	io.Writer
	below int
}

func (b *bars) mark(met bool) string {
	if met {
		return "ok"
	}
	b.below++
	return "below"
}

// print writes the tables.
func (r *report) print(out *bars) {
	mark := out.mark
	fmt.Fprintf(out, "%d CPUs, %d connections, %d pairs of %s, %s; medians\n\n",
		runtime.NumCPU(), r.conns, r.pairs, r.window, strings.Join(pinned, " "))
	row := "%-28s %8s %8s %8s %8s   %-18s %s\n"
	fmt.Fprintf(out, row, "", "req/s", "p50 ms", "p99 ms", "CPU µs", "ratio (quartiles)", "bar")
	noise := quantile(r.sides[again].result.ratios, 0.25)
	for i, s := range r.sides[:delivered+1] {
		ratio, bar := median(s.result.ratios), ""
		switch i {
		case passing:
			bar = fmt.Sprintf("≥ %.2f, or within the noise: %s", barPassing, mark(ratio >= barPassing || ratio >= noise))
		case captured:
			bar = fmt.Sprintf("≥ %.2f: %s", barCaptured, mark(ratio >= barCaptured))
		case delivered:
			bar = fmt.Sprintf("≥ %.2f: %s", barDelivered, mark(ratio >= barDelivered))
		}
		ratios := ""
		if i != plain {
			ratios = fmt.Sprintf("%.2f (%.2f–%.2f)", ratio, quantile(s.result.ratios, 0.25), quantile(s.result.ratios, 0.75))
		}
		fmt.Fprintf(out, row, labels[i], whole(median(s.result.rates)), millis(median(s.result.p50)),
			millis(median(s.result.p99)), whole(median(s.result.cpu)), ratios, bar)
	}
	sync, added := median(r.syncs), median(r.added)
	fmt.Fprintf(out, "\none connection, captured: +%s µs p50 on %s; a synced append takes %s in a row, %s after a call\n  bar: ≤ %s µs: %s\n",
		whole(added), whole(median(r.alone)), whole(sync), whole(median(r.apart)), whole(sync+barAdded), mark(added <= sync+barAdded))
	events, lag := median(r.events), median(r.lag99)
	fmt.Fprintf(out, "\nend to end, at most %d events under way: %s events/s, lag p50 %s ms, p99 %s ms\n"+
		"  bar: ≥ %.0f events/s: %s; p99 < %.0f ms: %s; none missing: %s\n",
		r.outstanding, whole(events), millis(median(r.lag50)), millis(lag),
		barEvents, mark(events >= barEvents), barLag/1000, mark(lag < barLag), mark(r.lost == 0))
	fmt.Fprintf(out, "\nresident memory, garbage collector as it comes: %d MiB at rest, at most %d MiB under load, %d MiB after it\n",
		r.rest>>20, r.most>>20, r.after>>20)
	fmt.Fprintf(out, "GETs that Sidehook made: %d\n\n", r.fetches)
}

var labels = []string{
	plain:     "plain Caddy",
	again:     "plain again (the noise)",
	passing:   "Sidehook, not captured",
	captured:  "captured, no subscriber",
	delivered: "captured, one subscriber",
}

func whole(n float64) string   { return fmt.Sprintf("%.0f", n) }
func millis(us float64) string { return fmt.Sprintf("%.2f", us/1000) }

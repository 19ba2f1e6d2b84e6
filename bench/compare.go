package main

import (
	"fmt"
	"time"
)

// compareWindows is how often each rate is measured.
const (
	compareWindows = 3
	compareWindow  = 8 * time.Second
)

// others is what was measured of two other systems on two cores, with durable
// settings: WebhookX with PostgreSQL and Redis, Outpost with RabbitMQ too.
var others = []struct {
	what     string
	webhookx string
	outpost  string
}{
	{"sustained, events/s", "900", "900"},
	{"lag at 200/s, p50/p99 ms", "3.5/18", "32/60"},
	{"CPU ms per event at 200/s", "3.1–4.3", "3.1–4.3"},
	{"CPU ms per event at 900/s", "1.7", "1.7"},
	{"memory idle, MiB", "105", "205"},
}

// compare measures ours as theirs was measured: a call, an event, a webhook to
// one subscriber. Ours includes proxying the call and deriving the event.
func compare(s settings, dir string, out *bars) error {
	st, err := openStage(s, dir)
	if err != nil {
		return err
	}
	defer st.close()
	c, err := st.start("compare", st.subscription("sink", "/webhooks", "project.**"), directive, nil)
	if err != nil {
		return err
	}
	if err := c.settle(); err != nil {
		return err
	}
	idle, anonymous := c.status("VmRSS:"), c.anonymous()
	l, err := dial(c.address, "/api/projects", s.conns)
	if err != nil {
		return err
	}
	defer l.close()
	at := map[int]lagWindow{}
	for _, rate := range []int{200, 900} {
		if at[rate], err = st.steady(c, l, rate); err != nil {
			return err
		}
	}
	most, err := st.sustained(c, l)
	if err != nil {
		return err
	}
	ours := []string{
		whole(most),
		fmt.Sprintf("%s/%s", millis(at[200].p50), millis(at[200].p99)),
		millis(at[200].cpu), millis(at[900].cpu),
		fmt.Sprintf("%d (anonymous %d)", idle>>20, anonymous>>20),
	}
	row := "%-28s %-20s %-10s %s\n"
	fmt.Fprintf(out, row, "beside the others", "Sidehook", "WebhookX", "Outpost")
	for i, o := range others {
		fmt.Fprintf(out, row, o.what, ours[i], o.webhookx, o.outpost)
	}
	fmt.Fprintf(out, "(lag at 900/s: p50/p99 %s/%s ms)\n", millis(at[900].p50), millis(at[900].p99))
	return st.proxying(out)
}

// proxying prints what of ours is plain Caddy's, which proxies the calls.
func (st *stage) proxying(out *bars) error {
	c, err := st.start("plain", "", "", nil)
	if err != nil {
		return err
	}
	idle := c.status("VmRSS:")
	l, err := dial(c.address, "/api/projects", st.conns)
	if err != nil {
		return err
	}
	defer l.close()
	cpu := map[int]float64{}
	for _, rate := range []int{200, 900} {
		var windows []float64
		for range compareWindows {
			progress("plain Caddy, %d calls/s", rate)
			before := c.cpu()
			calls, err := l.pace(rate, compareWindow/2)
			if err != nil {
				return err
			}
			windows = append(windows, micros(c.cpu()-before)/float64(calls))
		}
		cpu[rate] = median(windows)
	}
	progress("")
	fmt.Fprintf(out, "(of it plain Caddy, which proxies the call: %s and %s ms of CPU, %d MiB)\n\n", millis(cpu[200]), millis(cpu[900]), idle>>20)
	return nil
}

// steady measures lag and processor time at a rate; medians of some windows.
func (st *stage) steady(c *child, l *load, rate int) (lagWindow, error) {
	var p50, p99, cpu []float64
	for n := range compareWindows {
		progress("%d events/s, window %d of %d", rate, n+1, compareWindows)
		if err := c.settle(); err != nil {
			return lagWindow{}, err
		}
		before := c.cpu()
		w, err := st.lag(l, rate, compareWindow, nil)
		if err == nil {
			err = c.settle()
		}
		if err != nil {
			return lagWindow{}, err
		}
		p50, p99 = append(p50, w.p50), append(p99, w.p99)
		cpu = append(cpu, micros(c.cpu()-before)/(float64(rate)*compareWindow.Seconds()))
	}
	progress("")
	return lagWindow{p50: median(p50), p99: median(p99), cpu: median(cpu)}, nil
}

// sustained returns how many events a second go the whole line while the clients
// are never more than some events ahead of the sink.
func (st *stage) sustained(c *child, l *load) (float64, error) {
	var rates []float64
	for range compareWindows {
		w, err := st.closed(c, l, compareWindow/2)
		if err != nil {
			return 0, err
		}
		rates = append(rates, w.rate)
	}
	return median(rates), nil
}

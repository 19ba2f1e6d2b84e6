package main

import (
	"fmt"
	"strings"
	"time"
)

// Of the isolation: each of the subscriptions wants the events of a resource of
// its own, and one of them may have a receiver that hangs. A run is long enough
// for its first attempts to have timed out, and been made again.
const (
	isolationRate    = 500 // events per second, over all subscriptions
	isolationRuns    = 5
	isolationTimeout = 2 * time.Second
	isolationRetry   = time.Second
	isolationRun     = isolationTimeout + 2*isolationRetry + isolationTimeout
)

// isolation measures what a receiver that hangs does to the lag of the others,
// against the same without it, in alternating runs of fresh processes.
func isolation(s settings, dir string, out *bars) error {
	st, err := openStage(s, dir)
	if err != nil {
		return err
	}
	defer st.close()
	for _, subscriptions := range []int{20, 100} {
		var lags lagPairs
		attempts := int64(0)
		for run := range 2 * isolationRuns {
			progress("1 of %d hangs, run %d of %d", subscriptions, run+1, 2*isolationRuns)
			with := (run+run/2)%2 == 0
			before := st.sink.hung.Load()
			w, err := st.isolated(fmt.Sprintf("%d-%d", subscriptions, run), subscriptions, with)
			if err != nil {
				return err
			}
			lags.add(with, w)
			attempts = max(attempts, st.sink.hung.Load()-before)
		}
		progress("")
		fmt.Fprintf(out, "1 receiver that hangs and %d that are well, %d events/s for %s (it got %d requests in a run)\n",
			subscriptions-1, isolationRate, isolationRun, attempts)
		lags.print(out, "the healthy ones", "it")
	}
	fmt.Fprintln(out)
	return nil
}

// isolated measures the lag of all subscriptions but the first, which hangs or
// does not.
func (st *stage) isolated(name string, subscriptions int, with bool) (w lagWindow, err error) {
	var global, resources strings.Builder
	paths := make([]string, subscriptions)
	for i := range paths {
		path := fmt.Sprintf("/webhooks/%d", i)
		if i == 0 && with {
			path = hanging + path
		}
		global.WriteString(st.subscription(fmt.Sprintf("s%d", i), path, fmt.Sprintf("r%d.**", i),
			"timeout "+isolationTimeout.String(), fmt.Sprintf("retry %s %s 1m", isolationRetry, isolationRetry)))
		paths[i] = fmt.Sprintf("/api/r%d", i)
		fmt.Fprintf(&resources, "\t\tresource r%d %s\n", i, paths[i])
	}
	c, err := st.start(name, global.String(), "sidehook {\n"+resources.String()+"\t}", nil)
	if err != nil {
		return w, err
	}
	defer c.Kill()
	l, err := dialEach(c.address, paths...)
	if err != nil {
		return w, err
	}
	defer l.close()
	var deaf []*conn
	if with {
		deaf = l.conns[:1]
	}
	if _, err := st.lag(l, isolationRate, time.Second, deaf); err != nil { // to warm up
		return w, err
	}
	return st.lag(l, isolationRate, isolationRun, deaf)
}

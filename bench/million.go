package main

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sidehook/sidehook/internal/proc"
)

// Of the million: what is owed to a receiver that is dead, while another one is
// well.
const (
	millionEvents   = 1_000_000
	millionEntities = 100_000
	millionRate     = 200 // events per second to the healthy one
	millionWindows  = 5   // with and without the backlog, in turns
	millionWindow   = 4 * time.Second
	millionQuiet    = 2 * time.Minute // the most that putting the files in order may take

	// compactsWithin is how soon after its opening Badger begins to put its files
	// in order, for certain.
	compactsWithin = 2 * time.Second

	barMemory  = 200 << 20 // bytes, anonymous
	barRestart = 3 * time.Second
)

// million measures what a large backlog costs that cannot be delivered: memory,
// the time of a start, the disk, and the lag of another subscriber.
func million(s settings, dir string, out *bars) error {
	st, err := openStage(s, dir)
	if err != nil {
		return err
	}
	defer st.close()
	owed := backlog{subscription: "dead", events: millionEvents, entities: millionEntities}
	bytes, err := owed.fill(st.data("million"))
	if err != nil {
		return err
	}
	dead, err := proc.FreeAddresses(1)
	if err != nil {
		return err
	}
	subscriptions := st.subscription("dead", "http://"+dead[0]+"/", "project.**") +
		st.subscription("sink", "/webhooks", "thing.**")
	with, first, restart, err := st.restarts("million", subscriptions)
	if err != nil {
		return err
	}
	without, err := st.start("none", subscriptions, twoResources, nil)
	if err != nil {
		return err
	}
	profiled := st.profile(with, "million", int(millionWindow/time.Second))
	most, stop := watch(with)
	lags, err := st.alternate(with, without)
	stop()
	if err := errors.Join(err, <-profiled); err != nil {
		return err
	}
	fmt.Fprintf(out, "%d deliveries queued for a dead receiver: %.0f bytes on disk for an event with its delivery\n",
		owed.events, float64(bytes)/float64(owed.events))
	fmt.Fprintf(out, "  anonymous memory at most %d MiB (without the backlog %d; while the files of the filling are put in order %d)\n"+
		"    bar: < %d MiB: %s\n", most.Load()>>20, without.anonymous()>>20, first>>20, barMemory>>20, out.mark(most.Load() < barMemory))
	fmt.Fprintf(out, "  restart to serving after kill -9 %.2f s\n    bar: < %.0f s: %s\n",
		restart.Seconds(), barRestart.Seconds(), out.mark(restart < barRestart))
	lags.print(out, fmt.Sprintf("the healthy subscription at %d events/s", millionRate), "the backlog")
	fmt.Fprintln(out)
	return nil
}

// restarts starts a process on what was filled, lets it do what the filling,
// which was fast, has left to do to the files, and starts it again as after a
// crash. It returns the process, the most memory of the first start, and the
// longest time of the others.
func (st *stage) restarts(name, subscriptions string) (c *child, first int64, restart time.Duration, err error) {
	if c, err = st.start(name, subscriptions, twoResources, nil); err != nil {
		return nil, 0, 0, err
	}
	most, stop := watch(c)
	time.Sleep(compactsWithin)
	err = c.quiet(millionQuiet)
	stop()
	for n := 0; n < 2 && err == nil; n++ {
		c.Kill()
		began := time.Now()
		c, err = st.start(name, subscriptions, twoResources, nil)
		restart = max(restart, time.Since(began))
	}
	return c, most.Load(), restart, err
}

// twoResources are what the measured process captures.
const twoResources = "sidehook {\n\t\tresource project /api/projects\n\t\tresource thing /api/things\n\t}"

// alternate measures the lag of what is written to things, in turns with and
// without what is bad.
func (st *stage) alternate(with, without *child) (lags lagPairs, err error) {
	sides := [2]*load{}
	for i, c := range []*child{with, without} {
		if sides[i], err = dial(c.address, "/api/things", 8); err != nil {
			return lags, err
		}
		defer sides[i].close()
		if _, err = sides[i].pace(millionRate, time.Second); err != nil { // to warm up
			return lags, err
		}
	}
	for n := range 2 * millionWindows {
		progress("lag, window %d of %d", n+1, 2*millionWindows)
		side := (n + n/2) % 2 // 0 1 1 0 0 1 1 0
		w, err := st.lag(sides[side], millionRate, millionWindow, nil)
		if err != nil {
			return lags, err
		}
		lags.add(side == 0, w)
	}
	progress("")
	return lags, nil
}

// watch notes the most memory that c holds from now on until stop is called.
func watch(c *child) (most *atomic.Int64, stop func()) {
	most, done := new(atomic.Int64), make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		for {
			most.Store(max(most.Load(), c.anonymous()))
			select {
			case <-done:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	})
	return most, func() {
		close(done)
		watching.Wait()
	}
}

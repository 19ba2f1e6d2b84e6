package derive

import (
	"testing"
	"testing/synctest"
	"time"
)

// One waits for those that are under way, also while others begin.
func TestFlightsLand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f flights
		<-f.landed()
		start := time.Now()
		f.Go(func() { time.Sleep(time.Second) })
		f.Go(func() { time.Sleep(3 * time.Second) })
		first := f.landed()
		time.Sleep(2 * time.Second)
		f.Go(func() { time.Sleep(2 * time.Second) })
		second := f.landed()
		<-first
		if d := time.Since(start); d != 4*time.Second {
			t.Errorf("landed after %v", d)
		}
		<-second
		f.Go(func() { time.Sleep(time.Second) })
		<-f.landed()
		if d := time.Since(start); d != 5*time.Second {
			t.Errorf("the last landed after %v", d)
		}
	})
}

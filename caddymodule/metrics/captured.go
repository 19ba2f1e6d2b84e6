package metrics

import (
	"maps"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sidehook/sidehook/webhook"
)

// Captured finds the counters of captured calls, which every call needs,
// by less than their labels. It is safe for concurrent use.
type Captured struct {
	mu    sync.Mutex
	byAPI atomic.Pointer[map[string]*endingCounters] // replaced, never changed
}

// endingCounters are those of one API, by [webhook.Ending].
type endingCounters [webhook.Rejected + 1]prometheus.Counter

// Of returns the counter of calls that ended as x did.
func (c *Captured) Of(x *webhook.Exchange) prometheus.Counter {
	if known := c.byAPI.Load(); known != nil {
		if counters := (*known)[x.API]; counters != nil {
			return counters[x.Ending]
		}
	}
	return c.add(x.API)[x.Ending]
}

func (c *Captured) add(api string) *endingCounters {
	c.mu.Lock()
	defer c.mu.Unlock()
	counters := new(endingCounters)
	for e := range counters {
		counters[e] = Process.captured.WithLabelValues(api, webhook.Ending(e).String())
	}
	all := make(map[string]*endingCounters)
	if known := c.byAPI.Load(); known != nil {
		maps.Copy(all, *known)
	}
	all[api] = counters
	c.byAPI.Store(&all)
	return counters
}

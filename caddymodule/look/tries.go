package look

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// longer is waitFirst, doubled n times, at most most, and up to a tenth more.
func longer(n int, most time.Duration) time.Duration {
	wait := min(waitFirst<<min(n, 20), most)
	return wait + rand.N(wait/10+1)
}

// maxTries bounds the deliveries whose tries are counted. Beyond it all are
// forgotten, and asked for sooner than they might be.
const maxTries = 4096

// tries counts how often in a row the API did not say. Its zero value is ready.
type tries struct {
	mu sync.Mutex
	of map[webhook.DeliveryID]int
}

// next counts one more, and returns how long to wait.
func (t *tries) next(id webhook.DeliveryID) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.of == nil || len(t.of) >= maxTries {
		t.of = map[webhook.DeliveryID]int{}
	}
	n := t.of[id]
	t.of[id]++
	return longer(n, waitMost)
}

// end forgets a delivery of which the API has said something.
func (t *tries) end(id webhook.DeliveryID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.of, id)
}

package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// kills is how often the process is killed. SIDEHOOK_KILLS changes it.
const kills = 50

// howOften is what SIDEHOOK_KILLS says, or otherwise.
func howOften(otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv("SIDEHOOK_KILLS")); err == nil {
		return n
	}
	return otherwise
}

// sizes of the answers. Beyond 4 KB an answer leaves net/http's buffer before
// the handler returns, so only the held byte keeps its end back.
var sizes = []int{40, 900, 6000, 60000}

// itemAPI answers PATCH /items/{id} with the entity: what was sent, and padding.
func itemAPI() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("PATCH /items/{id}", func(w http.ResponseWriter, r *http.Request) {
		var in struct{ N, Size int }
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		body := fmt.Appendf(nil, `{"id":%q,"n":%d,"size":%d,"pad":%q}`, r.PathValue("id"), in.N, in.Size, strings.Repeat("x", in.Size))
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.Write(body)
	})
	return mux
}

// acked is what clients know: the writes whose whole 2xx answer they have.
type acked struct {
	mu sync.Mutex
	ns map[string][]int // by entity

	next chan struct{} // closed as the next one is added; nil: nobody waits
}

func (a *acked) add(id string, n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ns[id] = append(a.ns[id], n)
	if a.next != nil {
		close(a.next)
		a.next = nil
	}
}

// nextOne returns a channel that is closed as the next write is acknowledged.
func (a *acked) nextOne() <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	next := make(chan struct{})
	a.next = next
	return next
}

func (a *acked) count() (n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, ns := range a.ns {
		n += len(ns)
	}
	return n
}

// killAndRestart runs writers against p and kills and restarts it so many
// times, a third of them as it recovers; it returns what was acknowledged, when p runs for the last time.
func killAndRestart(t *testing.T, p *process, times int) *acked {
	t.Helper()
	a := &acked{ns: make(map[string][]int)}
	stop := make(chan struct{})
	var done sync.WaitGroup
	for i, do := range rounds {
		done.Go(func() { a.write(p.site, fmt.Sprintf("w%d", i), do, stop) })
	}
	for killed := 0; killed < times; {
		before := a.count()
		until(t, "clients are served", func() bool { return a.count() > before+len(rounds) })
		moment := time.NewTimer(time.Duration(rand.IntN(150)) * time.Millisecond)
		if <-moment.C; rand.IntN(2) == 0 {
			<-a.nextOne() // right as a client sees the end of its answer
		}
		p.kill()
		killed += 1 + p.startAmidDeaths()
	}
	close(stop)
	done.Wait()
	return a
}

// delivered is what a receiver accepted, by entity: first arrivals in order.
type delivered struct {
	order map[string][]int            // the n of each event, in order of first arrival
	ids   map[string]map[int][]string // the ids under which each n came
	seqs  map[string][]uint64         // the sequence of each event
	seen  map[string]struct{}         // ids
	vague map[string]int              // events that do not say what was written: gaps, and updates without data
	count int
}

func tally(arrivals []arrival) *delivered {
	d := &delivered{
		order: map[string][]int{}, ids: map[string]map[int][]string{},
		seqs: map[string][]uint64{}, seen: map[string]struct{}{}, vague: map[string]int{}, count: len(arrivals),
	}
	for _, a := range arrivals {
		if _, again := d.seen[a.ID]; again {
			continue // at least once: a repeat under the same id
		}
		d.seen[a.ID] = struct{}{}
		var item struct{ N int }
		json.Unmarshal(a.Body.Data, &item)
		id := a.Body.Entity.ID
		if strings.HasSuffix(a.Body.Type, ".deleted") {
			item.N = gone
		}
		if item.N == 0 {
			d.vague[id]++
			continue
		}
		if d.ids[id] == nil {
			d.ids[id] = map[int][]string{}
		}
		d.ids[id][item.N] = append(d.ids[id][item.N], a.ID)
		d.order[id] = append(d.order[id], item.N)
		d.seqs[id] = append(d.seqs[id], a.Body.Entity.Sequence)
	}
	return d
}

// oneIDEach fails the test for each write that came under several ids.
func (d *delivered) oneIDEach(t *testing.T, who string) {
	t.Helper()
	for id, byN := range d.ids {
		for n, ids := range byN {
			if len(ids) != 1 {
				t.Errorf("%s: %s n=%d came under %d ids: %v", who, id, n, len(ids), ids)
			}
		}
	}
}

// lost returns the acknowledged writes that did not arrive. Of a write whose
// answer said nothing, an event that says so as well will do.
func (a *acked) lost(d *delivered) (lost []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for id, ns := range a.ns {
		vague := 0
		if strings.HasPrefix(id, "q") {
			vague = d.vague[id]
		}
		for _, n := range ns {
			if len(d.ids[id][n]) > 0 {
				continue
			}
			if vague--; vague < 0 {
				lost = append(lost, fmt.Sprintf("%s n=%d", id, n))
			}
		}
	}
	return lost
}

// TestPromise2SuccessMeansStored and TestPromise4AtLeastOnceSameID under the
// hardest conditions: kill -9 at random moments under concurrent writes.
func TestKill(t *testing.T) {
	times := howOften(kills)
	api := serve(t, newMixedAPI())
	crm := receive(t, nil)
	p := start(t, caddyfile(subscribe("crm", crm, mixedScopes), mixedConfig, api.URL))
	a := killAndRestart(t, p, times)

	until(t, "everything acknowledged has arrived", func() bool {
		return len(crm.took()) >= a.count() && len(a.lost(tally(crm.took()))) == 0
	})
	d := tally(crm.took())
	vague := 0
	for _, n := range d.vague {
		vague += n
	}
	t.Logf("%d kills, %d acknowledged, %d events, %d of them say that they do not know, %d requests", times, a.count(), len(d.seen), vague, d.count)
	d.oneIDEach(t, "crm")
	for id, ns := range d.order {
		for i := 1; i < len(ns); i++ {
			if ns[i] <= ns[i-1] || d.seqs[id][i] <= d.seqs[id][i-1] {
				t.Errorf("%s: n=%d (#%d) came behind n=%d (#%d)", id, ns[i], d.seqs[id][i], ns[i-1], d.seqs[id][i-1])
			}
		}
	}
}

// TestKillNoticesABrokenPromise runs the same traffic and the same kills against
// a sidehook that answers before the end is written, and one that holds no byte
// back. Acknowledged writes must be lost, or TestKill proves nothing; by how many
// kills is a matter of luck. A slow disk alone must lose none.
func TestKillNoticesABrokenPromise(t *testing.T) {
	for control, broken := range map[string]bool{"end-later": true, "hold-nothing": true, "slow-disk": false} {
		t.Run(control, func(t *testing.T) {
			lost := lostByKills(t, control)
			for more := 0; broken && lost == 0 && more < 9; more++ {
				lost = lostByKills(t, control)
			}
			if broken != (lost > 0) {
				t.Errorf("the promise is broken: %v, and writes are lost: %v", broken, lost > 0)
			}
		})
	}
}

// lostByKills returns how many acknowledged writes 10 kills of a control lost.
func lostByKills(t *testing.T, control string) int {
	t.Helper()
	api := serve(t, newMixedAPI())
	crm := receive(t, nil)
	p := prepare(t, caddyfile(subscribe("crm", crm, mixedScopes), mixedConfig, api.URL))
	p.binary, p.env = controls, []string{"SIDEHOOK_CONTROL=" + control}
	p.start()
	a := killAndRestart(t, p, 10)
	until(t, "everything recorded has arrived", p.settled)
	lost := a.lost(tally(crm.took()))
	t.Logf("%d of %d acknowledged writes lost by 10 kills", len(lost), a.count())
	p.stop()
	return len(lost)
}

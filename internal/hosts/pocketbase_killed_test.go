package hosts

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// Sidehook is killed amid the calls of three clients, again and again. What
// PocketBase says had changed is told all the same, with the same id if it is
// told again, or there is a gap that says that something may be missing; and
// nothing is told that never was.
func TestPocketBaseThroughDeaths(t *testing.T) {
	only(t, "pocketbase")
	p := startPocket(t)
	var clients sync.WaitGroup
	var answered atomic.Int64
	var over atomic.Bool
	for i := range 3 {
		id := fmt.Sprintf("mortalmortal00%d", i)
		p.client().does(200, "POST", notes, fmt.Sprintf(`{"id":"%s","title":"0"}`, id))
		clients.Go(func() {
			for n := 1; !over.Load(); n++ {
				if p.tries("PATCH", notes+"/"+id, fmt.Sprintf(`{"title":"%d"}`, n)) == 200 {
					answered.Add(1)
				}
			}
		})
	}
	for range 4 {
		enough := answered.Load() + 40
		until(t, "forty more calls are answered", func() bool { return answered.Load() >= enough })
		p.killed()
	}
	over.Store(true)
	clients.Wait()
	p.wantAllOrGaps()
}

// wantAllOrGaps fails the test if a state that the feed has is not told, and no
// gap of its entity or resource says so, or if a state is told that the feed
// does not have.
func (p *pocket) wantAllOrGaps() {
	p.t.Helper()
	events, _ := p.arrived()
	gaps, told := map[string]bool{}, map[string]bool{}
	for _, e := range events {
		if strings.HasSuffix(e.Type, ".gap") {
			gaps[e.Entity.Type+"/"+e.Entity.ID] = true
		} else {
			told[text(object(p.t, string(e.Data)))] = true
		}
	}
	missing, all := 0, map[string]bool{}
	for entity, states := range p.account() {
		for _, s := range states {
			state := text(object(p.t, s.body))
			if all[state] = true; told[state] {
				continue
			}
			missing++
			if !gaps[entity] && !gaps["notes/"] {
				p.t.Errorf("not told, and no gap says so: %s", state)
			}
		}
	}
	for state := range told {
		if !all[state] {
			p.t.Errorf("told, and PocketBase never had it: %s", state)
		}
	}
	p.t.Logf("%d states, %d of them only told of by gaps", len(all), missing)
}

// tries makes a call that Sidehook may not survive. It returns the status, 0 if
// there was none.
func (s *stage) tries(method, path, body string) int {
	req, err := http.NewRequest(method, s.site+path, strings.NewReader(body))
	if err != nil {
		return 0
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
)

// sequences is how many are run, and one in mortal of them through deaths and
// reloads. SIDEHOOK_SEQUENCES changes how many, SIDEHOOK_SEED the seed of the first.
const sequences, calls, mortal = 2000, 8, 4

// told is an event as the admin endpoint shows it.
type told struct {
	Position  uint64
	Scope     string
	Operation string
	Entity    struct{ Resource, ID string }
	Sequence  uint64
	Before    state
	After     state
	Params    map[string]string
	Gap       *struct{ Reason, Detail string }

	Provenance struct {
		Before, After, Confidence string
		Unknown                   []string
		Concurrent                bool
	}
}

// world is a sidehook in front of the model.
type world struct {
	*process
	model  *model
	n      atomic.Uint64
	client *http.Client
	read   uint64
	events map[string][]told // by sequence, in order
}

// Random sequences of calls by several clients, some at once, against an API that
// answers in every way: the events of each entity, applied to an empty state,
// give the API's state, or say where they do not know.
func TestEventsAreWhatTheAPIDid(t *testing.T) {
	n, first := sequences, uint64(1)
	if v, err := strconv.Atoi(os.Getenv("SIDEHOOK_SEQUENCES")); err == nil {
		n = v
	} else if testing.Short() {
		n = sequences / 10
	}
	if v, err := strconv.ParseUint(os.Getenv("SIDEHOOK_SEED"), 10, 64); err == nil {
		first = v
	}
	m := newModel()
	api := httptest.NewUnstartedServer(m)
	api.Config.ErrorLog = quietLog
	api.Start()
	t.Cleanup(api.Close)
	w := &world{model: m, events: map[string][]told{}, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 32}}}
	w.process = start(t, caddyfile("", "\t\tresource item /s/{sequence}/items", api.URL))
	seeds := make([]uint64, n)
	for i := range seeds {
		seeds[i] = first + uint64(i)
	}
	steps := func(seed uint64) []step { return script(seed, calls) }
	calm := n - n/mortal
	w.judge(t, seeds[:calm], w.runAll(t, seeds[:calm], steps), true)
	w.judge(t, seeds[calm:], w.runAmidDeaths(t, seeds[calm:], steps, api.URL), false)
}

// judge fails the test if the events of a sequence contradict what the API did.
// One that fails by itself is told without the steps that do not matter.
func (w *world) judge(t *testing.T, seeds []uint64, names []string, again bool) {
	t.Helper()
	gaps, events := 0, 0
	for i, name := range names {
		events += len(w.events[name])
		for _, e := range w.events[name] {
			if e.Gap != nil {
				gaps++
			}
		}
		err := w.check(name)
		if err == "" {
			continue
		}
		steps := script(seeds[i], calls)
		if again {
			steps = w.shrink(t, steps)
		}
		t.Fatalf("%s of seed %d: %s\nits steps: %s", name, seeds[i], err, printed(steps))
	}
	t.Logf("%d sequences of %d calls, %d events, %d of them gaps", len(names), calls, events, gaps)
}

// runAll runs a sequence for each seed and reads their events.
func (w *world) runAll(t *testing.T, seeds []uint64, steps func(uint64) []step) []string {
	t.Helper()
	names := w.play(seeds, steps)
	w.readEvents(t)
	return names
}

// play runs a sequence for each seed and returns their names.
func (w *world) play(seeds []uint64, steps func(uint64) []step) []string {
	names := make([]string, len(seeds))
	next := make(chan int)
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for i := range next {
				names[i] = fmt.Sprintf("q%d", w.n.Add(1))
				w.run(names[i], steps(seeds[i]))
			}
		})
	}
	for i := range seeds {
		next <- i
	}
	close(next)
	all.Wait()
	return names
}

func (w *world) readEvents(t *testing.T) {
	t.Helper()
	until(t, "all is derived", w.settled)
	for {
		var some []told
		w.get(fmt.Sprintf("/sidehook/events?max=1000&after=%d", w.read), &some)
		if len(some) == 0 {
			return
		}
		for _, e := range some {
			w.read = e.Position
			sequence := e.Params["sequence"]
			w.events[sequence] = append(w.events[sequence], e)
		}
	}
}

// run makes the calls of one sequence.
func (w *world) run(name string, steps []step) {
	for i := 0; i < len(steps); i++ {
		id := fmt.Sprintf("%s/%d", name, i)
		u := w.model.expect(id, steps[i])
		if i+1 == len(steps) || !steps[i+1].With {
			w.do(name, id, u)
			continue
		}
		i++
		other := w.model.expect(fmt.Sprintf("%s/%d", name, i), steps[i])
		u.partner, other.partner = other, u
		var both sync.WaitGroup
		both.Go(func() { w.do(name, id, u) })
		both.Go(func() { w.do(name, fmt.Sprintf("%s/%d", name, i), other) })
		both.Wait()
	}
}

// do makes one call.
func (w *world) do(name, call string, u *underway) {
	path := "/s/" + name + "/items"
	if u.Verb != http.MethodPost {
		w.model.mu.Lock()
		made := w.model.made[name]
		w.model.mu.Unlock()
		if len(made) == 0 {
			return
		}
		path += "/" + made[u.Of%len(made)]
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if u.Fate == "gone" {
		go func() {
			select {
			case <-u.committed:
				cancel()
			case <-ctx.Done():
			}
		}()
	}
	body, _ := json.Marshal(u.Set)
	for ctx.Err() == nil {
		r, _ := http.NewRequestWithContext(ctx, u.Verb, w.site+path, bytes.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-Call", call)
		resp, err := w.client.Do(r)
		if err == nil {
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
		if !unreached(err) {
			return
		}
	}
}

// unreached reports whether err is that nobody listened: sidehook is down.
func unreached(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// shrink leaves out steps as long as the sequence fails.
func (w *world) shrink(t *testing.T, steps []step) []step {
	for i := len(steps) - 1; i > 0; i-- {
		fewer := slices.Delete(slices.Clone(steps), i, i+1)
		name := w.runAll(t, []uint64{0}, func(uint64) []step { return fewer })[0]
		if w.check(name) != "" {
			steps = fewer
		}
	}
	return steps
}

// check says how the events of a sequence contradict what the API did.
func (w *world) check(name string) string {
	byID := map[string][]told{}
	for _, e := range w.events[name] {
		byID[e.Entity.ID] = append(byID[e.Entity.ID], e)
	}
	for _, id := range w.model.made[name] {
		history := w.model.history[id]
		if len(byID[id]) == 0 && len(byID[""]) == 0 {
			return fmt.Sprintf("%s has no event, and was %v", id, history)
		}
		if why := chain(byID[id], history); why != "" {
			text, _ := json.Marshal(byID[id])
			return fmt.Sprintf("%s: %s\nthe API had %s\nthe events are %s", id, why, printed(history), text)
		}
	}
	return ""
}

func printed(v any) string {
	text, _ := json.Marshal(v)
	return string(text)
}

// chain says what is wrong with the events of one entity.
func chain(events []told, history []state) string {
	var last *told
	partial := false
	for i := range events {
		e := &events[i]
		partial = e.partial(partial)
		if e.Sequence != uint64(i+1) {
			return fmt.Sprintf("event %d has sequence %d", i+1, e.Sequence)
		}
		if last != nil && e.Provenance.Before == "snapshot" && e.Before != nil && last.After != nil && !same(e.Before, last.After, nil) {
			return fmt.Sprintf("event %d has another before than the after of the one before it", i+1)
		}
		if e.After != nil && !e.Provenance.Concurrent && !slices.ContainsFunc(history, func(s state) bool { return s != nil && same(e.After, s, e.doubts(partial)) }) {
			return fmt.Sprintf("event %d has a state that never was", i+1)
		}
		last = e
	}
	if last == nil || last.Gap != nil || last.Provenance.Concurrent {
		return ""
	}
	now := history[len(history)-1]
	switch {
	case last.Operation == "deleted" && now != nil:
		return "it was told as deleted, and is there"
	case last.Operation != "deleted" && now == nil:
		return "it is gone, and was not told as deleted"
	case last.After != nil && now != nil && !same(last.After, now, last.doubts(partial)):
		return "the last state told is not the API's"
	}
	return ""
}

// doubts are the fields that e does not claim to know. partial says that all that
// was told of the entity before are parts: answers that only repeat requests.
func (e *told) doubts(partial bool) []string {
	doubts := slices.Clone(e.Provenance.Unknown)
	for _, name := range []string{"a", "b", "c", "d"} {
		if _, ok := e.After[name]; !ok && partial {
			doubts = append(doubts, name)
		}
	}
	return doubts
}

// partial says whether what e tells is a part, as all that was told before is.
func (e *told) partial(before bool) bool {
	switch {
	case e.Provenance.Confidence != "inferred":
		return false
	case e.Provenance.After == "response":
		return true // as good as the request
	}
	return before && e.Provenance.After == "computed"
}

// same compares two states but for what is unknown in one.
func same(a, b state, unknown []string) bool {
	for _, name := range []string{"id", "a", "b", "c", "d"} {
		if !slices.Contains(unknown, name) && fmt.Sprint(a[name]) != fmt.Sprint(b[name]) {
			return false
		}
	}
	return true
}

// quietLog drops what net/http says of handlers that break off.
var quietLog = log.New(io.Discard, "", 0)

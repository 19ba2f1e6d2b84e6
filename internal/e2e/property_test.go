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
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sidehook/sidehook/internal/model"
)

// sequences is how many are run, and one in mortal of them through deaths and
// reloads. SIDEHOOK_SEQUENCES changes how many, SIDEHOOK_SEED the seed of the first.
const sequences, calls, mortal = 400, 8, 4

// world is a sidehook in front of the model.
type world struct {
	*process
	model  *modelServer
	n      atomic.Uint64
	client *http.Client
	read   uint64
	events map[string][]model.Event // by sequence, in order
}

// Random sequences of calls by several clients, some at once, against an API that
// answers in every way: the events say exactly what changed in it and from what, or
// where they do not know, and each call that changed something is told, or a gap is.
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
	w := &world{model: m, events: map[string][]model.Event{}, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 32}}}
	w.process = start(t, modelConfig("", api.URL))
	seeds := make([]uint64, n)
	for i := range seeds {
		seeds[i] = first + uint64(i)
	}
	steps := func(seed uint64) (model.Style, []model.Step) { return model.Script(seed, calls) }
	calm := n - n/mortal
	w.judge(t, seeds[:calm], w.runAll(t, seeds[:calm], steps), false)
	w.judge(t, seeds[calm:], w.runAmidDeaths(t, seeds[calm:], steps, api.URL), true)
}

// judge fails the test if the events of a sequence contradict what the API did.
// One that fails by itself is told without the steps that do not matter.
func (w *world) judge(t *testing.T, seeds []uint64, names []string, amidDeaths bool) {
	t.Helper()
	gaps, events, failed := 0, 0, 0
	for i, name := range names {
		events += len(w.events[name])
		for _, e := range w.events[name] {
			if e.Gap != nil {
				gaps++
			}
		}
		err := w.model.Judge(name, w.events[name], amidDeaths)
		if err == "" {
			continue
		}
		style, steps := model.Script(seeds[i], calls)
		if !amidDeaths {
			steps = w.shrink(t, style, steps)
		}
		t.Errorf("%s of SIDEHOOK_SEED=%d: %s\nits style: %+v\nits steps:\n%s", name, seeds[i], err, style, told(steps))
		if failed++; failed == maxTold {
			break
		}
	}
	t.Logf("%d sequences of %d calls, %d events, %d of them gaps", len(names), calls, events, gaps)
}

// runAll runs a sequence for each seed and reads their events.
func (w *world) runAll(t *testing.T, seeds []uint64, steps script) []string {
	t.Helper()
	names := w.play(seeds, steps)
	w.readEvents(t)
	return names
}

// script makes the style and the steps of a seed.
type script func(seed uint64) (model.Style, []model.Step)

// play runs a sequence for each seed and returns their names.
func (w *world) play(seeds []uint64, steps script) []string {
	names := make([]string, len(seeds))
	next := make(chan int)
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for i := range next {
				names[i] = fmt.Sprintf("q%d", w.n.Add(1))
				style, all := steps(seeds[i])
				w.run(names[i], &style, all)
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
	w.model.later.Wait()
	until(t, "no call is under way", func() bool { return !callsUnderWay.MatchString(w.metrics()) })
	until(t, "all is derived", w.settled)
	for {
		var some []model.Event
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

// callsUnderWay finds in Caddy's metrics that a call has not ended.
var callsUnderWay = regexp.MustCompile(`(?m)^caddy_http_requests_in_flight\{.*\} [1-9]`)

// modelConfig has the resources of the model, and lines for their handler.
func modelConfig(lines, api string) string {
	return strings.Replace(caddyfile("", lines+modelSite, api), "grace_period 1s", "grace_period 1s\n\tmetrics", 1)
}

// run makes the calls of one sequence.
func (w *world) run(name string, style *model.Style, steps []model.Step) {
	w.model.Begin(name, style)
	var last *model.Call
	var left []*model.Call // of clients that hung up: nobody knows when they end
	expect := func(i int) *underway {
		if last = w.model.Call(name, i, steps[i], last); last == nil {
			return nil
		}
		for _, c := range left {
			w.model.AtOnce(c, last)
		}
		if last.Fate == "gone" {
			left = append(left, last)
		}
		return w.model.expect(last)
	}
	for i := 0; i < len(steps); i++ {
		u := expect(i)
		if u == nil {
			continue
		}
		if i+1 == len(steps) || !steps[i+1].With {
			w.do(u)
			continue
		}
		i++
		other := expect(i)
		w.model.AtOnce(u.Call, other.Call)
		u.partner, other.partner = other, u
		var both sync.WaitGroup
		both.Go(func() { w.do(u) })
		both.Go(func() { w.do(other) })
		both.Wait()
	}
}

// do makes one call.
func (w *world) do(u *underway) {
	path, query := u.Path()
	if query != "" {
		path += "?" + query
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
	for ctx.Err() == nil {
		r, _ := http.NewRequestWithContext(ctx, u.Verb, w.site+path, bytes.NewReader(u.Body()))
		r.Header.Set("Content-Type", u.Type())
		r.Header.Set("X-Request-Id", u.ID)
		r.Header.Set("Authorization", "admin")
		if u.Guest {
			r.Header.Set("Authorization", "guest")
		}
		if u.Key != "" {
			r.Header.Set("Idempotency-Key", u.Key)
		}
		resp, err := w.client.Do(r)
		if err == nil {
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
		if !unreached(err) {
			break
		}
	}
	if u.Fate == "late" {
		select {
		case <-u.here: // what comes at any time later, nobody could tell from what others do
			<-u.committed
		default: // it never came to the API
		}
	}
}

// unreached reports whether err is that nobody listened: sidehook is down.
func unreached(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// shrink leaves out steps as long as the sequence fails.
func (w *world) shrink(t *testing.T, style model.Style, steps []model.Step) []model.Step {
	for i := len(steps) - 1; i > 0; i-- {
		fewer := slices.Delete(slices.Clone(steps), i, i+1)
		if i < len(fewer) && (fewer[i].Again || fewer[i].With) {
			continue
		}
		name := w.runAll(t, []uint64{0}, func(uint64) (model.Style, []model.Step) { return style, fewer })[0]
		if w.model.Judge(name, w.events[name], false) != "" {
			steps = fewer
		}
	}
	return steps
}

// maxTold bounds the sequences that are told of when a test fails.
const maxTold = 5

func told(steps []model.Step) string {
	var b strings.Builder
	for i := range steps {
		fmt.Fprintf(&b, "%+v\n", steps[i])
	}
	return b.String()
}

// quietLog drops what net/http says of handlers that break off.
var quietLog = log.New(io.Discard, "", 0)

func printed(v any) string {
	text, _ := json.Marshal(v)
	return string(text)
}

package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sidehook/sidehook/internal/proc"
)

// policyKills is how often the process is killed while policies are at work.
// SIDEHOOK_KILLS changes it.
const policyKills = 12

// Of the siege: so many entities are written to, each every so often. That is
// less than the slow receiver can take, so what is late is not for want of it. They
// are many, for of each, where order is kept, one delivery at most can be accepted
// and not recorded: with few of them nothing could be repeated often.
const (
	besieged  = 64
	siegePace = 1200 * time.Millisecond
	slowness  = 100 * time.Millisecond
)

// repeatsEach is how many repeats one receiver may get after one kill, on average:
// what was under way, 8 as a subscription has by default, and as many that were
// answered and not yet recorded.
const repeatsEach = 16

// lateAtMost is how long after a restart what was in flight may come again: a
// second, as `make kill` judges it, where nothing else runs. Beside other tests
// only a wait for something to expire is told from a slow machine.
func lateAtMost() time.Duration {
	if os.Getenv("SIDEHOOK_KILLS") != "" {
		return time.Second
	}
	return 10 * time.Second
}

// siege is receivers of every kind in front of a process that is killed.
type siege struct {
	t *testing.T
	p *process

	slow, flaky, tired, holding, paused, replayed *receiver

	mu   sync.Mutex
	open map[string]int // ids that slow has and has not answered

	late []time.Duration // how long after the restart these came again
	cut  int             // how many there were

	did map[string]int // what an operator asked for and got, and how often
}

// kinds are the receivers by the names of their subscriptions.
func (s *siege) kinds() map[string]*receiver {
	return map[string]*receiver{
		"slow": s.slow, "flaky": s.flaky, "tired": s.tired, "holding": s.holding, "paused": s.paused, "replayed": s.replayed,
	}
}

// newSiege besieges the product; or a control of it, if it is named.
func newSiege(t *testing.T, control string) *siege {
	s := &siege{t: t, open: map[string]int{}, did: map[string]int{}}
	s.slow, s.flaky, s.tired = receive(t, s.answerSlowly), receive(t, failing(1, 3)), receive(t, failing(2, 5))
	s.holding, s.paused, s.replayed = receive(t, failing(1, 3)), receive(t, nil), receive(t, nil)
	again := strings.Repeat(" 20ms", 30)
	api := serve(t, itemAPI())
	s.p = prepare(t, caddyfile(
		subscribe("slow", s.slow, "scopes item.updated")+
			subscribe("flaky", s.flaky, "scopes item.updated\n\t\t\tretry"+again)+
			subscribe("tired", s.tired, "scopes item.updated\n\t\t\torder none\n\t\t\tretry 10ms")+
			subscribe("holding", s.holding, "scopes item.updated\n\t\t\torder entity hold\n\t\t\tretry 10ms")+
			subscribe("paused", s.paused, "scopes item.updated")+
			subscribe("replayed", s.replayed, "scopes item.updated"),
		"\t\tresource item /items", api.URL))
	if control != "" {
		s.p.binary, s.p.env = controls, append(s.p.env, "SIDEHOOK_CONTROL="+control)
	}
	s.p.start()
	return s
}

// failing answers 503 to some of each so many requests; chance says to which. Of any
// ten in a row fewer fail than what opens a circuit: that is for another test, and
// here it might stay open for longer than the test waits.
func failing(some, of int) func(*arrival) int {
	var mu sync.Mutex
	var left, bad int
	return func(*arrival) int {
		mu.Lock()
		defer mu.Unlock()
		if left == 0 {
			left, bad = of, some
		}
		left--
		if rand.IntN(left+1) < bad {
			bad--
			return 503
		}
		return 204
	}
}

// answerSlowly takes its time and knows what it has not answered.
func (s *siege) answerSlowly(a *arrival) int {
	s.count(a.ID, 1)
	timer := time.NewTimer(slowness)
	defer timer.Stop()
	<-timer.C
	s.count(a.ID, -1)
	return 204
}

func (s *siege) count(id string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[id] += n; s.open[id] == 0 {
		delete(s.open, id)
	}
}

// unanswered returns the ids that slow has and has not answered.
func (s *siege) unanswered() map[string]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := make(map[string]bool, len(s.open))
	for id := range s.open {
		ids[id] = true
	}
	return ids
}

// killOnce kills and restarts the process, and notes how long after the start
// what slow had not answered came again. Its clients cannot have that answer.
func (s *siege) killOnce() {
	s.p.kill()
	cut := s.unanswered()
	before := len(s.slow.all())
	s.p.start()
	began := time.Now()
	s.cut += len(cut)
	until(s.t, "what was in flight has come again", func() bool {
		for _, a := range s.slow.all()[before:] {
			if cut[a.ID] {
				delete(cut, a.ID)
				s.late = append(s.late, time.Since(began))
			}
		}
		return len(cut) == 0
	})
}

// operate pauses, resumes, releases, retries and replays until stop is closed. While the
// process is down it cannot.
func (s *siege) operate(stop <-chan struct{}) {
	tick := time.NewTicker(30 * time.Millisecond)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		verb := []string{"pause", "resume"}[n/4%2]
		s.ask(verb, "/sidehook/subscriptions/paused/"+verb, "")
		s.ask("release", "/sidehook/subscriptions/holding/release", "")
		s.retryExhausted()
		if n%20 == 0 {
			s.ask("replay", "/sidehook/api/replays", `{"subscription":"replayed","since":0,"states":["delivered"],"rate":200}`)
		}
	}
}

// ask posts, and counts what was done.
func (s *siege) ask(what, path, body string) {
	if s.post(path, body) {
		s.did[what]++
	}
}

// retryExhausted retries by hand what tired has given up.
func (s *siege) retryExhausted() {
	resp, err := http.Get("http://" + s.p.admin + "/sidehook/deliveries?subscription=tired&state=exhausted")
	if err != nil {
		return
	}
	defer resp.Body.Close()
	var ds []struct{ ID string }
	if json.NewDecoder(resp.Body).Decode(&ds) != nil {
		return
	}
	for _, d := range ds {
		s.ask("retry", "/sidehook/deliveries/"+d.ID+"/retry", "")
	}
}

// post reports whether the process did what it was asked for.
func (s *siege) post(path, body string) bool {
	resp, err := http.Post("http://"+s.p.admin+path, "application/json", strings.NewReader(body))
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, resp.Body)
	return resp.StatusCode/100 == 2
}

// run besieges the process, with so many writes at least between kills, and returns
// what was acknowledged to writers.
func (s *siege) run(times, between int) *acked {
	a := &acked{ns: map[string][]int{}}
	stop := make(chan struct{})
	var done sync.WaitGroup
	for i := range besieged {
		done.Go(func() {
			turn := time.NewTimer(siegePace * time.Duration(i) / besieged) // not all at once
			<-turn.C
			pace := time.NewTicker(siegePace)
			defer pace.Stop()
			a.write(s.p.site, fmt.Sprintf("w%d", i), func(c *client, n int) {
				select {
				case <-pace.C:
					rounds[0](c, n)
				case <-stop:
				}
			}, stop)
		})
	}
	done.Go(func() { s.operate(stop) })
	for range times {
		before := a.count()
		until(s.t, "clients are served", func() bool { return a.count() >= before+between })
		moment := time.NewTimer(time.Duration(rand.IntN(300)) * time.Millisecond)
		<-moment.C
		s.killOnce()
	}
	close(stop)
	done.Wait()
	return a
}

// complete reports whether all that was acknowledged was accepted by everybody.
// What waits for an operator is helped on.
func (s *siege) complete(a *acked) bool {
	s.post("/sidehook/subscriptions/paused/resume", "")
	s.post("/sidehook/subscriptions/holding/release", "")
	s.retryExhausted()
	for _, r := range s.kinds() {
		if len(a.lost(tally(r.took()))) > 0 {
			return false
		}
	}
	return true
}

// tellMissing fails the test for each receiver that was acknowledged what it has not
// accepted, with what is said of the deliveries that it is owed.
func (s *siege) tellMissing(a *acked) {
	for name, r := range s.kinds() {
		lost := a.lost(tally(r.took()))
		if len(lost) == 0 {
			continue
		}
		var owed []json.RawMessage
		s.p.get("/sidehook/deliveries?subscription="+name+"&state=pending&state=held&state=exhausted", &owed)
		s.t.Errorf("after %v %s has not accepted %d of %d: %v\nit got %d requests, and is owed %d: %s", patience, name, len(lost), a.count(), lost[:min(len(lost), 5)], len(r.all()), len(owed), owed[:min(len(owed), 5)])
	}
}

// TestKillWhilePoliciesAreAtWork kills the process while one receiver is slow,
// others fail, and an operator pauses, resumes, releases, retries and replays.
func TestKillWhilePoliciesAreAtWork(t *testing.T) {
	times := howOften(policyKills)
	s := newSiege(t, "")
	a := s.run(times, 16)
	if !proc.Wait(patience, func() bool { return s.complete(a) }) {
		s.tellMissing(a)
		t.FailNow()
	}

	for name, r := range s.kinds() {
		d := tally(r.took())
		d.oneIDEach(t, name)
		repeats := d.count - len(d.seen)
		t.Logf("%s: %d kills, %d acknowledged, %d events accepted, %d repeats, %d requests", name, times, a.count(), len(d.seen), repeats, len(r.all()))
		if name == "replayed" {
			continue // it gets again what it has, at any time
		}
		if most := times * repeatsEach; repeats > most {
			t.Errorf("%s: %d repeats after %d kills, want what was in flight: at most %d", name, repeats, times, most)
		}
		if name != "tired" {
			keptOrder(t, name, r.all())
		}
	}
	worst := time.Duration(0)
	for _, late := range s.late {
		worst = max(worst, late)
		if late > lateAtMost() {
			t.Errorf("what was in flight at a kill came %v after the restart, want %v at most", late, lateAtMost())
		}
	}
	t.Logf("%d requests were cut off; they came again at most %v after the restart", s.cut, worst)
	for _, what := range []string{"pause", "resume", "release", "retry", "replay"} {
		if s.did[what] == 0 {
			t.Errorf("an operator got no %s: %v", what, s.did)
		}
	}
	if s.cut == 0 {
		t.Error("the kills met no request in flight")
	}
}

// TestKillNoticesRepeats makes the same siege of a sidehook that records attempts
// late. Receivers that nobody pauses or releases must get more again than they may, or
// the bound of TestKillWhilePoliciesAreAtWork says nothing. (To the one that fails
// most often some 35 come for each kill.)
func TestKillNoticesRepeats(t *testing.T) {
	const times = 4
	s := newSiege(t, "settle-later")
	s.run(times, besieged)
	for _, name := range []string{"slow", "flaky", "tired"} {
		r := s.kinds()[name]
		until(t, name+" gets more again than it may", func() bool {
			d := tally(r.took())
			return d.count-len(d.seen) > times*repeatsEach
		})
		tally(r.took()).oneIDEach(t, name)
	}
}

// keptOrder fails the test if anything of an entity was sent after something
// newer of it.
func keptOrder(t *testing.T, who string, all []arrival) {
	t.Helper()
	last := map[string]uint64{}
	for _, a := range all {
		e := a.Body.Entity
		if e.Sequence < last[e.ID] {
			t.Errorf("%s: #%d of %s was sent after #%d", who, e.Sequence, e.ID, last[e.ID])
		}
		last[e.ID] = max(last[e.ID], e.Sequence)
	}
}

package e2e

import (
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// crowd counts who is inside at once, and the most that ever were, by name and in all.
type crowd struct {
	mu        sync.Mutex
	now, most map[string]int
}

const everybody = ""

func newCrowd() *crowd { return &crowd{now: map[string]int{}, most: map[string]int{}} }

func (c *crowd) enter(who string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range []string{who, everybody} {
		c.now[name]++
		c.most[name] = max(c.most[name], c.now[name])
	}
}

func (c *crowd) leave(who string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now[who]--
	c.now[everybody]--
}

// inside returns how many are inside, and the most that were.
func (c *crowd) inside(who string) (now, most int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now[who], c.most[who]
}

// What attempts hold of large events at once has a bound, and a quarter of it is the most
// that one subscription has; what is small does not wait for it, and what waits comes.
func TestAttemptsHoldSoMuchAtMost(t *testing.T) {
	const receivers, events, size = 5, 4, 5 << 20 // of 64 MiB in all and 16 for one: 12 and 3 at once
	c, stay := newCrowd(), make(chan struct{})
	leave := sync.OnceFunc(func() { close(stay) })
	large := func(name string) string {
		return serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if n, _ := io.Copy(io.Discard, r.Body); n < size {
				t.Errorf("%d bytes came, want as many as an event has", n)
			}
			c.enter(name)
			<-stay
			c.leave(name)
		})).URL
	}
	small := receive(t, nil)
	var made atomic.Int64
	api := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		id, text := path.Base(r.URL.Path), "small"
		if strings.HasPrefix(r.URL.Path, "/films") {
			text = strings.Repeat("film", size/4)
		}
		if r.Method == http.MethodPost {
			id = fmt.Sprint(made.Add(1))
			w.WriteHeader(http.StatusCreated)
		}
		fmt.Fprintf(w, `{"id":%s,"kind":1,"text":%q}`, id, text)
	}))
	global := subscribe("small", small, "scopes note.**")
	for i := range receivers {
		global += fmt.Sprintf(`
		subscription large%d %s {
			scopes film.**
			secret %s
			timeout 2m
		}`, i, large(fmt.Sprint(i)), secret)
	}
	p := start(t, caddyfile(global, "\t\tmax_body 6MiB\n\t\tresource film /films\n\t\tresource note /notes", api.URL))
	defer leave()
	for i := range receivers {
		if i > 0 {
			p.steer("pause", fmt.Sprint("large", i))
		}
	}
	for range events {
		p.call("POST", "/films", `{"kind":1}`)
	}
	until(t, "as much of one is under way as may be", func() bool { now, _ := c.inside("0"); return now >= 3 })
	p.call("POST", "/notes", `{"kind":1}`)
	small.wait(1)
	for i := range receivers {
		p.resume(fmt.Sprint("large", i))
	}
	until(t, "as much is under way as may be", func() bool { now, _ := c.inside(everybody); return now >= 12 })
	p.call("POST", "/notes", `{"kind":1}`)
	small.wait(2)
	for i := range receivers {
		if _, most := c.inside(fmt.Sprint(i)); most > 3 {
			t.Errorf("one subscription had %d of 5 MiB under way, want 3 at most", most)
		}
	}
	if _, most := c.inside(everybody); most > 12 {
		t.Errorf("%d of 5 MiB were under way, want 12 at most", most)
	}
	leave()
	until(t, "all is settled", p.settled)
	if _, most := c.inside(everybody); most > 12 {
		t.Errorf("%d of 5 MiB were under way in the end, want 12 at most", most)
	}
}

// resume resumes a subscription, faster than the command does.
func (p *process) resume(sub string) {
	p.t.Helper()
	resp, err := http.Post("http://"+p.admin+"/sidehook/subscriptions/"+sub+"/resume", "application/json", nil)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		p.t.Fatalf("resume %s: %s", sub, resp.Status)
	}
}

// Subscribers' GETs of one API are 16 for one and 40 in all, of which 8 are for those only
// that have fewer than two: so one that has none finds room beside three whose GETs hang.
func TestGETsOfSubscribersLeaveRoomForOthers(t *testing.T) {
	const owed = 20
	api, s := newLimited(t)
	c := newCrowd()
	began := sync.OnceValue(time.Now)
	api.answers(func(token, _ string, _ int) int {
		if token == "b" {
			return 0
		}
		// Sidehook gives a GET up after 5 s. What comes later may come beside
		// one of which this end does not know yet that it was given up.
		if time.Since(began()) < 4*time.Second {
			c.enter(token)
		}
		return -1
	})
	view := "scopes project.**\n\t\t\torder none\n\t\t\tconcurrency 50\n\t\t\tview_check\n\t\t\tcredential Authorization \"Bearer %s\""
	b := receive(t, nil)
	global := subscribe("b", b, fmt.Sprintf(view, "b"))
	slow := []string{"a1", "a2", "a3"}
	for _, name := range slow {
		global += subscribe(name, receive(t, nil), fmt.Sprintf(view, name))
	}
	p := start(t, caddyfile(global, looking(s.URL), s.URL))
	all := append([]string{"b"}, slow...)
	for _, name := range all {
		p.steer("pause", name)
	}
	for range owed {
		p.create("b")
	}
	for _, name := range all {
		until(t, "all is owed", func() bool { return len(p.deliveriesOf(name)) == owed })
	}
	for _, name := range slow {
		p.resume(name)
	}
	until(t, "as many hang as may", func() bool { now, _ := c.inside(everybody); return now >= 32 })
	p.resume("b")
	b.wait(owed)
	if _, most := c.inside(everybody); most > 16+16+2 {
		t.Errorf("%d GETs of three subscriptions were under way: of the last 8 of 40 one that has two already took some", most)
	}
	for _, name := range slow {
		if _, most := c.inside(name); most > 16 {
			t.Errorf("%d GETs of one subscription were under way, want 16 at most", most)
		}
	}
}

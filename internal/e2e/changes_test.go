package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// keeper is a receiver that keeps what comes as it came, and accepts it; it is
// judged at the end, by the secrets that there were.
type keeper struct {
	*httptest.Server
	t    *testing.T
	name string

	mu      sync.Mutex
	came    []keptRequest
	secrets []keptSecret
}

type keptRequest struct {
	at     time.Time
	header http.Header
	body   []byte
}

// keptSecret may sign from asked on, and what is recorded from sure on is signed
// with it, or with one that came later.
type keptSecret struct {
	text        string
	asked, sure time.Time
}

func keep(t *testing.T, name string) *keeper {
	k := &keeper{t: t, name: name}
	k.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		k.mu.Lock()
		defer k.mu.Unlock()
		k.came = append(k.came, keptRequest{time.Now(), r.Header, body})
	}))
	t.Cleanup(k.Close)
	return k
}

// with calls change with a new secret, which is known before it counts.
func (k *keeper) with(change func(secret string)) {
	text := "whsec_" + base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%-32s", fmt.Sprint(k.name, " ", len(k.secrets))))
	k.mu.Lock()
	k.secrets = append(k.secrets, keptSecret{text: text, asked: time.Now()})
	k.mu.Unlock()
	change(text)
	k.secrets[len(k.secrets)-1].sure = time.Now()
}

// arrivals returns what came, each as it would be if it were right.
func (k *keeper) arrivals() (all []arrival) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, r := range k.came {
		a := arrival{ID: r.header.Get("webhook-id"), Raw: string(r.body), At: r.at}
		if err := json.Unmarshal(r.body, &a.Body); err != nil {
			k.t.Errorf("%s: %v: %s", k.name, err, r.body)
		}
		all = append(all, a)
	}
	return all
}

// judge fails the test for each request that none of the secrets signed which might
// have: those that were asked for before it came, without those that were replaced
// before the call began that it tells of.
func (k *keeper) judge(began map[string]time.Time) {
	arrivals := k.arrivals()
	for i, r := range k.came {
		var item struct{ N int }
		json.Unmarshal(arrivals[i].Body.Data, &item)
		call, known := began[fmt.Sprint(arrivals[i].Body.Entity.ID, " ", item.N)]
		first, verified := 0, false
		for j, s := range k.secrets {
			if known && s.sure.Before(call) {
				first = j
			}
		}
		for _, s := range k.secrets[first:] {
			wh, err := standardwebhooks.NewWebhook(s.text)
			if err != nil {
				k.t.Fatal(err)
			}
			verified = verified || !s.asked.After(r.at) && wh.Verify(r.body, r.header) == nil
		}
		if !known || !verified {
			k.t.Errorf("%s: request %d (a call that was made: %t) is signed by none of secrets %d to %d that were there: %v\n%s", k.name, i, known, first, len(k.secrets)-1, r.header, r.body)
		}
	}
}

// writers make calls, and know when each began.
type writers struct {
	acked
	began map[string]time.Time
	n     int
}

// write makes count calls from each of four clients at once, and returns when they
// are answered. A call that a reload cuts off is not acknowledged.
func (w *writers) write(site string, count int) {
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for j := range count {
				id := fmt.Sprint("item", i, "-", j)
				w.mu.Lock()
				w.n++
				n := w.n
				w.began[fmt.Sprint(id, " ", n)] = time.Now()
				w.mu.Unlock()
				req, _ := http.NewRequest("PATCH", site+"/items/"+id, strings.NewReader(fmt.Sprintf(`{"n":%d}`, n)))
				req.Header.Set("Content-Type", "application/json")
				req.Header.Set("X-Space", "acme")
				resp, err := client.Do(req)
				if err != nil {
					continue
				}
				_, err = io.ReadAll(resp.Body)
				resp.Body.Close()
				if err == nil && resp.StatusCode == http.StatusOK {
					w.add(id, n)
				}
			}
		})
	}
	all.Wait()
}

// While thousands of deliveries run, subscriptions are made, changed, rotated, paused,
// released and deleted, and the configuration is reloaded. Each webhook is signed by
// a secret that was there, those that are there all the time lose nothing, and no
// event has two ids.
func TestChangesAmidDeliveries(t *testing.T) {
	const rounds, each = 10, 25
	static, still, rotated, changed, paused := keep(t, "static"), keep(t, "still"), keep(t, "rotated"), keep(t, "changed"), keep(t, "paused")
	throughout := []*keeper{static, still, rotated, changed, paused}
	all := throughout
	var configs [2]string
	static.with(func(secret string) {
		for i := range configs {
			global := fmt.Sprintf("\t\tsubscription own %s {\n\t\t\tscopes item.**\n\t\t\ttenant acme\n\t\t\tsecret %s\n\t\t\ttimeout %ds\n\t\t}", static.URL, secret, 10+i)
			configs[i] = strings.Replace(withAPI(global, perSpace, serve(t, itemAPI()).URL), "resource project /api/projects", "resource item /items", 1)
		}
	})
	p := start(t, configs[0])
	ann := p.user("ann", "acme")
	subscribe := func(k *keeper) (path string) {
		k.with(func(secret string) {
			made := ann.do("POST", "/subscriptions", fmt.Sprintf(`{"url": %q, "scopes": ["item.**"], "secret": %q}`, k.URL, secret)).want(201)
			path = "/subscriptions/" + made.text("id")
		})
		return path
	}
	subscribe(still)
	rotates, changes, pauses := subscribe(rotated), subscribe(changed), subscribe(paused)
	w := &writers{acked: acked{ns: map[string][]int{}}, began: map[string]time.Time{}}
	for round := range rounds {
		var writing sync.WaitGroup
		writing.Go(func() { w.write(p.site, each) })
		short := keep(t, fmt.Sprint("short", round))
		all = append(all, short)
		passing := subscribe(short)
		ann.do("POST", pauses+"/pause", "").want(200)
		rotated.with(func(secret string) {
			ann.do("POST", rotates+"/rotate", fmt.Sprintf(`{"secret": %q, "grace": %q}`, secret, []string{"0s", "1h"}[round%2])).want(200)
		})
		ann.do("PATCH", changes, fmt.Sprintf(`{"filter": "entity.n > 0 && entity.n != -%d", "timeout": "%ds", "headers": [{"name": "X-Round", "value": "%d"}]}`, round+1, 5+round, round)).want(200)
		if round%3 == 1 {
			p.configure(configs[round%2])
			if err := p.reload(); err != nil {
				t.Error(err)
			}
		}
		ann.do("POST", pauses+[]string{"/resume", "/release"}[round%2], "").want(200)
		writing.Wait()
		ann.do("DELETE", passing, "").want(204)
	}
	ann.do("POST", pauses+"/release", "").want(200)
	until(t, "all is settled", p.settled)
	if n := w.count(); n < rounds*each*3 {
		t.Errorf("%d calls were answered: too few for this to show anything", n)
	}
	var arrivals []arrival
	for _, k := range throughout {
		until(t, k.name+" has what was acknowledged", func() bool { return len(w.lost(tally(k.arrivals()))) == 0 })
	}
	for _, k := range all {
		k.Close() // nothing comes any more
		k.judge(w.began)
		arrivals = append(arrivals, k.arrivals()...)
	}
	tally(arrivals).oneIDEach(t, "all receivers")
	if len(arrivals) < 5*rounds*each*3 {
		t.Errorf("%d webhooks came: too few for this to show anything", len(arrivals))
	}
}

package e2e

import (
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// balancer stands in front of one sidehook after the other. While it is held,
// requests wait.
type balancer struct {
	mu sync.RWMutex // held for reading by each request under way
	to string
}

func (b *balancer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	u, err := url.Parse(b.to)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	httputil.NewSingleHostReverseProxy(u).ServeHTTP(w, r)
}

// move copies the stopped process's directory to another machine, as
// docs/operations.md has it, and starts that.
func (p *process) move(config string) *process {
	p.t.Helper()
	there := prepare(p.t, config)
	there.env = append(there.env, p.env...)
	if err := os.CopyFS(filepath.Join(there.dir, "data"), os.DirFS(filepath.Join(p.dir, "data"))); err != nil {
		p.t.Fatal(err)
	}
	there.start()
	return there
}

// A move under traffic, behind a balancer that holds requests for as long as the copy
// takes, loses nothing, sends nothing under another id, and keeps the order. What a
// receiver was owed that has moved too goes where it is now, with the id that it had.
func TestMovingToAnotherMachineLosesNothing(t *testing.T) {
	api := serve(t, itemAPI())
	own, old, new := receive(t, nil), receive(t, status(503)), receive(t, nil)
	config := strings.NewReplacer("resource project /api/projects", "resource item /items", "\t\t\ttenant request.header[\"X-Space\"]\n", "").
		Replace(withAPI("\t\tencryption_key {env.KEY}"+subscribe("own", own, "scopes item.**"), "\t\t\tallow_unauthenticated\n\t\t\tallow_private", api.URL))
	here := prepare(t, config)
	here.env = append(here.env, "KEY=a key that is on both machines")
	here.start()
	moves := here.operate("POST", "/subscriptions", strings.Replace(subscription(old, `, "retry": [`+strings.Repeat(`"2s", `, 40)+`"2s"], "allow_private": true`), "project.**", "item.**", 1)).want(201).text("id")

	b := &balancer{to: here.site}
	front := serve(t, b)
	a, stop := &acked{ns: map[string][]int{}}, make(chan struct{})
	var writers sync.WaitGroup
	for i := range 4 {
		writers.Go(func() { a.write(front.URL, fmt.Sprint("w", i), rounds[0], stop) })
	}
	more := func() {
		before := a.count()
		until(t, "clients are served", func() bool { return a.count() >= before+20 })
	}
	more()
	until(t, "the receiver that moves was tried", func() bool { return len(old.all()) > 0 })
	b.mu.Lock()
	here.stop()
	there := here.move(config)
	b.to = there.site
	b.mu.Unlock()
	there.operate("PATCH", "/subscriptions/"+moves, fmt.Sprintf(`{"url": %q}`, new.URL)).want(200)
	more()
	close(stop)
	writers.Wait()

	for name, r := range map[string]*receiver{"own": own, "new": new} {
		until(t, "everything acknowledged has come to "+name, func() bool { return len(a.lost(tally(r.took()))) == 0 })
		tally(r.took()).oneIDEach(t, name)
		keptOrder(t, name, r.all())
	}
	came := ids(new.took())
	for id := range ids(old.all()) {
		if !came[id] {
			t.Errorf("%s was owed before the move, and did not come after it under that id", id)
		}
	}
}

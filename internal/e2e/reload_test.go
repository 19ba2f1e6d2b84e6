package e2e

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sidehook/sidehook/examples/crud"
)

// logged returns the log's lines that contain what.
func (p *process) logged(what string) (lines []string) {
	for line := range strings.Lines(p.log.String()) {
		if strings.Contains(line, what) {
			lines = append(lines, line)
		}
	}
	return lines
}

// What is owed from a directory that a reload leaves does not vanish silently.
func TestAReloadToAnotherDirectorySaysWhatItLeavesBehind(t *testing.T) {
	api := serve(t, itemAPI())
	crm := receive(t, status(500))
	text := caddyfile(subscribe("crm", crm, "scopes item.**"), "\t\tresource item /items", api.URL)
	p := start(t, text)
	until(t, "the start is logged", func() bool { return len(p.logged("sidehook starts")) > 0 })
	if lines := p.logged("sidehook starts"); len(lines) != 1 || !strings.Contains(lines[0], `"deliveries_pending":0`) ||
		!strings.Contains(lines[0], `"subscriptions":1,"resources":1`) || !strings.Contains(lines[0], filepath.Join(p.dir, "data")) {
		t.Errorf("the start says %q", lines)
	}
	p.call("PATCH", "/items/a", `{"n":1}`)
	until(t, "an attempt has failed", func() bool { return len(crm.all()) > 0 })
	p.configure(strings.Replace(text, "{DATA}", "{DATA}2", 1))
	if err := p.reload(); err != nil {
		t.Fatal(err)
	}
	const left = "no configuration uses this directory any more"
	until(t, "the log names the directory and what is pending", func() bool {
		lines := p.logged(left)
		return len(lines) == 1 && strings.Contains(lines[0], filepath.Join(p.dir, "data")+`"`) && strings.Contains(lines[0], `"deliveries_pending":1`)
	})
	p.configure(text)
	if err := p.reload(); err != nil {
		t.Fatal(err)
	}
	until(t, "the old directory is in use again, and its deliveries are found", func() bool {
		lines := p.logged("sidehook starts")
		return len(lines) == 3 && strings.Contains(lines[2], `"deliveries_pending":1`)
	})
	if lines := p.logged(left); len(lines) != 1 {
		t.Errorf("a directory from which nothing is owed is warned of: %q", lines)
	}
}

// connections counts those that are open to a server.
type connections struct {
	mu   sync.Mutex
	open map[net.Conn]bool
}

func (c *connections) changed(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateNew:
		c.open[conn] = true
	case http.StateClosed, http.StateHijacked:
		delete(c.open, conn)
	}
}

func (c *connections) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.open)
}

// serveCounting serves h, and counts its connections.
func serveCounting(t *testing.T, h http.Handler) (*httptest.Server, *connections) {
	t.Helper()
	c := &connections{open: map[net.Conn]bool{}}
	s := httptest.NewUnstartedServer(h)
	s.Config.ConnState = c.changed
	s.Start()
	t.Cleanup(s.Close)
	return s, c
}

// After a hundred reloads, with calls, deliveries and GETs of the origin in between,
// there are no more connections of Sidehook's own, files and goroutines than before.
// (Those of reverse_proxy are Caddy's: it leaves one of each reload for two minutes, with
// and without Sidehook.)
func TestAHundredReloadsLeaveNothingOpen(t *testing.T) {
	const reloads = 100
	data := crud.New(crud.Options{})
	api := serve(t, data)
	origin, asked := serveCounting(t, data)
	got := make(chan bool, 10*reloads)
	receiver, told := serveCounting(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { got <- true }))
	config := func(i int) string {
		return caddyfile(fmt.Sprintf("\t\tsubscription crm %s {\n\t\t\tscopes project.**\n\t\t\tsign none\n\t\t\tcredential Authorization x\n\t\t\texpand owner\n\t\t\ttimeout %ds\n\t\t}\n", receiver.URL, 5+i%7),
			fmt.Sprintf("\t\torigin %s\n\t\tmax_body %dKiB\n%s", origin.URL, 512+i%5, projects), api.URL)
	}
	p := start(t, config(0))
	round := func(i int) {
		p.configure(config(i))
		if err := p.reload(); err != nil {
			t.Fatal(err)
		}
		p.call("POST", "/api/projects", `{"name":"Roof"}`)
		select {
		case <-got:
		case <-time.After(30 * time.Second):
			t.Fatalf("reload %d: nothing is delivered", i)
		}
	}
	for i := range 3 {
		round(i)
	}
	until(t, "all is settled", p.settled)
	files, goroutines := p.holds()
	for i := range reloads {
		round(3 + i)
	}
	until(t, "all is settled", p.settled)
	if asked.count() == 0 || told.count() == 0 {
		t.Fatal("there are no connections at all: this test shows nothing")
	}
	until(t, "no connection, file or goroutine is left behind", func() bool {
		f, g := p.holds()
		return asked.count() <= 2 && told.count() <= 2 && f <= files+4 && g <= goroutines+4
	})
}

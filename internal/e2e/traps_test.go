package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// counted returns the value of a metric, all its labels together.
func (p *process) counted(name string) (sum float64) {
	for line := range strings.Lines(p.metrics()) {
		if strings.HasPrefix(line, name+"{") || strings.HasPrefix(line, name+" ") {
			v, _ := strconv.ParseFloat(strings.TrimSpace(line[strings.LastIndex(line, " ")+1:]), 64)
			sum += v
		}
	}
	return sum
}

// holds returns how many files p has open, and how many goroutines run in it,
// without connections: idle ones to the API end by themselves.
func (p *process) holds() (files, goroutines int) {
	p.t.Helper()
	dir := fmt.Sprintf("/proc/%d/fd/", p.Pid())
	entries, err := os.ReadDir(dir)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, e := range entries {
		if to, err := os.Readlink(dir + e.Name()); err == nil && !strings.HasPrefix(to, "socket:") {
			files++
		}
	}
	resp, err := http.Get("http://" + p.admin + "/debug/pprof/goroutine?debug=1")
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	for stack := range strings.SplitSeq(string(text), "\n\n") {
		var n int
		if fmt.Sscanf(stack, "%d @", &n); !strings.Contains(stack, "net/http.(*persistConn)") {
			goroutines += n
		}
	}
	if goroutines < 10 {
		p.t.Fatalf("%d goroutines in %s", goroutines, text)
	}
	return files, goroutines
}

// Trap tests 7 and 10: a configuration that is the same, with other options, with
// an app that is gone and comes back, one that cannot be provisioned, one whose
// other app cannot start; two handlers in each. Calls count across all of them,
// counters go on, and nothing is left behind.
func TestTrapReloadsOfAllKinds(t *testing.T) {
	api := serve(t, newMixedAPI())
	crm := receive(t, nil)
	with := caddyfile(subscribe("crm", crm, mixedScopes), "\t\tresource item /items\n\t}\n\tsidehook {\n\t\tresource quiet /quiet", api.URL)
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	without := fmt.Sprintf("{\n\tadmin {ADMIN}\n\tgrace_period 1s\n}\n{SITE} {\n\treverse_proxy %s\n}\n", api.URL)
	p := start(t, with)
	n := 0
	call := func() {
		n++
		p.call("PATCH", "/items/a", fmt.Sprintf(`{"n":%d,"size":40}`, n))
		p.call("PATCH", "/quiet/q", fmt.Sprintf(`{"n":%d,"size":40}`, n))
	}
	round := func() {
		for _, kind := range []struct{ what, config, fails string }{
			{"the same", with, ""},
			{"another option", strings.Replace(with, "resource item", "max_body 512KiB\n\t\tresource item", 1), ""},
			{"refused", strings.Replace(with, mixedScopes, "scopes itemm.**", 1), "itemm.**"},
			{"another app that cannot start", with + "http://" + busy.Addr().String() + " {\n\trespond ok\n}\n", "address already in use"},
			{"the same again", with, ""},
		} {
			p.configure(kind.config)
			err := p.reload()
			if (err != nil) != (kind.fails != "") || err != nil && !strings.Contains(err.Error(), kind.fails) {
				t.Fatalf("%s: %v", kind.what, err)
			}
			call()
		}
	}
	call()
	round()
	until(t, "all is delivered", p.settled)
	files, goroutines := p.holds()
	before := p.counted("sidehook_captured_calls_total")
	for range 4 {
		round()
	}
	if after := p.counted("sidehook_captured_calls_total"); after != before+4*5*2 {
		t.Errorf("%v calls were counted, then %v: want 40 more", before, after)
	}
	until(t, "all is delivered", p.settled)
	until(t, "nothing is left behind", func() bool {
		f, g := p.holds()
		return f <= files+4 && g <= goroutines+4
	})

	p.configure(without)
	if err := p.reload(); err != nil {
		t.Fatal(err)
	}
	p.call("PATCH", "/items/a", `{"n":1000,"size":40}`) // nobody sees it
	p.configure(with)
	if err := p.reload(); err != nil {
		t.Fatal(err)
	}
	call()
	until(t, "all is delivered", func() bool {
		d := tally(crm.took())
		return len(d.ids["a"][n]) > 0 && len(d.ids["q"][n]) > 0
	})
	d := tally(crm.took())
	for i := 1; i <= n; i++ {
		if len(d.ids["a"][i]) != 1 || len(d.ids["q"][i]) != 1 {
			t.Errorf("call %d came as %d and %d events", i, len(d.ids["a"][i]), len(d.ids["q"][i]))
		}
	}
	if len(d.ids["a"][1000]) > 0 {
		t.Error("a call was captured that no handler saw")
	}
}

// Trap tests 9 and 12: the directive in handle, handle_path, route, a snippet, a
// named route, nested in itself, behind forward_auth, and on two sites. (In a named
// route it needs a `route` around it: of several directives, Caddy's adapter keeps
// the first.)
func TestTrapEveryPlaceOfTheDirective(t *testing.T) {
	api := serve(t, newMixedAPI())
	auth := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-User", "ann") }))
	crm := receive(t, nil)
	const directive = "sidehook {\n\t\t\tresource item /items\n\t\t\tresource quiet /quiet\n\t\t}"
	config := fmt.Sprintf(`{
	admin {ADMIN}
	grace_period 1s
	sidehook {
		store badger {DATA}
%[1]s
	}
}
(snip) {
	handle_path /snippet/* {
		%[2]s
		reverse_proxy %[3]s
	}
}
&(named) {
	route {
		%[2]s
		reverse_proxy %[3]s
	}
}
{SITE} {
	handle_path /path/* {
		%[2]s
		reverse_proxy %[3]s
	}
	import snip
	handle_path /named/* {
		invoke named
	}
	handle_path /nested/* {
		%[2]s
		route {
			%[2]s
			handle {
				reverse_proxy %[3]s
			}
		}
	}
	handle_path /auth/* {
		route {
			forward_auth %[4]s {
				uri /
				copy_headers X-User
			}
			%[2]s
			reverse_proxy %[3]s
		}
	}
	handle /items/* {
		%[2]s
		reverse_proxy %[3]s
	}
}
{SITE2} {
	route {
		%[2]s
		reverse_proxy %[3]s
	}
}
`, subscribe("crm", crm, mixedScopes), directive, api.URL, auth.URL)
	p := prepare(t, "")
	second := "http://" + freeAddresses(t, 1)[0]
	p.configure(strings.ReplaceAll(config, "{SITE2}", second))
	p.start()
	other := &process{t: t, site: second}
	until(t, "the second site takes connections", other.listens)
	sent := 0
	for i, prefix := range []string{"/path", "/snippet", "/named", "/nested", "/auth", "", "second"} {
		on := p
		if prefix == "second" {
			on, prefix = other, ""
		}
		id := fmt.Sprint("i", i)
		kinds := []string{"items", "quiet"}
		if prefix == "" && on == p {
			kinds = kinds[:1]
		}
		for _, kind := range kinds {
			if status, answer := on.call("PATCH", prefix+"/"+kind+"/"+id, `{"n":7,"size":40}`); status/100 != 2 {
				t.Fatalf("%s/%s answered %d %s", prefix, kind, status, answer)
			}
			sent++
		}
	}
	until(t, "all is settled", p.settled)
	if got := len(crm.took()); got != sent {
		t.Errorf("%d webhooks of %d calls", got, sent)
	}
	for _, a := range crm.took() {
		wantField(t, a.Body.Data, "n", "7") // of quiet, a GET through the same chain tells
	}
}

// Trap test 14: SIGQUIT skips everything that a shutdown does, and nothing is lost.
func TestTrapQuit(t *testing.T) {
	api := serve(t, newMixedAPI())
	crm := receive(t, nil)
	p := start(t, caddyfile(subscribe("crm", crm, mixedScopes), mixedConfig, api.URL))
	a := &acked{ns: map[string][]int{}}
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		a.write(p.site, "w", rounds[0], stop)
	}()
	for range 3 {
		before := a.count()
		until(t, "clients are served", func() bool { return a.count() > before+5 })
		syscall.Kill(p.Pid(), syscall.SIGQUIT)
		<-p.Ended()
		p.start()
	}
	close(stop)
	<-done
	until(t, "everything acknowledged has arrived", func() bool { return len(a.lost(tally(crm.took()))) == 0 })
}

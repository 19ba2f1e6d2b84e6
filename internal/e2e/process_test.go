package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sidehook/sidehook/internal/proc"
)

// patience is how long a test waits for what must come.
const patience = 90 * time.Second

// process is a sidehook with its own directories. It can be killed and started
// again on the same data.
type process struct {
	t      *testing.T
	dir    string
	config string // path of the Caddyfile
	admin  string // host:port
	site   string // http://host:port of the proxied API

	binary string   // which sidehook
	env    []string // beside the usual

	*proc.Process          // nil before the first start
	log           proc.Log // of all starts
}

// start writes the configuration and starts sidehook. In it {SITE}, {ADMIN}
// and {DATA} stand for the addresses and the store's directory.
func start(t *testing.T, caddyfile string) *process {
	t.Helper()
	p := prepare(t, caddyfile)
	p.start()
	return p
}

func prepare(t *testing.T, caddyfile string) *process {
	t.Helper()
	dir := t.TempDir()
	p := &process{t: t, dir: dir, config: filepath.Join(dir, "Caddyfile"), binary: binary}
	free := freeAddresses(t, 2)
	p.admin, p.site = free[0], "http://"+free[1]
	p.configure(caddyfile)
	t.Cleanup(p.cleanup)
	return p
}

// configure replaces the configuration file.
func (p *process) configure(caddyfile string) {
	p.t.Helper()
	text := strings.NewReplacer("{SITE}", p.site, "{ADMIN}", p.admin, "{DATA}", filepath.Join(p.dir, "data")).Replace(caddyfile)
	if err := os.WriteFile(p.config, []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// start starts the process and waits until it is healthy.
func (p *process) start() {
	p.t.Helper()
	p.launch()
	until(p.t, "sidehook is up", func() bool {
		select {
		case <-p.Ended():
			p.t.Fatalf("sidehook ended (%v):\n%s", p.State(), p.log.String())
		default:
		}
		resp, err := http.Get("http://" + p.admin + "/sidehook/health")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK && p.listens()
	})
}

// listens reports whether the site takes connections: Caddy starts its apps in
// no particular order.
func (p *process) listens() bool {
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.site, "http://"))
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

func (p *process) launch() {
	p.t.Helper()
	var err error
	p.Process, err = proc.Start(p.command("run", "--config", p.config, "--adapter", "caddyfile"), &p.log)
	if err != nil {
		p.t.Fatal(err)
	}
}

// command returns a sidehook command in the process's environment.
func (p *process) command(args ...string) *exec.Cmd {
	cmd := exec.Command(p.binary, args...)
	cmd.Env = append(os.Environ(), "XDG_DATA_HOME="+p.dir, "XDG_CONFIG_HOME="+p.dir, "HOME="+p.dir)
	cmd.Env = append(cmd.Env, p.env...)
	return cmd
}

// cli runs a sidehook command and returns what it printed.
func (p *process) cli(args ...string) (string, error) {
	out, err := p.command(args...).CombinedOutput()
	return string(out), err
}

// reload loads the configuration file into the running process. When it returns,
// the servers that are not needed any more take no connections.
func (p *process) reload() error {
	out, err := p.cli("reload", "--config", p.config, "--adapter", "caddyfile", "--address", p.admin, "--force")
	// Caddy answers before they have closed their sockets (SO_REUSEPORT: each
	// configuration has its own), and what comes into one as it closes gets no
	// answer: docs/guarantees.md.
	for _, address := range []string{p.admin, strings.TrimPrefix(p.site, "http://")} {
		until(p.t, "one socket listens on "+address, func() bool {
			n, err := proc.Listening(address)
			return err != nil || n <= 1 // no /proc: nothing to wait for
		})
	}
	http.DefaultClient.CloseIdleConnections()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// kill ends the process at once, as power loss would end it.
func (p *process) kill() { p.Kill() }

// stop ends the process as an operator would, and returns how long it took.
func (p *process) stop() time.Duration { return p.Stop(patience) }

func (p *process) cleanup() {
	if p.Process == nil {
		return
	}
	p.kill()
	if p.t.Failed() {
		p.t.Logf("log of sidehook (its end):\n%s", p.log.Tail())
	}
}

// get reads JSON of the admin endpoint.
func (p *process) get(path string, into any) {
	p.t.Helper()
	resp, err := http.Get("http://" + p.admin + path)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusOK {
		p.t.Fatalf("GET %s: %s: %s", path, resp.Status, body)
	}
	if err := json.Unmarshal(body, into); err != nil {
		p.t.Fatalf("GET %s: %v: %s", path, err, body)
	}
}

// settled reports whether every call is derived and every delivery has reached a
// final state.
func (p *process) settled() bool {
	var h struct {
		Pending, Underived uint64
		Unread             int64 `json:"unread_bytes"`
	}
	p.get("/sidehook/health", &h)
	return h.Unread == 0 && h.Underived == 0 && h.Pending == 0
}

// call makes a request of the proxied API and returns status and body.
func (p *process) call(method, path, body string, header ...string) (int, string) {
	p.t.Helper()
	req, err := http.NewRequest(method, p.site+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatalf("%s %s: %v", method, path, err)
	}
	return resp.StatusCode, string(answer)
}

func itoa(n int) string { return strconv.Itoa(n) }

// freeAddresses returns n different loopback addresses that nobody listens on.
func freeAddresses(t *testing.T, n int) []string {
	t.Helper()
	all, err := proc.FreeAddresses(n)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// until waits for a condition.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	if !proc.Wait(patience, ok) {
		t.Fatalf("after %v still not: %s", patience, what)
	}
}

package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/sidehook/sidehook/internal/proc"
)

// pinned is the garbage collector of every measured process.
var pinned = []string{"GOGC=off", "GOMEMLIMIT=512MiB"}

// secret signs the benchmark's deliveries; nobody verifies them.
const secret = "whsec_c2lkZWhvb2sgYmVuY2htYXJrIHNlY3JldCBrZXk="

// child is one measured process: the sidehook binary with one configuration.
type child struct {
	name, address string
	admin         string // address of Caddy's admin endpoint
	*proc.Process
}

// caddyfile is a site in front of the API; %s are the admin endpoint, the
// global options, the site, its directives and the API.
const caddyfile = `{
	admin %s
	log {
		level ERROR
	}
	%s
}

http://%s {
	%s
	reverse_proxy %s {
		transport http {
			keepalive_idle_conns_per_host 256
		}
	}
}
`

// start runs binary with a site on a free port. global and directive are lines
// of the Caddyfile: for its sidehook option and for its site.
func start(binary, dir, name, upstream, global, directive string, env []string) (*child, error) {
	home := filepath.Join(dir, name)
	free, err := proc.FreeAddresses(2)
	if err != nil {
		return nil, err
	}
	c := &child{name: name, address: free[0], admin: free[1]}
	if err := os.MkdirAll(home, 0o755); err != nil {
		return nil, err
	}
	if global != "" {
		global = fmt.Sprintf("sidehook {\n\t\tstore badger %s\n%s\t}", filepath.Join(home, "store"), global)
	}
	config := filepath.Join(home, "Caddyfile")
	text := fmt.Sprintf(caddyfile, c.admin, global, c.address, directive, upstream)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		return nil, err
	}
	cmd := exec.Command(binary, "run", "--config", config, "--adapter", "caddyfile")
	cmd.Env = append(os.Environ(), append([]string{
		"XDG_CONFIG_HOME=" + home, "XDG_DATA_HOME=" + home, "BENCH_SECRET=" + secret,
	}, env...)...)
	if c.Process, err = proc.Start(cmd, &proc.Log{}); err != nil {
		return nil, err
	}
	return c, c.ready()
}

// ready returns when the site answers.
func (c *child) ready() error {
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		if resp, err := http.Head("http://" + c.address + "/ready"); err == nil {
			resp.Body.Close()
			return nil
		}
		select {
		case <-c.Ended():
			return c.failed(fmt.Sprintf("ended by itself (%v)", c.State()))
		case <-time.After(20 * time.Millisecond):
		}
	}
	return c.failed("does not answer")
}

func (c *child) failed(what string) error {
	return fmt.Errorf("%s %s:\n%s", c.name, what, c.Log.Tail())
}

// stop ends c as an operator would.
func (c *child) stop() { c.Stop(10 * time.Second) }

// tick is the unit of the times in /proc.
const tick = 10 * time.Millisecond

// cpu returns the processor time that c has used; 0 where there is no /proc.
func (c *child) cpu() time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.Pid()))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * tick
}

// settle is quiet for what half a minute is enough for.
func (c *child) settle() error { return c.quiet(30 * time.Second) }

// quiet returns when c has done what it had left to do: it has used no processor
// time for a while. It is an error if that takes longer than limit.
func (c *child) quiet(limit time.Duration) error {
	const still = 8 // looks without a tick
	last, quiet := c.cpu(), 0
	for deadline := time.Now().Add(limit); quiet < still; {
		select {
		case <-c.Ended():
			return c.failed(fmt.Sprintf("ended by itself (%v)", c.State()))
		case <-time.After(tick):
		}
		now := c.cpu()
		if quiet++; now != last {
			last, quiet = now, 0
		}
		if time.Now().After(deadline) {
			return c.failed(fmt.Sprintf("is still busy %s after the load ended", limit))
		}
	}
	return nil
}

// anonymous returns the memory that c holds and that no file backs, in bytes; 0
// where there is no /proc.
func (c *child) anonymous() int64 { return c.status("RssAnon:") }

// resident returns the memory that c holds now and the most that it held, in
// bytes; 0 where there is no /proc.
func (c *child) resident() (now, most int64) {
	return c.status("VmRSS:"), c.status("VmHWM:")
}

// status returns a line of /proc/PID/status that counts memory, in bytes.
func (c *child) status(name string) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.Pid()))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == name {
			kib, _ := strconv.ParseInt(fields[1], 10, 64)
			return kib << 10
		}
	}
	return 0
}

// profile writes to file what Caddy's admin endpoint has under /debug/pprof/.
func (c *child) profile(what, file string) error {
	resp, err := http.Get("http://" + c.admin + "/debug/pprof/" + what)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, resp.Body)
	return errors.Join(err, out.Close())
}

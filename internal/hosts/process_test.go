package hosts

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/sidehook/sidehook/internal/proc"
)

// patience is how long a test waits for what must come.
const patience = 90 * time.Second

// start runs a program in a folder until the test ends, with more environment,
// and returns when url answers anything but 5xx. If the test fails, the end of
// its log is shown.
func start(t *testing.T, dir, url string, env []string, program string, args ...string) *proc.Process {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	p, err := proc.Start(cmd, &proc.Log{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Stop(patience)
		if t.Failed() {
			t.Logf("log of %s (its end):\n%s", program, p.Log.Tail())
		}
	})
	until(t, program+" answers at "+url, func() bool {
		select {
		case <-p.Ended():
			t.Fatalf("%s ended by itself (%v)", program, p.State())
		default:
		}
		resp, err := http.Get(url)
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode < 500
	})
	return p
}

// freePorts returns n different ports that nobody listens on.
func freePorts(t *testing.T, n int) []string {
	t.Helper()
	all, err := proc.FreeAddresses(n)
	if err != nil {
		t.Fatal(err)
	}
	for i, address := range all {
		_, all[i], _ = net.SplitHostPort(address)
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

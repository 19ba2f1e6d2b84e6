package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sidehook/sidehook/webhook"
)

// disk is where sidehook keeps its data, and can get full.
type disk struct {
	name string
	dir  string
	fill func(p *process) // from here on p can write no more, or soon
	free func(p *process) // there is room again

	control []string // environment of a sidehook that is told so
}

// disks are a small file system, where this user may mount one, and a process
// that may write to no place of a file beyond 64 KiB, which anybody can have.
func disks(t *testing.T) (all []*disk) {
	t.Helper()
	limited := &disk{name: "limit", dir: t.TempDir(), fill: limit(64 << 10), free: limit(unix.RLIM_INFINITY)}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=400m"); err != nil {
		t.Logf("without a file system of its own: %v", err)
		return []*disk{limited}
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	ballast := filepath.Join(dir, "ballast")
	small := &disk{name: "disk", dir: dir}
	small.fill = func(*process) { fill(t, dir, ballast, 8) }
	small.free = func(*process) {
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
	}
	return []*disk{small, limited}
}

// limit bounds the size of the files of a running process.
func limit(size uint64) func(p *process) {
	return func(p *process) {
		r := unix.Rlimit{Cur: size, Max: unix.RLIM_INFINITY}
		if err := unix.Prlimit(p.Pid(), unix.RLIMIT_FSIZE, &r, nil); err != nil {
			p.t.Fatal(err)
		}
	}
}

// fill writes a file until about so many MiB of its disk are left.
func fill(t *testing.T, dir, name string, leave uint64) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for chunk := make([]byte, 1<<20); ; {
		var st syscall.Statfs_t
		if err := syscall.Statfs(dir, &st); err != nil {
			t.Fatal(err)
		}
		if st.Bavail*uint64(st.Bsize) <= leave<<20 {
			return
		}
		if _, err := f.Write(chunk); err != nil { // somebody else took the rest
			return
		}
	}
}

// fullDisk is Sidehook on a disk that has run full under traffic: calls are
// missed.
type fullDisk struct {
	*disk
	t     *testing.T
	p     *process
	crm   *receiver
	calls int           // made so far
	asked chan struct{} // closed when the API is asked for a report, which it never gives
}

func fillUp(t *testing.T, d *disk) *fullDisk {
	f := &fullDisk{disk: d, t: t, crm: receive(t, nil), asked: make(chan struct{})}
	mux := http.NewServeMux()
	mux.Handle("/items/", itemAPI())
	mux.HandleFunc("POST /reports", func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body) // so that it is seen who hangs up
		close(f.asked)
		<-r.Context().Done()
	})
	api := serve(t, mux)
	config := caddyfile(subscribe("crm", f.crm, "scopes item.updated item.gap report.gap\n\t\t\torder subscription"), "\t\tresource item /items\n\t\tresource report /reports", api.URL)
	f.p = start(t, strings.ReplaceAll(config, "{DATA}", filepath.Join(d.dir, "data")))
	f.write()
	f.crm.wait(1)
	f.fill(f.p)
	for missed := 0; missed < 20; {
		f.write()
		if f.calls%10 == 0 && strings.Contains(f.p.metrics(), "sidehook_missed_calls_total") {
			missed++
		}
		if f.calls > 5000 {
			t.Fatal("5000 calls of 60 kB are kept on a disk that is full: it was not")
		}
	}
	return f
}

// write makes one call, which must succeed.
func (f *fullDisk) write() {
	f.t.Helper()
	f.calls++
	body := `{"n":` + itoa(f.calls) + `,"size":60000}`
	if status, answer := f.p.call("PATCH", "/items/a", body); status != http.StatusOK {
		f.t.Fatalf("call %d answered %d %s: a full disk fails no call", f.calls, status, answer)
	}
}

// tellsOfMissedCalls reports whether a webhook is the gap of the outage. (A
// call whose end is not journaled may be covered twice after a death: by a gap
// of its own as well.)
func tellsOfMissedCalls(a arrival) bool {
	var gap struct{ Reason string }
	json.Unmarshal(a.Body.Data, &gap)
	return strings.HasSuffix(a.Body.Type, ".gap") && gap.Reason == webhook.GapJournal
}

// A full disk fails no call. While the journal has room in reserve calls are
// kept; then they go through, health says degraded, and a gap covers the time.
// With room again all that was kept arrives, in order, and then the gap (which is
// in no lane of an entity: the order is that of the subscription).
func TestPromise2AFullDiskFailsNoCall(t *testing.T) {
	for _, d := range disks(t) {
		t.Run(d.name, func(t *testing.T) { failsNoCall(t, d) })
	}
}

func failsNoCall(t *testing.T, d *disk) {
	f := fillUp(t, d)
	var h struct{ Degraded bool }
	if resp, err := http.Get("http://" + f.p.admin + "/sidehook/health"); err != nil {
		t.Fatal(err)
	} else {
		json.NewDecoder(resp.Body).Decode(&h)
		resp.Body.Close()
		if resp.StatusCode != http.StatusServiceUnavailable || !h.Degraded {
			t.Errorf("health is %s while the journal cannot write", resp.Status)
		}
	}

	f.free(f.p)
	until(t, "the gap has arrived, behind all that was kept", func() bool {
		got := f.crm.took()
		return tellsOfMissedCalls(got[len(got)-1])
	})
	// The gap may be that of a first outage of several: the journal found room
	// now and then. So calls are made until one is kept again.
	outage := f.calls
	until(t, "a call after the outage has arrived", func() bool {
		f.write()
		var item struct{ N int }
		got := f.crm.took()
		json.Unmarshal(got[len(got)-1].Body.Data, &item)
		return got[len(got)-1].Body.Type == "item.updated" && item.N > outage
	})
	f.write()
	until(t, "the last call has arrived", func() bool {
		var item struct{ N int }
		got := f.crm.took()
		json.Unmarshal(got[len(got)-1].Body.Data, &item)
		return item.N == f.calls
	})
	kept := 0
	for i, a := range f.crm.took() {
		if a.Body.Type == "item.updated" {
			kept++
		}
		if a.Body.Type == "item.updated" && a.Body.Entity.Sequence != uint64(kept) {
			t.Fatalf("webhook %d has sequence %d, want %d", i, a.Body.Entity.Sequence, kept)
		}
	}
	t.Logf("%d calls, %d kept and delivered, the rest in a gap", f.calls, kept)
}

// The calls that were missed are known to the next process, too.
func TestPromise2AGapOutlivesADeathDuringTheOutage(t *testing.T) {
	for _, d := range disks(t) {
		t.Run(d.name, func(t *testing.T) {
			f := fillUp(t, d)
			f.p.kill()
			if d.name == "disk" { // a limit dies with its process
				d.free(f.p)
			}
			f.p.start()
			until(t, "the gap has arrived", func() bool { return slices.ContainsFunc(f.crm.took(), tellsOfMissedCalls) })
		})
	}
}

// A call whose begin was not kept, and that is in flight as the process dies, is a gap.
func TestPromise3NoSilentLossOfACallInFlightThatWasNotKept(t *testing.T) {
	for _, d := range disks(t) {
		t.Run(d.name, func(t *testing.T) {
			f := fillUp(t, d)
			go http.Post(f.p.site+"/reports", "application/json", strings.NewReader("{}"))
			<-f.asked
			f.p.kill()
			if d.name == "disk" {
				d.free(f.p)
			}
			f.p.start()
			until(t, "the gap has arrived", func() bool {
				return slices.ContainsFunc(f.crm.took(), func(a arrival) bool { return a.Body.Type == "report.gap" })
			})
		})
	}
}

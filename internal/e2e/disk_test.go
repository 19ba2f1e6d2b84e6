package e2e

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/sidehook/sidehook/webhook"
)

// smallDisk mounts a file system of so many MiB in memory and returns it.
func smallDisk(t *testing.T, mib int) string {
	t.Helper()
	dir := t.TempDir()
	err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+itoa(mib)+"m")
	if errors.Is(err, syscall.EPERM) {
		t.Skip("mounting a small file system takes root; .ci/run is root")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

// fill writes a file until about so many MiB are left, and returns its path.
func fill(t *testing.T, dir string, leave uint64) string {
	t.Helper()
	name := filepath.Join(dir, "ballast")
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
			return name
		}
		if _, err := f.Write(chunk); err != nil { // somebody else took the rest
			return name
		}
	}
}

// fullDisk is Sidehook on a disk that has run full under traffic: calls are
// missed.
type fullDisk struct {
	t       *testing.T
	p       *process
	crm     *receiver
	ballast string // remove it and there is room again
	calls   int    // made so far
}

func fillUp(t *testing.T) *fullDisk {
	disk := smallDisk(t, 400)
	api := serve(t, itemAPI())
	f := &fullDisk{t: t, crm: receive(t, nil)}
	config := caddyfile(subscribe("crm", f.crm, "scopes item.updated item.gap\n\t\t\torder subscription"), "\t\tresource item /items", api.URL)
	f.p = start(t, strings.ReplaceAll(config, "{DATA}", filepath.Join(disk, "data")))
	f.write()
	f.crm.wait(1)
	f.ballast = fill(t, disk, 8)
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

func (f *fullDisk) makeRoom() {
	if err := os.Remove(f.ballast); err != nil {
		f.t.Fatal(err)
	}
}

// tellsOfMissedCalls reports whether a webhook is the gap of the outage. (A
// call whose end is not journaled may be covered twice after a death: by a gap
// of its own as well.)
func tellsOfMissedCalls(a arrival) bool {
	var gap struct{ Reason string }
	json.Unmarshal(a.Body.Data, &gap)
	return a.Body.Type == "item.gap" && gap.Reason == webhook.GapJournal
}

// A full disk fails no call. While the journal has room in reserve calls are
// kept; then they go through, health says degraded, and a gap covers the time.
// With room again all that was kept arrives, in order, and then the gap (which is
// in no lane of an entity: the order is that of the subscription).
func TestPromise2AFullDiskFailsNoCall(t *testing.T) {
	f := fillUp(t)
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

	f.makeRoom()
	until(t, "the gap has arrived, behind all that was kept", func() bool {
		got := f.crm.took()
		return tellsOfMissedCalls(got[len(got)-1])
	})
	f.write()
	until(t, "the call after the gap has arrived", func() bool {
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
	f := fillUp(t)
	f.p.kill()
	f.makeRoom()
	f.p.start()
	until(t, "the gap has arrived", func() bool { return slices.ContainsFunc(f.crm.took(), tellsOfMissedCalls) })
}

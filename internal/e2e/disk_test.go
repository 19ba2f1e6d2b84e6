package e2e

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
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

// A full disk fails no call. While the journal has room in reserve calls are
// kept; then they go through, health says degraded, and a gap covers the time.
// With room again all that was kept arrives, in order, and then the gap.
func TestPromise2AFullDiskFailsNoCall(t *testing.T) {
	disk := smallDisk(t, 400)
	api := serve(t, itemAPI())
	crm := receive(t, nil)
	config := caddyfile(subscribe("crm", crm, "scopes item.updated item.gap"), "\t\tresource item /items", api.URL)
	p := start(t, strings.ReplaceAll(config, "{DATA}", filepath.Join(disk, "data")))
	write := func(n int) {
		t.Helper()
		body := `{"n":` + itoa(n) + `,"size":60000}`
		if status, answer := p.call("PATCH", "/items/a", body); status != http.StatusOK {
			t.Fatalf("call %d answered %d %s: a full disk fails no call", n, status, answer)
		}
	}
	write(1)
	crm.wait(1)

	ballast := fill(t, disk, 8)
	var h struct{ Degraded bool }
	n := 1
	for missed := 0; missed < 20; {
		n++
		write(n)
		if n%10 == 0 && strings.Contains(p.metrics(), "sidehook_missed_calls_total") {
			missed++
		}
		if n > 5000 {
			t.Fatal("5000 calls of 60 kB are kept on a disk that is full: it was not")
		}
	}
	if resp, err := http.Get("http://" + p.admin + "/sidehook/health"); err != nil {
		t.Fatal(err)
	} else {
		json.NewDecoder(resp.Body).Decode(&h)
		resp.Body.Close()
		if resp.StatusCode != http.StatusServiceUnavailable || !h.Degraded {
			t.Errorf("health is %s while the journal cannot write", resp.Status)
		}
	}

	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	until(t, "the gap has arrived", func() bool {
		got := crm.took()
		return got[len(got)-1].Body.Type == "item.gap"
	})
	write(n + 1)
	until(t, "the call after the gap has arrived", func() bool {
		var item struct{ N int }
		got := crm.took()
		json.Unmarshal(got[len(got)-1].Body.Data, &item)
		return item.N == n+1
	})
	kept := 0
	for i, a := range crm.took() {
		if a.Body.Type == "item.updated" {
			kept++
		}
		if a.Body.Type == "item.updated" && a.Body.Entity.Sequence != uint64(kept) {
			t.Fatalf("webhook %d has sequence %d, want %d", i, a.Body.Entity.Sequence, kept)
		}
	}
	t.Logf("%d calls, %d kept and delivered, the rest in a gap", n+1, kept)
}

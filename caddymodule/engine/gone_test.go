package engine

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// A directory that is removed while it is open keeps nothing, and nobody is told that it
// does: calls are missed, and health says what to do. One that is moved goes on.
func TestADirectoryThatIsGoneIsTold(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	pl, s := placeAt(t, dir), emptySettings(t, "")
	if err := pl.Join(t.Context(), s, false); err != nil {
		t.Fatal(err)
	}
	defer pl.Leave(s, discard())
	e, err := pl.Lease()
	if err != nil {
		t.Fatal(err)
	}
	defer pl.Release()
	says := func(what string) func() bool {
		return func() bool { h := e.Health(t.Context()); return h.Degraded && strings.Contains(h.Reason, what) }
	}
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	soon(t, "health says that it was moved", says("put it back before a restart"))
	if err := e.Begin(new(webhook.Begin)); err != nil || !e.Healthy() {
		t.Error("a call is not kept where it is now:", err)
	}
	if err := os.Rename(dir+".away", dir); err != nil {
		t.Fatal(err)
	}
	soon(t, "health says that it is back", func() bool { return e.gone() == nil })
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	soon(t, "health says that it was removed", says("begins a new one"))
	if err := e.Begin(new(webhook.Begin)); !errors.Is(err, store.ErrJournalDown) || e.Healthy() {
		t.Error("a call is kept in files that nobody finds:", err)
	}
	if err := e.End(t.Context(), new(webhook.Exchange), true); !errors.Is(err, store.ErrJournalDown) {
		t.Error("its end is:", err)
	}
}

// What is at its place is not gone, also where a file system counts no links; nor is it
// known of what the system does not answer for.
func TestADirectoryAtItsPlaceIsNotGone(t *testing.T) {
	open, err := os.Stat(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	other, err := os.Stat(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		links int
		there os.FileInfo
		err   error
		want  error
	}{
		{2, open, nil, nil},
		{0, open, nil, nil},
		{2, other, nil, errMoved},
		{2, nil, syscall.ENOENT, errMoved},
		{0, other, nil, errRemoved},
		{0, nil, syscall.ENOENT, errRemoved},
		{0, nil, syscall.ENOTDIR, errRemoved},
		{2, nil, syscall.EIO, nil},
		{2, nil, syscall.ESTALE, nil},
	} {
		stat := open.Sys().(*syscall.Stat_t)
		if stat.Nlink = 0; c.links > 0 { // its type is not everywhere the same
			stat.Nlink = 2
		}
		if got := whereabouts(open, c.there, c.err); got != c.want {
			t.Errorf("%d links, and at its place %v, %v: %v, want %v", c.links, c.there != nil, c.err, got, c.want)
		}
	}
}

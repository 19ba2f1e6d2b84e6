package engine

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/sidehook/sidehook/caddymodule/settings"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

func placeAt(t *testing.T, dir string) *Place {
	t.Helper()
	p := Pool{dirs: make(map[string]*Place)}
	pl, err := p.At(dir, discard())
	if err != nil {
		t.Fatal(err)
	}
	return pl
}

// gone is a directory on a disk that is not there; back brings it.
func gone(t *testing.T) (dir string, back func()) {
	t.Helper()
	disk := filepath.Join(t.TempDir(), "disk")
	dir = filepath.Join(t.TempDir(), "data")
	if err := os.Symlink(disk, dir); err != nil {
		t.Fatal(err)
	}
	return dir, func() {
		if err := os.Mkdir(disk, 0o700); err != nil {
			t.Fatal(err)
		}
	}
}

func isOpen(pl *Place) bool {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	return pl.engine != nil
}

// While the directory cannot be opened, configurations come and go as at any time: the
// newest that is left counts once it can be, and a call keeps what it began with.
func TestConfigurationsComeAndGoWhileTheDirectoryCannotBeOpened(t *testing.T) {
	dir, back := gone(t)
	pl := placeAt(t, dir)
	first, second, third := emptySettings(t, ""), emptySettings(t, ""), emptySettings(t, "")
	if err := pl.Join(t.Context(), first, false); !isTrouble(err) {
		t.Fatal("a reload to such a directory:", err)
	}
	for i, s := range []*settings.Set{first, second, third} {
		if err := pl.Join(t.Context(), s, i == 0); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := pl.Lease(); err == nil {
		t.Error("there is an engine")
	}
	line, err := pl.Line()
	if err != nil {
		t.Fatal(err)
	}
	if err := line.Begin(new(webhook.Begin)); !errors.Is(err, store.ErrJournalDown) || line.Healthy() {
		t.Error("a call was kept:", err)
	}
	pl.Leave(first, discard())
	pl.Leave(third, discard()) // as a load that failed elsewhere
	back()
	soon(t, "it is open", func() bool { return isOpen(pl) })
	e, err := pl.Lease()
	if err != nil {
		t.Fatal(err)
	}
	if len(e.configs) != 1 || e.configs[0] != second {
		t.Errorf("%d configurations are in force", len(e.configs))
	}
	if err := line.Begin(&webhook.Begin{ID: webhook.NewExchangeID(time.Now())}); err != nil {
		t.Error("a call that came before is not kept behind:", err)
	}
	pl.Leave(second, discard())
	pl.Release()
	if !isOpen(pl) {
		t.Error("it is closed under a call in flight")
	}
	pl.Release()
	soon(t, "it is closed: nobody uses it", func() bool { return !isOpen(pl) })
	pl.life.Lock() // who closes holds it
	pl.life.Unlock()
	again := placeAt(t, dir)
	if err := again.Join(t.Context(), first, false); err != nil {
		t.Error("the directory is not given back:", err)
	}
	again.Leave(first, discard())
}

// Who waits leaves nothing behind when its last configuration goes.
func TestAPlaceThatWaitsCanBeLeft(t *testing.T) {
	dir, back := gone(t)
	pl, s := placeAt(t, dir), emptySettings(t, "")
	if err := pl.Join(t.Context(), s, true); err != nil {
		t.Fatal(err)
	}
	trying := pl.opening
	pl.Leave(s, discard())
	select {
	case <-trying.done:
	default:
		t.Error("somebody tries still")
	}
	back()
	if err := pl.Join(t.Context(), s, false); err != nil {
		t.Error(err)
	}
	pl.Leave(s, discard())
}

// A directory belongs to one process also while its store cannot be opened: there are
// other files that are written.
func TestADirectoryThatWaitsIsOwned(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "store"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "store", "FORMAT"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	pl, s := placeAt(t, dir), emptySettings(t, "")
	if err := pl.Join(t.Context(), s, true); err != nil {
		t.Fatal(err)
	}
	defer pl.Leave(s, discard())
	if err := placeAt(t, dir).Join(t.Context(), s, true); !errors.Is(err, store.ErrUnfit) {
		t.Error("a second one:", err)
	}
}

// What no waiting mends is an error at once.
func TestAWrongKeyIsAnErrorAtTheStart(t *testing.T) {
	dir := t.TempDir()
	e, err := engineWith(t, dir, firstKey)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.PutKept(t.Context(), newKept("whsec_c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"), nil); err != nil {
		t.Fatal(err)
	}
	e.close()
	if err := placeAt(t, dir).Join(t.Context(), emptySettings(t, secondKey), true); err == nil || isTrouble(err) {
		t.Error("got", err)
	}
}

// A disk that hangs as the process starts holds up neither the start nor the end, and
// what was tried is closed when it answers.
func TestADiskThatHangsHoldsUpNoStart(t *testing.T) {
	dir := t.TempDir()
	key := filepath.Join(dir, "caller.key")
	if err := syscall.Mkfifo(key, 0o600); err != nil { // who opens it waits
		t.Fatal(err)
	}
	pl, s := placeAt(t, dir), emptySettings(t, "")
	if err := pl.Join(t.Context(), s, true); err != nil {
		t.Fatal(err)
	}
	line, err := pl.Line()
	if err != nil {
		t.Fatal(err)
	}
	if err := line.Begin(new(webhook.Begin)); !errors.Is(err, store.ErrJournalDown) {
		t.Error("a call is kept:", err)
	}
	if h := pl.health(t.Context()); !h.Degraded || h.Since.IsZero() {
		t.Errorf("health is %+v", h)
	}
	trying := pl.opening
	pl.Release()
	pl.Leave(s, discard())
	select {
	case <-trying.done:
		t.Fatal("it did not hang")
	default:
	}
	f, err := os.OpenFile(key, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	<-trying.done
	if err := pl.Join(t.Context(), s, false); err != nil {
		t.Error("the directory is not given back:", err)
	}
	pl.Leave(s, discard())
}

// The rules of a configuration that captured calls while the store was not open, and
// left before it was, are there for them.
func TestTheRulesOfAConfigurationThatLeftWhileItWaitedAreKept(t *testing.T) {
	dir := t.TempDir()
	format := filepath.Join(dir, "store", "FORMAT")
	if err := os.MkdirAll(filepath.Dir(format), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(format, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	pl, first, second := placeAt(t, dir), projectSettings(t), emptySettings(t, "")
	h := first.Handlers[0]
	for _, s := range []*settings.Set{first, second} {
		if err := pl.Join(t.Context(), s, true); err != nil {
			t.Fatal(err)
		}
	}
	defer pl.Leave(second, discard())
	pl.Leave(first, discard())
	if err := os.Remove(format); err != nil {
		t.Fatal(err)
	}
	soon(t, "it is open", func() bool { return isOpen(pl) })
	e, err := pl.Lease()
	if err != nil {
		t.Fatal(err)
	}
	defer pl.Release()
	if _, err := e.Store.Config(t.Context(), h.Config); err != nil {
		t.Error("a call captured by it goes to quarantine:", err)
	}
}

// A disk that is mounted over what stood there before is the one that is used from then
// on, and what was there is let go of.
func TestADirectoryThatIsAnotherNowIsOwned(t *testing.T) {
	dir, before, now := filepath.Join(t.TempDir(), "data"), t.TempDir(), t.TempDir()
	if err := os.Symlink("nowhere/journal", filepath.Join(before, "journal")); err != nil { // so that it cannot be opened
		t.Fatal(err)
	}
	if err := os.Symlink(before, dir); err != nil {
		t.Fatal(err)
	}
	f := newFront(dir, discard())
	if err := f.open(); err == nil || f.lock == nil {
		t.Fatal("it is open, or not locked:", err)
	}
	if err := errors.Join(os.Remove(dir), os.Symlink(now, dir), f.open()); err != nil {
		t.Fatal(err)
	}
	for at, free := range map[string]bool{before: true, now: false} {
		other := &front{Dir: at}
		if err := other.own(); (err == nil) != free {
			t.Errorf("another process that opens %s: %v", at, err)
		}
		if other.lock != nil {
			other.lock.Close()
		}
		if _, err := os.Stat(filepath.Join(now, "missed")); err != nil {
			t.Error(err)
		}
	}
	if err := f.leave(); err != nil {
		t.Error(err)
	}
}

// A directory is one place, whether what a link on its way leads to is there or not.
func TestADirectoryIsOnePlaceBeforeAndAfterItsDiskIsThere(t *testing.T) {
	dir, back := gone(t)
	p := Pool{dirs: make(map[string]*Place)}
	before, err := p.At(dir, discard())
	if err != nil {
		t.Fatal(err)
	}
	s, next := emptySettings(t, ""), emptySettings(t, "")
	if err := before.Join(t.Context(), s, true); err != nil {
		t.Fatal(err)
	}
	defer before.Leave(s, discard())
	back()
	soon(t, "it is open", func() bool { return isOpen(before) })
	after, err := p.At(dir, discard())
	if err != nil {
		t.Fatal(err)
	}
	if err := after.Join(t.Context(), next, false); err != nil {
		t.Fatal("a reload:", err)
	}
	after.Leave(next, discard())
}

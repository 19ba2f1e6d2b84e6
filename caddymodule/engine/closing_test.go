package engine

import (
	"testing"
	"time"
)

// A disk that hangs as the process ends holds that up no longer than closing may take.
func TestADiskThatHangsHoldsUpNoExit(t *testing.T) {
	p := Pool{dirs: make(map[string]*Place)}
	pl, err := p.At(t.TempDir(), Options{Logger: discard()})
	if err != nil {
		t.Fatal(err)
	}
	if err := pl.Join(t.Context(), emptySettings(t, ""), false); err != nil {
		t.Fatal(err)
	}
	f := pl.front
	f.keeping.Add(1) // as who writes to such a disk
	start := time.Now()
	p.Exit()
	if took := time.Since(start); took < CloseTime || took > CloseTime+time.Second {
		t.Errorf("it took %v, want %v", took, CloseTime)
	}
	f.keeping.Done()
	pl.life.Lock() // until it is closed behind
	defer pl.life.Unlock()
	if f.lock.Close() == nil {
		t.Error("it did not hang")
	}
}

// Nor does it hold up a reload that takes Sidehook away: the directory is closed, and can
// be used again, once the disk answers.
func TestADiskThatHangsHoldsUpNoReload(t *testing.T) {
	pl, s := placeAt(t, t.TempDir()), emptySettings(t, "")
	if err := pl.Join(t.Context(), s, false); err != nil {
		t.Fatal(err)
	}
	f := pl.front
	f.keeping.Add(1) // as who writes to such a disk
	start := time.Now()
	pl.Leave(s, discard())
	if took := time.Since(start); took < CloseTime || took > CloseTime+time.Second {
		t.Errorf("it took %v, want %v", took, CloseTime)
	}
	f.keeping.Done()
	if err := pl.Join(t.Context(), s, false); err != nil {
		t.Error("the directory is not given back:", err)
	}
	pl.Leave(s, discard())
}

// The last call of a configuration that is gone does not wait until all is closed: its
// client does.
func TestTheLastCallDoesNotWaitForWhatCloses(t *testing.T) {
	pl, s := placeAt(t, t.TempDir()), emptySettings(t, "")
	if err := pl.Join(t.Context(), s, false); err != nil {
		t.Fatal(err)
	}
	if _, err := pl.Line(); err != nil {
		t.Fatal(err)
	}
	pl.Leave(s, discard())
	f := pl.front
	f.keeping.Add(1) // so that closing does not end
	pl.Release()
	soon(t, "it is being closed", func() bool { return !isOpen(pl) })
	f.keeping.Done()
	pl.life.Lock() // until it is closed behind
	defer pl.life.Unlock()
	if f.lock.Close() == nil {
		t.Error("it is not closed")
	}
}

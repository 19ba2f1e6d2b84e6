package engine

import (
	"sync"
	"testing"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// A disk that hangs as the process ends holds that up no longer than closing may take.
func TestADiskThatHangsHoldsUpNoExit(t *testing.T) {
	p := Pool{dirs: make(map[string]*Place)}
	pl, err := p.At(t.TempDir(), discard())
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

// Whoever comes while a directory is being closed gets nothing of what closes: a call would
// be kept nowhere, and no gap would tell of it.
func TestWhatIsBeingClosedIsGivenToNobody(t *testing.T) {
	pl, s := placeAt(t, t.TempDir()), emptySettings(t, "")
	if err := pl.Join(t.Context(), s, false); err != nil {
		t.Fatal(err)
	}
	f := pl.front
	o := &opening{pl: pl, front: f, stop: func() {}, done: make(chan struct{})}
	pl.mu.Lock()
	pl.opening = o // so that closing waits before it takes away what is open
	pl.mu.Unlock()
	var left sync.WaitGroup
	left.Go(func() { pl.Leave(s, discard()) })
	soon(t, "it is being closed", func() bool {
		pl.mu.Lock()
		defer pl.mu.Unlock()
		return pl.users == 0
	})
	if _, err := pl.Lease(); err == nil {
		t.Error("the API got the engine that is being closed")
		pl.Release()
	}
	var came sync.WaitGroup
	came.Go(func() {
		line, err := pl.Line()
		if err != nil {
			t.Error(err)
			return
		}
		defer pl.Release()
		if line == f {
			t.Error("a call got the front that is being closed")
		}
		if err := line.Begin(new(webhook.Begin)); err != nil {
			t.Error("it is not kept:", err)
		}
	})
	time.AfterFunc(lastTry/5, func() { // Line is under way
		pl.mu.Lock()
		pl.opening = nil
		pl.mu.Unlock()
		close(o.done)
	})
	left.Wait()
	came.Wait()
	soon(t, "what the call used is closed", func() bool {
		pl.mu.Lock()
		defer pl.mu.Unlock()
		return pl.front == nil
	})
	pl.life.Lock() // until that has ended
	pl.life.Unlock()
}

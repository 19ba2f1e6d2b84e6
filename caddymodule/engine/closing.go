package engine

import (
	"fmt"
	"time"
)

// How a place is closed: with its last user, or as the process exits, and waited for no
// longer than CloseTime, since a disk may hang.

// What becomes of a directory that is not closed in time.
const (
	notClosed = "It is closed when that answers; until then no configuration can use it"
	notLeft   = "The process ends all the same; the next start takes up what is in the directory"
)

// hold takes life, unless the directory is being closed, and its disk hangs.
func (pl *Place) hold() error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(2 * CloseTime); !pl.life.TryLock(); <-tick.C {
		if time.Now().After(end) {
			return fmt.Errorf("%s is still being closed: its disk hangs; look after it (dmesg)", pl.dir)
		}
	}
	return nil
}

// giveBack is Release. It does not wait for what closes: the client of a call is waiting.
func (pl *Place) giveBack() {
	pl.mu.Lock()
	last := pl.users == 1
	if !last {
		pl.users--
	}
	pl.mu.Unlock()
	if last {
		go func() { // ends when it is closed, which exit waits for
			pl.life.Lock()
			pl.release()
		}()
	}
}

// release gives back what was used, and life, which the caller holds: with the last, what
// is open closes before. It returns what is closed then.
func (pl *Place) release() (done chan struct{}) {
	pl.mu.Lock()
	pl.users--
	last := pl.users == 0
	pl.mu.Unlock()
	done = make(chan struct{})
	end := func() {
		pl.life.Unlock()
		close(done)
	}
	if !last {
		end()
		return done
	}
	go func() {
		defer end()
		pl.close()
	}()
	return done
}

// await waits until closed is closed, as long as that may take. It leaves behind a disk
// that hangs, or to which Badger cannot write its tables, which it tries for ever.
func (pl *Place) await(closed chan struct{}, then string) {
	timer := time.NewTimer(CloseTime)
	defer timer.Stop()
	select {
	case <-closed:
	case <-timer.C:
		pl.mu.Lock()
		log := pl.logger
		pl.mu.Unlock()
		log.Error("the data directory could not be closed in time: its disk hangs or fails. "+then, "dir", pl.dir, "after", CloseTime)
	}
}

// close closes what is open. The caller holds life.
func (pl *Place) close() {
	pl.mu.Lock()
	o := pl.opening
	pl.mu.Unlock()
	if o != nil {
		o.end()
	}
	pl.mu.Lock()
	f, e, tries := pl.front, pl.engine, pl.opening != nil
	pl.front, pl.engine, pl.opening, pl.pending, pl.rules = nil, nil, nil, nil, nil
	pl.mu.Unlock()
	switch {
	case tries: // who tries closes it
	case e != nil:
		e.close()
	case f != nil:
		if err := f.leave(); err != nil {
			f.Logger.Error("closing the journal", "dir", f.Dir, "error", err)
		}
	}
}

// exit closes pl for good, or leaves it as a death would.
func (pl *Place) exit() {
	closed := make(chan struct{})
	go func() { // ends with the process
		defer close(closed)
		pl.life.Lock()
		defer pl.life.Unlock()
		pl.mu.Lock()
		pl.shut = true
		pl.mu.Unlock()
		pl.close()
	}()
	pl.await(closed, notLeft)
}

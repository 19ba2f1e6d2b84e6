package engine

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
)

// Pool holds the engines of this process, one per data directory, so that a
// reload shares the open database: old and new configuration overlap, and a
// second open of the directory would fail on its lock.
type Pool struct {
	mu   sync.Mutex
	dirs map[string]*Place
}

// Place is one directory. Its lock is held while its engine opens or closes,
// so that who comes next waits for that to end.
type Place struct {
	dir     string
	options Options
	Release func() // of any lease; made once

	mu     sync.Mutex
	engine *Engine // nil: closed
	users  int     // configurations and calls in flight
	shut   bool    // for good: the process exits
}

// All is the pool of this process.
var All = Pool{dirs: make(map[string]*Place)}

// At returns the place of dir. o counts if its engine is not open yet.
func (p *Pool) At(dir string, o Options) (*Place, error) {
	key, err := canonical(dir)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	pl := p.dirs[key]
	if pl == nil {
		pl = &Place{dir: key}
		pl.Release = pl.giveBack
		p.dirs[key] = pl
	}
	pl.mu.Lock()
	defer pl.mu.Unlock()
	if pl.engine == nil {
		pl.options = o
	}
	return pl, nil
}

// Lease returns the engine, opened if need be, for a configuration or for one
// call in flight, which may outlive its configuration. Each lease is given back
// by one call of p.release; the engine closes with the last.
func (pl *Place) Lease() (*Engine, error) {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	if pl.shut {
		return nil, errExiting
	}
	if pl.engine == nil {
		e, err := Open(pl.dir, pl.options)
		if err != nil {
			return nil, err
		}
		pl.engine = e
	}
	pl.users++
	return pl.engine, nil
}

func (pl *Place) giveBack() {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	if pl.users--; pl.users == 0 {
		pl.close()
	}
}

// close closes the engine, if it is open. pl.mu is held.
func (pl *Place) close() {
	if pl.engine != nil {
		pl.engine.close()
		pl.engine = nil
	}
}

var errExiting = errors.New("the process exits")

// Only returns the open engine; dir chooses if there are several.
func (p *Pool) Only(dir string) (*Engine, error) {
	open := p.open()
	var dirs []string
	for _, e := range open {
		if e.Dir == dir || dir == "" && len(open) == 1 {
			return e, nil
		}
		dirs = append(dirs, e.Dir)
	}
	switch {
	case len(open) == 0:
		return nil, errors.New("sidehook is not running in this process: no site of its configuration has a sidehook directive, or it is still starting")
	case dir == "":
		return nil, fmt.Errorf("several stores are open (%s): add ?dir=", strings.Join(dirs, ", "))
	}
	return nil, fmt.Errorf("no store is open at %s; open are %s", dir, strings.Join(dirs, ", "))
}

// open returns the engines that are open now.
func (p *Pool) open() []*Engine {
	p.mu.Lock()
	places := make([]*Place, 0, len(p.dirs))
	for _, pl := range p.dirs {
		places = append(places, pl)
	}
	p.mu.Unlock()
	var open []*Engine
	for _, pl := range places {
		if pl.mu.TryLock() { // one that opens or closes just now is not open
			if pl.engine != nil {
				open = append(open, pl.engine)
			}
			pl.mu.Unlock()
		}
	}
	return open
}

// Exit closes all engines for good, whoever uses them still: the grace period
// of calls in flight is over. Their begins stay in the journal, and the next
// start says that their outcome is not known.
func (p *Pool) Exit() {
	p.mu.Lock()
	defer p.mu.Unlock()
	var closing sync.WaitGroup
	for _, pl := range p.dirs {
		closing.Go(func() {
			pl.mu.Lock()
			defer pl.mu.Unlock()
			pl.shut = true
			pl.close()
		})
	}
	closing.Wait()
}

// canonical returns dir such that two spellings of one directory meet. What
// does not exist yet is taken as it is.
func canonical(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("store directory %s: %w", dir, err)
	}
	rest := ""
	for at := abs; ; {
		if real, err := filepath.EvalSymlinks(at); err == nil {
			return filepath.Join(real, rest), nil
		}
		parent := filepath.Dir(at)
		if parent == at {
			return abs, nil
		}
		rest = filepath.Join(filepath.Base(at), rest)
		at = parent
	}
}

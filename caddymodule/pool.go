package caddymodule

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"
)

// pool holds the engines of this process, one per data directory, so that a
// reload shares the open database: old and new configuration overlap, and a
// second open of the directory would fail on its lock.
type pool struct {
	mu   sync.Mutex
	dirs map[string]*place
}

// place is one directory. Its lock is held while its engine opens or closes,
// so that who comes next waits for that to end.
type place struct {
	dir     string
	options engineOptions
	release func() // of any lease; made once

	mu     sync.Mutex
	engine *engine // nil: closed
	users  int     // configurations and calls in flight
	shut   bool    // for good: the process exits
}

// engines is the pool of this process.
var engines = pool{dirs: make(map[string]*place)}

// at returns the place of dir. o counts if its engine is not open yet.
func (p *pool) at(dir string, o engineOptions) (*place, error) {
	key, err := canonical(dir)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	pl := p.dirs[key]
	if pl == nil {
		pl = &place{dir: key}
		pl.release = pl.giveBack
		p.dirs[key] = pl
	}
	pl.mu.Lock()
	defer pl.mu.Unlock()
	if pl.engine == nil {
		pl.options = o
	}
	return pl, nil
}

// lease returns the engine, opened if need be, for a configuration or for one
// call in flight, which may outlive its configuration. Each lease is given back
// by one call of p.release; the engine closes with the last.
func (pl *place) lease() (*engine, error) {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	if pl.shut {
		return nil, errExiting
	}
	if pl.engine == nil {
		e, err := openEngine(pl.dir, pl.options)
		if err != nil {
			return nil, err
		}
		pl.engine = e
	}
	pl.users++
	return pl.engine, nil
}

func (pl *place) giveBack() {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	if pl.users--; pl.users == 0 {
		pl.close()
	}
}

// close closes the engine, if it is open. pl.mu is held.
func (pl *place) close() {
	if pl.engine != nil {
		pl.engine.close()
		pl.engine = nil
	}
}

var errExiting = errors.New("the process exits")

// exit closes all engines for good, whoever uses them still: the grace period
// of calls in flight is over. Their begins stay in the journal, and the next
// start says that their outcome is not known.
func (p *pool) exit() {
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

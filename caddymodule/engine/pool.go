package engine

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
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

// All is the pool of this process.
var All = Pool{dirs: make(map[string]*Place)}

// At returns the place of dir. logger counts if its engine is not open yet.
func (p *Pool) At(dir string, logger *slog.Logger) (*Place, error) {
	dir, err := canonical(dir)
	if err != nil {
		return nil, err
	}
	key, err := canonical(followed(dir))
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	pl := p.dirs[key]
	if pl == nil {
		pl = &Place{dir: dir}
		pl.Release = pl.giveBack
		p.dirs[key] = pl
	}
	pl.mu.Lock()
	defer pl.mu.Unlock()
	if pl.front == nil {
		pl.logger = logger
	}
	return pl, nil
}

// Only returns the open engine; dir chooses if there are several.
func (p *Pool) Only(dir string) (*Engine, error) {
	pl, err := p.only(dir)
	if err != nil {
		return nil, err
	}
	pl.mu.Lock()
	defer pl.mu.Unlock()
	if pl.engine == nil {
		return nil, pl.waits()
	}
	return pl.engine, nil
}

// only returns the place that is in use; dir chooses if there are several.
func (p *Pool) only(dir string) (*Place, error) {
	used := p.used()
	var dirs []string
	for _, pl := range used {
		if pl.dir == dir || dir == "" && len(used) == 1 {
			return pl, nil
		}
		dirs = append(dirs, pl.dir)
	}
	switch {
	case len(used) == 0:
		return nil, errors.New("sidehook is not running in this process: no site of its configuration has a sidehook directive, or it is still starting")
	case dir == "":
		return nil, fmt.Errorf("several stores are open (%s): add ?dir=", strings.Join(dirs, ", "))
	}
	return nil, fmt.Errorf("no store is open at %s; open are %s", dir, strings.Join(dirs, ", "))
}

// used returns the places that configurations or calls use now.
func (p *Pool) used() []*Place {
	p.mu.Lock()
	places := make([]*Place, 0, len(p.dirs))
	for _, pl := range p.dirs {
		places = append(places, pl)
	}
	p.mu.Unlock()
	return slices.DeleteFunc(places, func(pl *Place) bool {
		pl.mu.Lock()
		defer pl.mu.Unlock()
		return pl.front == nil
	})
}

// Exit closes all engines for good, whoever uses them still: the grace period
// of calls in flight is over. Their begins stay in the journal, and the next
// start says that their outcome is not known. It returns within CloseTime.
func (p *Pool) Exit() {
	p.mu.Lock()
	defer p.mu.Unlock()
	var closing sync.WaitGroup
	for _, pl := range p.dirs {
		closing.Go(pl.exit)
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

// mostLinks bounds the links that are followed: they may lead in a circle.
const mostLinks = 40

// followed returns where dir is once what the links on its way lead to is there: a
// disk that is not there now may come, and the directory is the same one then. It is
// not opened under that name, which would make it where the disk belongs.
func followed(dir string) string {
	rest := ""
	for at, links := dir, 0; ; {
		parent := filepath.Dir(at)
		if to, err := os.Readlink(at); err == nil && links < mostLinks {
			links++
			if at = to; !filepath.IsAbs(to) {
				at = filepath.Join(parent, to)
			}
			continue
		}
		if parent == at {
			return filepath.Join(at, rest)
		}
		rest = filepath.Join(filepath.Base(at), rest)
		at = parent
	}
}

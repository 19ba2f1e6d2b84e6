package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"github.com/sidehook/sidehook/caddymodule/capture"
	"github.com/sidehook/sidehook/caddymodule/settings"
	"github.com/sidehook/sidehook/webhook"
)

// Place is one directory, with what is open of it: nothing; only its front, while the
// engine behind cannot be opened; or its engine.
type Place struct {
	dir     string
	logger  *slog.Logger // until a configuration brings its own
	Release func()       // of any use; made once

	// life is held while the engine is opened or closed for somebody, so that who
	// comes next waits for that to end. Who waits for trouble to go away does not.
	// Whoever closes lets go of it when that is done, waited for or not.
	life sync.Mutex

	mu      sync.Mutex
	front   *front                      // nil: closed
	engine  *Engine                     // nil: not open
	opening *opening                    // nil: nobody tries
	pending []*settings.Set             // of configurations that came before the engine
	rules   map[webhook.ConfigID][]byte // of those, and of such that left: calls in the journal name them
	users   int                         // configurations and calls in flight
	shut    bool                        // for good: the process exits
}

var errExiting = errors.New("the process exits")

// Join makes s the configuration that counts, on the engine that is open or is opened
// for it; each one is taken off by Leave. With wait, trouble with the directory is no
// error: then s counts once it has gone, and until then calls are kept in the journal
// or noted as missed. Without, an error leaves everything as it was.
func (pl *Place) Join(ctx context.Context, s *settings.Set, wait bool) error {
	if err := pl.hold(); err != nil {
		return err
	}
	pl.mu.Lock()
	if pl.shut {
		pl.mu.Unlock()
		pl.life.Unlock()
		return errExiting
	}
	pl.users++
	e, o := pl.engine, pl.opening
	if e == nil {
		if pl.front == nil {
			pl.front = newFront(pl.dir, pl.logger)
		}
		pl.pending = append(pl.pending, s)
		pl.remember(s.Handlers)
		pl.follow()
		if o == nil {
			pl.opening = pl.open(pl.front, wait)
		}
	}
	began := pl.opening
	pl.mu.Unlock()
	var err error
	switch {
	case e != nil:
		err = e.Activate(ctx, s)
	case o == nil:
		err = began.outcome(wait)
	}
	if err != nil {
		pl.forget(s)
		pl.await(pl.release(), notClosed)
		return err
	}
	pl.life.Unlock()
	return nil
}

// Leave takes s off; the newest of the others counts again.
func (pl *Place) Leave(s *settings.Set, logger *slog.Logger) {
	pl.life.Lock()
	if e := pl.forget(s); e != nil {
		e.sayLeft(context.Background(), s, logger)
		e.Deactivate(s)
	}
	pl.await(pl.release(), notClosed)
}

// forget takes s off those that wait, and returns the engine, if it is open.
func (pl *Place) forget(s *settings.Set) *Engine {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	pl.pending = slices.DeleteFunc(pl.pending, func(p *settings.Set) bool { return p == s })
	pl.follow()
	return pl.engine
}

// remember notes the rules by which calls are captured from now on. The caller holds mu.
func (pl *Place) remember(handlers settings.Handlers) {
	if pl.rules == nil {
		pl.rules = make(map[webhook.ConfigID][]byte)
	}
	for _, h := range handlers {
		pl.rules[h.Config] = h.Canonical
	}
}

// follow has the front do as the newest configuration that waits says. The caller
// holds mu.
func (pl *Place) follow() {
	if n := len(pl.pending); n > 0 {
		pl.front.log.to.Store(pl.pending[n-1].Logger)
		pl.front.syncBegins(pl.pending[n-1].JournalSync)
	}
}

// Line returns what one captured call needs, which may outlive its configuration. Each
// is given back by one call of pl.Release; what is open closes with the last.
func (pl *Place) Line() (capture.Line, error) {
	if f := pl.use(); f != nil {
		return f, nil
	}
	if err := pl.hold(); err != nil {
		return nil, err
	}
	defer pl.life.Unlock()
	if f := pl.use(); f != nil {
		return f, nil
	}
	if pl.isShut() {
		return nil, errExiting
	}
	// The configuration of the call is gone, and its directory is closed.
	f := newFront(pl.dir, pl.logger)
	if err := f.open(); err != nil {
		return nil, errors.Join(err, f.leave())
	}
	pl.mu.Lock()
	defer pl.mu.Unlock()
	pl.front = f // not shut meanwhile: life is held
	pl.users++
	return f, nil
}

func (pl *Place) isShut() bool {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	return pl.shut
}

// use returns the front that is open, if there is one: without users it is being closed.
func (pl *Place) use() *front {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	if pl.front != nil && pl.users > 0 && !pl.shut {
		pl.users++
		return pl.front
	}
	return nil
}

// Lease returns the engine for a call of the API; it is given back by pl.Release.
func (pl *Place) Lease() (*Engine, error) {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	switch {
	case pl.shut:
		return nil, errExiting
	case pl.engine == nil, pl.users == 0:
		return nil, pl.waits()
	}
	pl.users++
	return pl.engine, nil
}

// waits says that the engine is not open, and why. The caller holds mu.
func (pl *Place) waits() error {
	if pl.opening != nil {
		if _, err := pl.opening.trouble(); err != nil {
			return fmt.Errorf("sidehook waits until it can open %s: %w", pl.dir, err)
		}
		return fmt.Errorf("sidehook is still opening %s", pl.dir)
	}
	return fmt.Errorf("sidehook is not running on %s: no configuration uses it any more", pl.dir)
}

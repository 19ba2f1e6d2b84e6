package derive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// maxPrograms bounds the compiled configurations that are kept; a process that
// is reloaded often meets many.
const maxPrograms = 64

// programs compiles the configurations that exchanges name, once each. It is
// used by one goroutine.
type programs struct {
	store store.Configs
	byID  map[webhook.ConfigID]*rules.Program
}

// unreadError is a failure to read a configuration that may be there.
type unreadError struct{ err error }

func (e *unreadError) Error() string { return e.err.Error() }
func (e *unreadError) Unwrap() error { return e.err }

// get returns the program of the configuration under which an exchange was
// captured.
func (p *programs) get(ctx context.Context, id webhook.ConfigID) (*rules.Program, error) {
	if prog := p.byID[id]; prog != nil {
		return prog, nil
	}
	text, err := p.store.Config(ctx, id)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, &unreadError{fmt.Errorf("configuration %s: %w", id, err)}
	}
	if err != nil {
		return nil, fmt.Errorf("configuration %s: %w", id, err)
	}
	var c rules.Config
	if err := json.Unmarshal(text, &c); err != nil {
		return nil, fmt.Errorf("configuration %s: %w", id, err)
	}
	prog, err := rules.Compile(&c)
	if err != nil {
		return nil, fmt.Errorf("configuration %s: %w", id, err)
	}
	if p.byID == nil || len(p.byID) >= maxPrograms {
		p.byID = make(map[webhook.ConfigID]*rules.Program)
	}
	p.byID[id] = prog
	return prog, nil
}

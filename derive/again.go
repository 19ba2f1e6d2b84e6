package derive

import (
	"context"
	"errors"
	"fmt"

	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// Again derives x, an exchange that is in quarantine, by p, and takes it out. Its
// turn has passed: where its entity changed since, a gap stands for it. It is
// recorded once, ever, however often Again is called. An error of the rules, or
// ctx's, leaves it in quarantine.
func (d *Deriver) Again(ctx context.Context, x *webhook.Exchange, p *rules.Program) error {
	t := &ticket{d: d, x: x, program: p, again: make(chan error, 1)}
	pl, err := plan(p, x)
	switch {
	case err != nil:
		return fmt.Errorf("derive %s again: %w", x.ID, err)
	case pl.Nothing != "":
		d.Observer.Nothing(x, pl.Nothing)
		return d.Store.Unquarantine(ctx, x.ID)
	}
	t.setPlan(pl)
	t.setAfter(nil)
	for i := range t.after {
		t.after[i].Late = true
	}
	if !d.line.await(t) {
		return errEnded
	}
	select {
	case err = <-t.again:
	case <-d.ended:
		err = errEnded
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("derive %s again: %w", x.ID, err)
	}
	return d.Store.Unquarantine(ctx, x.ID)
}

var errEnded = errors.New("nothing is derived any more: the process ends")

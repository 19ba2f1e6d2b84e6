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
	pl, err := plan(p, x)
	switch {
	case err != nil:
		return fmt.Errorf("derive %s again: %w", x.ID, err)
	case pl.Nothing != "":
		d.Observer.Nothing(x, pl.Nothing)
	default:
		if err := d.late(ctx, &ticket{d: d, x: x, program: p}, pl); err != nil {
			return fmt.Errorf("derive %s again: %w", x.ID, err)
		}
	}
	return d.Store.Unquarantine(ctx, x.ID)
}

// Drop gives x up, an exchange that is in quarantine, and takes it out: a gap of
// each entity that it is about, or of the resource, says why. p is what names it
// now.
func (d *Deriver) Drop(ctx context.Context, x *webhook.Exchange, p *rules.Program, why string) error {
	pl, err := plan(p, x)
	if err == nil {
		pl.GiveUp("was given up: a rule failed (" + why + ")")
		err = d.late(ctx, &ticket{d: d, x: x, program: p}, pl)
	}
	if err != nil {
		return fmt.Errorf("drop %s: %w", x.ID, err)
	}
	return d.Store.Unquarantine(ctx, x.ID)
}

// late has t recorded by its plan, behind all that is in the line.
func (d *Deriver) late(ctx context.Context, t *ticket, pl *rules.Plan) (err error) {
	t.again = make(chan error, 1)
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
	return err
}

var errEnded = errors.New("nothing is derived any more: the process ends")

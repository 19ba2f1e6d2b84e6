package engine

import (
	"errors"

	"github.com/sidehook/sidehook/caddymodule/settings"
	"github.com/sidehook/sidehook/webhook"
)

// RendererKnown asks an engine for which the subscriptions are in force, those
// that were before, and those that a reload is about to bring, who renders for
// sub, and returns the error if nobody does.
func RendererKnown(sub webhook.SubscriptionID, active, earlier, coming []*webhook.Subscription) error {
	var e Engine
	e.active.Store(&settings.Set{Subscriptions: active})
	if earlier != nil {
		e.earlier.Store(&settings.Set{Subscriptions: earlier})
	}
	if coming != nil {
		e.coming.Store(&settings.Set{Subscriptions: coming})
	}
	_, err := e.rendererOf(sub)
	return err
}

// MissedEntry is one resource in the list of missed calls.
type MissedEntry = missedEntry

// WriteMissed makes entries the list at path.
func WriteMissed(path string, entries []MissedEntry) error {
	f, _, err := openMissed(path)
	if err != nil && !errors.Is(err, errMissedUnreadable) {
		return err
	}
	return errors.Join(f.write(entries), f.close())
}

// ReadMissed returns the list at path; all is whether that is not known.
func ReadMissed(path string) (left []MissedEntry, all bool, err error) {
	f, left, err := openMissed(path)
	if all = errors.Is(err, errMissedUnreadable); all {
		err = nil
	}
	if err != nil {
		return nil, false, err
	}
	return left, all, f.close()
}

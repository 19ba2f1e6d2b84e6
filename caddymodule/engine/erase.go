package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"github.com/sidehook/sidehook/caddymodule/metrics"
	"github.com/sidehook/sidehook/caddymodule/own"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

const (
	// eraseWait is how long an erasure waits for calls that are in the journal, and
	// may be about the entity, to be recorded.
	eraseWait = 5 * time.Second

	// purgeEvery is the least time from one purge to the next, which reads and
	// writes much of the store.
	purgeEvery = 10 * time.Minute
)

// Erase forgets an entity, once what the journal tells of it is recorded, and the
// examples of its resource: one may show it. complete is false if some of that was not
// yet: then it may be in the store again later.
func (e *Engine) Erase(ctx context.Context, what store.Erasure, by string) (out store.Erased, complete bool, err error) {
	sum := sha256.Sum256([]byte(what.ID))
	through := e.Journal.Scrub()
	complete = e.journalPast(ctx, through)
	defer e.HoldErasures()()
	if len(what.APIs) > 0 {
		what.APIs = append(slices.Clip(what.APIs), own.API) // examples of others may be related to it
	}
	if out, err = e.Store.Erase(ctx, what); err != nil {
		return out, complete, err
	}
	what.APIs, what.ID = []string{own.API}, own.ExampleID
	shown, err := e.Store.Erase(ctx, what)
	if err != nil {
		return out, complete, err
	}
	out.Events, out.Deliveries, out.Owed = out.Events+shown.Events, out.Deliveries+shown.Deliveries, out.Owed+shown.Owed
	metrics.Process.Deliveries.WithLabelValues(string(webhook.Cancelled)).Add(float64(out.Owed))
	e.Logger.Info("entity erased", "resource", what.Resource, "tenant", what.Tenant, "id_sha256", hex.EncodeToString(sum[:]), "by", by,
		"entities", out.Entities, "events", out.Events, "deliveries", out.Deliveries, "owed", out.Owed, "copies", out.Copies, "complete", complete)
	poke(e.erased)
	return out, complete, nil
}

// HoldErasures keeps entities from being erased until release is called: what is
// copied of one meanwhile is not left behind.
func (e *Engine) HoldErasures() (release func()) {
	e.examples.Lock()
	return e.examples.Unlock
}

// journalPast waits until the segments of the journal up to one are gone.
func (e *Engine) journalPast(ctx context.Context, through uint64) bool {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(eraseWait); e.Journal.Stats().First <= through; {
		select {
		case <-tick.C:
			if time.Now().After(end) {
				return false
			}
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// runPurges takes what was erased out of files, at once if the last time is long
// enough ago, until ctx ends.
func (e *Engine) runPurges(ctx context.Context) {
	if e.Store.Unpurged() { // before an earlier process could
		e.Journal.Scrub()
		poke(e.erased)
	}
	for {
		select {
		case <-e.erased:
		case <-ctx.Done():
			return
		}
		if err := e.Store.Purge(ctx); err == nil {
			e.Logger.Info("what was erased is out of the store's files")
		} else if ctx.Err() == nil {
			e.Logger.Error("what was erased is in files still; it is tried again", "error", err, "after", purgeEvery)
			poke(e.erased)
		}
		select {
		case <-time.After(purgeEvery):
		case <-ctx.Done():
			return
		}
	}
}

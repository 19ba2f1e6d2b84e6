package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/caddyserver/caddy/v2"

	"github.com/sidehook/sidehook/caddymodule/capture"
	"github.com/sidehook/sidehook/caddymodule/dialect"
	"github.com/sidehook/sidehook/caddymodule/engine"
	"github.com/sidehook/sidehook/caddymodule/kept"
	"github.com/sidehook/sidehook/caddymodule/settings"
	"github.com/sidehook/sidehook/caddymodule/subscription"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// appRun is the running state of an [App].
type appRun struct {
	ctx      caddy.Context
	logger   *slog.Logger
	handlers settings.Handlers // registered while they are provisioned
	subs     []*webhook.Subscription
	sealer   *kept.Sealer
	egress   *webhook.Egress
	dialects map[string]*dialect.Compiled
	apis     []*API // registered while they are provisioned

	place    *engine.Place
	settings *settings.Set // set once Start has joined the place
	started  chan struct{} // closed when Start has succeeded
}

// Provision resolves secrets and checks the subscriptions. It opens nothing:
// it runs for `validate` too, perhaps while a server holds the directory.
func (a *App) Provision(ctx caddy.Context) error {
	a.run.ctx, a.run.logger = ctx, ctx.Slogger()
	a.run.started = make(chan struct{})
	if err := engine.RegisterMetrics(ctx.GetMetricsRegistry()); err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	subs, err := a.build()
	if err != nil {
		return err
	}
	a.run.subs = subs
	if a.run.sealer, err = a.readEncryptionKey(); err != nil {
		return err
	}
	a.run.egress, err = a.common().BuildEgress()
	return a.Sources.at("egress", err)
}

// register adds a handler of this configuration; handlers call it while they
// are provisioned.
func (a *App) register(p *rules.Program, c *rules.Config) *settings.Handler {
	canonical := c.Canonical()
	h := &settings.Handler{Program: p, Config: webhook.NewConfigID(canonical), Canonical: canonical}
	a.run.handlers = append(a.run.handlers, h)
	return h
}

// named says which subscription of a is meant, and where it stands.
func (a *App) named(id webhook.SubscriptionID) string {
	i := slices.IndexFunc(a.Subscriptions, func(s *subscription.Subscription) bool { return s.Name == string(id) })
	return a.Subscriptions[i].String()
}

// check holds what can only be checked once all handlers are known.
func (a *App) check() (*settings.Set, error) {
	if err := a.run.handlers.Check(a.run.subs, a.named); err != nil {
		return nil, err
	}
	if err := a.checkGrace(); err != nil {
		return nil, err
	}
	subscribers, err := rules.NewSubscribers(a.run.subs, a.Payloads)
	if err != nil {
		return nil, err
	}
	return &settings.Set{
		Subscriptions: a.run.subs, Subscribers: subscribers, Payloads: a.Payloads, Handlers: a.run.handlers, Sealer: a.run.sealer, Egress: a.run.egress,
		Retention: a.retention(), HoldFor: a.holdFor(), StoreMax: a.StoreMax, JournalSync: a.journalSync(), Logger: a.run.logger,
	}, nil
}

// Start opens the engine, or joins the one that an earlier configuration runs,
// and makes this configuration count. If it fails the earlier one goes on. If there is
// none, the API would be down: then trouble with the disk is no reason to fail, and
// the directory is opened as soon as it can be.
func (a *App) Start() error {
	s, err := a.check()
	if err != nil {
		return err
	}
	a.run.place, err = engine.All.At(a.dir(), a.run.logger)
	if err != nil {
		return err
	}
	if err := a.run.place.Join(a.run.ctx, s, nothingServed()); err != nil {
		return err
	}
	a.run.settings = s
	close(a.run.started)
	for _, note := range a.notes() {
		a.run.logger.Warn(note)
	}
	return nil
}

// nothingServed reports whether no configuration with sites is in force: at the start,
// and in a Caddy that was started empty and is told by its API, as in a container.
func nothingServed() bool {
	active := caddy.ActiveContext()
	if active.Context == nil {
		return true
	}
	_, err := active.AppIfConfigured("http")
	return errors.Is(err, caddy.ErrNotConfigured)
}

// Stop does nothing: calls may be in flight still. Cleanup ends it.
func (a *App) Stop() error { return nil }

// Cleanup takes this configuration off the engine and gives the engine back.
// It runs after a failed Start too, and is complete then.
func (a *App) Cleanup() error {
	switch {
	case caddy.Exiting():
		engine.All.Exit()
	case a.run.settings != nil:
		a.run.place.Leave(a.run.settings, a.run.logger)
	}
	a.run.settings = nil
	return nil
}

// line returns what a captured call needs. A call may come before Start: Caddy starts
// apps in no particular order.
func (a *App) line() (capture.Line, func(), error) {
	if err := a.awaitStart(a.run.ctx); err != nil {
		return nil, nil, err
	}
	l, err := a.run.place.Line()
	return l, a.run.place.Release, err
}

// lease returns the engine for a call of the API.
func (a *App) lease(ctx context.Context) (*engine.Engine, func(), error) {
	if err := a.awaitStart(ctx); err != nil {
		return nil, nil, err
	}
	e, err := a.run.place.Lease()
	return e, a.run.place.Release, err
}

func (a *App) awaitStart(ctx context.Context) error {
	select {
	case <-a.run.started:
		return nil
	default:
	}
	select {
	case <-a.run.started:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-a.run.ctx.Done():
		return a.run.ctx.Err()
	}
}

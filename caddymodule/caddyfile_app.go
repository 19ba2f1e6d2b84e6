package caddymodule

import (
	"math"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/dustin/go-humanize"

	"github.com/sidehook/sidehook/caddymodule/dialect"
	"github.com/sidehook/sidehook/caddymodule/directive"
	"github.com/sidehook/sidehook/caddymodule/ruleset"
	"github.com/sidehook/sidehook/caddymodule/source"
	"github.com/sidehook/sidehook/caddymodule/subscription"
	"github.com/sidehook/sidehook/rules"
)

// parseGlobalOption reads the global option sidehook.
func parseGlobalOption(d *caddyfile.Dispenser, existing any) (any, error) {
	app := new(App)
	if existing != nil {
		d.Next()
		return nil, d.Err("the global option sidehook stands twice: put it into one block")
	}
	if err := app.UnmarshalCaddyfile(d); err != nil {
		return nil, err
	}
	return httpcaddyfile.App{Name: "sidehook", Value: caddyconfig.JSON(app, nil)}, nil
}

// UnmarshalCaddyfile implements [caddyfile.Unmarshaler]:
//
//	sidehook {
//		…
//	}
func (a *App) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	l, err := directive.Read(d)
	if err != nil {
		return err
	}
	if args := l.Args(); len(args) > 0 {
		return args[0].Errf("unexpected %q: in the global options sidehook has only a block; an api's name stands in sidehook of a site", args[0].Text)
	}
	if err := appOptions.Parse(l.Block, a, "sidehook of the global options"); err != nil {
		return err
	}
	return a.checkNames(l)
}

// appOptions are the words of the global option's block.
var appOptions = directive.Options[*App]{
	"store":     {Usage: "store badger /var/lib/sidehook", Parse: parseStore},
	"journal":   {Usage: "journal sync", Parse: parseJournal},
	"retention": {Usage: "retention 30d", Parse: func(l *directive.Line, a *App) error { return l.Duration(&a.Retention) }},
	"hold_for":  {Usage: "hold_for 30d", Parse: func(l *directive.Line, a *App) error { return l.Duration(&a.HoldFor) }},
	"egress": {Usage: "egress { … }", Parse: func(l *directive.Line, a *App) error {
		a.Sources.note(l)
		return subscription.ParseEgress(l, &a.Egress, "of the global options")
	}},
	"payload":        {Usage: "payload NAME { KEY EXPR }, or payload NAME EXPR", Parse: parseAppPayload, Many: true},
	"subscription":   {Usage: "subscription crm https://crm.example.com/hooks { … }", Parse: parseSubscription, Many: true},
	"store_max":      {Usage: "store_max 10GiB", Parse: parseStoreMax},
	"encryption_key": {Usage: "encryption_key {env.SIDEHOOK_KEY}, and behind it the key that was before, if there was another", Parse: parseEncryptionKey},
	"dialect":        {Usage: "dialect NAME { route POST /webhooks create { … } }", Parse: parseDialect, Many: true},
}

func parseStore(l *directive.Line, a *App) error {
	args, err := l.Take(1, 2)
	if err != nil {
		return err
	}
	if strings.ContainsAny(args[0].Text, `/\.`) && len(args) == 1 {
		return args[0].Errf("store %q: write store %s %s", args[0].Text, backendBadger, args[0].Raw())
	}
	if err := args[0].Among("store", backendBadger); err != nil {
		return err
	}
	a.Store = &Store{Backend: args[0].Text}
	if len(args) > 1 {
		a.Store.Path = args[1].Text
		return args[1].NotLoaded()
	}
	return nil
}

func parseStoreMax(l *directive.Line, a *App) error {
	args, err := l.Take(1, 1)
	if err != nil {
		return err
	}
	n, err := humanize.ParseBytes(args[0].Text)
	if err != nil || n < leastStoreMax || n > math.MaxInt64 {
		return args[0].Errf("store_max %q: write a size from 256MiB on, like 10GiB", args[0].Text)
	}
	a.StoreMax = int64(n)
	return nil
}

func parseEncryptionKey(l *directive.Line, a *App) error {
	args, err := l.Take(1, subscription.MaxSecrets)
	if err != nil {
		return err
	}
	for _, w := range args {
		if directive.IsPlaceholder(w.Text) && !source.In(w.Text) {
			return w.Errf("encryption_key %s is a placeholder that is not known when Caddy starts: write {env.NAME} or {file./path}", w.Text)
		}
		a.EncryptionKey = append(a.EncryptionKey, w.Text)
	}
	a.Sources.note(l)
	return nil
}

func parseJournal(l *directive.Line, a *App) error {
	var word string
	if err := l.OneOf(&word, "sync"); err != nil {
		return err
	}
	a.Journal = &Journal{Sync: true}
	return nil
}

func parseAppPayload(l *directive.Line, a *App) error {
	name, p, err := ruleset.ParsePayload(l, subscription.BuiltinPayloads)
	if err != nil {
		return err
	}
	if _, ok := a.Payloads[name]; ok {
		return l.Words[1].Errf("payload %s is declared twice: give each its own name", name)
	}
	if a.Payloads == nil {
		a.Payloads = make(map[string]rules.Payload)
	}
	a.Payloads[name] = p
	return nil
}

func parseDialect(l *directive.Line, a *App) error {
	name, d, err := dialect.Parse(l, a.Dialects)
	if err != nil {
		return err
	}
	if a.Dialects == nil {
		a.Dialects = make(map[string]*dialect.Dialect)
	}
	a.Dialects[name] = d
	return nil
}

func parseSubscription(l *directive.Line, a *App) error {
	s, err := subscription.Parse(l, a.Subscriptions)
	if err != nil {
		return err
	}
	a.Subscriptions = append(a.Subscriptions, s)
	return nil
}

// checkNames checks what refers to payloads declared before or after it.
func (a *App) checkNames(block *directive.Line) error {
	for _, l := range block.Block {
		if l.Name() != "subscription" {
			continue
		}
		for _, inner := range l.Block {
			if inner.Name() == "payload" {
				if err := inner.Words[1].Check(func(name string) error { return subscription.CheckPayload(name, a.Payloads) }); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

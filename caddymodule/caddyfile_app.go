package caddymodule

import (
	"math"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/dustin/go-humanize"

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
	l, err := readLine(d)
	if err != nil {
		return err
	}
	if args := l.args(); len(args) > 0 {
		return args[0].errf("unexpected %q: in the global options sidehook has only a block; an api's name stands in sidehook of a site", args[0].Text)
	}
	if err := appOptions.parse(l.block, a, "sidehook of the global options"); err != nil {
		return err
	}
	return a.checkNames(l)
}

// appOptions are the words of the global option's block.
var appOptions = options[*App]{
	"store":          {usage: "store badger /var/lib/sidehook", parse: parseStore},
	"journal":        {usage: "journal sync", parse: parseJournal},
	"retention":      {usage: "retention 30d", parse: func(l *optionLine, a *App) error { return l.duration(&a.Retention) }},
	"hold_for":       {usage: "hold_for 30d", parse: func(l *optionLine, a *App) error { return l.duration(&a.HoldFor) }},
	"egress":         {usage: "egress { … }", parse: func(l *optionLine, a *App) error { return parseEgress(l, &a.Egress, "of the global options") }},
	"payload":        {usage: "payload NAME { KEY EXPR }, or payload NAME EXPR", parse: parseAppPayload, many: true},
	"subscription":   {usage: "subscription crm https://crm.example.com/hooks { … }", parse: parseSubscription, many: true},
	"store_max":      {usage: "store_max 10GiB", parse: parseStoreMax},
	"encryption_key": {usage: "encryption_key {env.SIDEHOOK_KEY}, and behind it the key that was before, if there was another", parse: parseEncryptionKey},
	"dialect":        {usage: "dialect NAME { route POST /webhooks create { … } }", parse: parseDialect, many: true},
}

func parseStore(l *optionLine, a *App) error {
	args, err := l.take(1, 2)
	if err != nil {
		return err
	}
	if strings.ContainsAny(args[0].Text, `/\.`) && len(args) == 1 {
		return args[0].errf("store %q: write store %s %s", args[0].Text, backendBadger, args[0].raw())
	}
	if err := args[0].among("store", backendBadger); err != nil {
		return err
	}
	a.Store = &Store{Backend: args[0].Text}
	if len(args) > 1 {
		a.Store.Path = args[1].Text
	}
	return nil
}

func parseStoreMax(l *optionLine, a *App) error {
	args, err := l.take(1, 1)
	if err != nil {
		return err
	}
	n, err := humanize.ParseBytes(args[0].Text)
	if err != nil || n < leastStoreMax || n > math.MaxInt64 {
		return args[0].errf("store_max %q: write a size from 256MiB on, like 10GiB", args[0].Text)
	}
	a.StoreMax = int64(n)
	return nil
}

func parseEncryptionKey(l *optionLine, a *App) error {
	args, err := l.take(1, maxSecrets)
	if err != nil {
		return err
	}
	for _, w := range args {
		if isPlaceholder(w.Text) && !sources.MatchString(w.Text) {
			return w.errf("encryption_key %s is a placeholder that is not known when Caddy starts: write {env.NAME} or {file./path}", w.Text)
		}
		a.EncryptionKey = append(a.EncryptionKey, w.Text)
	}
	return nil
}

func parseJournal(l *optionLine, a *App) error {
	var word string
	if err := l.oneOf(&word, "sync"); err != nil {
		return err
	}
	a.Journal = &Journal{Sync: true}
	return nil
}

func parseAppPayload(l *optionLine, a *App) error {
	name, p, err := parsePayload(l, builtinPayloads)
	if err != nil {
		return err
	}
	if _, ok := a.Payloads[name]; ok {
		return l.words[1].errf("payload %s is declared twice: give each its own name", name)
	}
	if a.Payloads == nil {
		a.Payloads = make(map[string]rules.Payload)
	}
	a.Payloads[name] = p
	return nil
}

// checkNames checks what refers to payloads declared before or after it.
func (a *App) checkNames(block *optionLine) error {
	for _, l := range block.block {
		if l.name() != "subscription" {
			continue
		}
		for _, inner := range l.block {
			if inner.name() == "payload" {
				if err := inner.words[1].check(func(name string) error { return checkPayload(name, a.Payloads) }); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

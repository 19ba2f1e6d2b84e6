package caddymodule

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"

	"github.com/sidehook/sidehook/caddymodule/dialect"
	"github.com/sidehook/sidehook/caddymodule/directive"
	"github.com/sidehook/sidehook/caddymodule/kept"
	"github.com/sidehook/sidehook/caddymodule/source"
	"github.com/sidehook/sidehook/caddymodule/strict"
	"github.com/sidehook/sidehook/caddymodule/subscription"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

func init() {
	caddy.RegisterModule(new(App))
	httpcaddyfile.RegisterGlobalOption("sidehook", parseGlobalOption)
}

// App keeps the events that sidehook handlers record, and delivers them as
// signed webhooks to its subscriptions.
//
//	{
//		sidehook {
//			subscription crm https://crm.example.com/hooks {
//				scopes project.**
//				secret {env.CRM_SECRET}
//			}
//		}
//	}
type App struct {
	// Store is where events and deliveries are kept.
	Store *Store `json:"store,omitempty"`

	// Journal is where calls are kept until their events are recorded.
	Journal *Journal `json:"journal,omitempty"`

	// Retention is how long an event is kept after its last delivery has reached
	// its end, or after it was recorded if nobody wanted it. Default: 30d.
	Retention rules.Duration `json:"retention,omitempty"`

	// HoldFor is how long a held delivery is kept before it expires.
	// Default: 30d.
	HoldFor rules.Duration `json:"hold_for,omitempty"`

	// StoreMax is how many bytes the store may take on disk, at least 268435456
	// (256 MiB). Above it, events that are owed to nobody go before their retention
	// ends, oldest first. When none is left, new calls are not captured but become
	// gaps, and health is degraded; what is owed is never dropped for room. The
	// journal is beside it: 100 MiB as a rule. Default: none.
	StoreMax int64 `json:"store_max,omitempty"`

	// EncryptionKey is the key under which subscriptions made through the API are
	// kept, with their secrets: a text of at least 24 bytes, best given as
	// {env.NAME} or {file./path}; or a list of up to five, newest first. The first
	// encrypts; what the others have encrypted is read, and encrypted anew. Default:
	// none, and what is kept is not encrypted.
	EncryptionKey EncryptionKeys `json:"encryption_key,omitempty"`

	// Egress says how receivers are reached. Default: straight.
	Egress *subscription.Egress `json:"egress,omitempty"`

	// Payloads are shapes of bodies, by the names that subscriptions use.
	Payloads map[string]rules.Payload `json:"payloads,omitempty"`

	// Dialects make the subscription API look like other products', by the names
	// that sidehook_api uses.
	Dialects map[string]*dialect.Dialect `json:"dialects,omitempty"`

	// Subscriptions say who gets which events, where, and how.
	Subscriptions []*subscription.Subscription `json:"subscriptions,omitempty"`

	// Sources says where encryption_key and egress stand in the file from which this
	// configuration was adapted, for errors. The Caddyfile's adapter writes it.
	Sources Sources `json:"sources,omitempty"`

	run appRun
}

// Store says where events and deliveries are kept.
type Store struct {
	// Backend is badger, the only one.
	Backend string `json:"backend,omitempty"`

	// Path is a directory, which one process may use at a time. Default: the
	// directory sidehook in Caddy's data directory.
	Path string `json:"path,omitempty"`
}

// Journal says how calls are journaled.
type Journal struct {
	// Sync writes the beginning of each call through to the disk, so that it
	// survives power loss, at the price of one more sync for each call.
	// Default: it survives the end of the process. A reload may change it.
	Sync bool `json:"sync,omitempty"`
}

// Defaults of DESIGN.md §4.
const (
	defaultRetention = 30 * 24 * time.Hour
	defaultHoldFor   = 30 * 24 * time.Hour

	backendBadger = "badger"

	// leastStoreMax leaves room for what Badger keeps beside what is in it.
	leastStoreMax = 256 << 20
)

// CaddyModule implements [caddy.Module].
func (*App) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "sidehook",
		New: func() caddy.Module { return new(App) },
	}
}

// dir returns the data directory.
func (a *App) dir() string {
	if a.Store != nil && a.Store.Path != "" {
		return a.Store.Path
	}
	return filepath.Join(caddy.AppDataDir(), "sidehook")
}

func (a *App) journalSync() bool { return a.Journal != nil && a.Journal.Sync }

func (a *App) retention() time.Duration {
	return cmp.Or(time.Duration(a.Retention), defaultRetention)
}

func (a *App) holdFor() time.Duration { return cmp.Or(time.Duration(a.HoldFor), defaultHoldFor) }

// readEncryptionKey returns what seals by EncryptionKey.
func (a *App) readEncryptionKey() (*kept.Sealer, error) {
	s, err := a.sealer()
	return s, a.Sources.at("encryption_key", err)
}

func (a *App) sealer() (*kept.Sealer, error) {
	if n := len(a.EncryptionKey); n > subscription.MaxSecrets {
		return nil, fmt.Errorf("encryption_key: %d keys: write up to %d, newest first", n, subscription.MaxSecrets)
	}
	var keys []string
	for _, written := range a.EncryptionKey {
		key, err := source.Read(written)
		if err != nil {
			return nil, fmt.Errorf("encryption_key: %w", err)
		}
		if !source.In(written) && a.run.logger != nil {
			a.run.logger.Warn("encryption_key stands in the configuration itself, where everybody sees it who can read that; write {env.NAME} or {file./path}")
		}
		keys = append(keys, key)
	}
	return kept.NewSealer(keys...)
}

// common returns what all subscriptions of a have in common.
func (a *App) common() subscription.Common {
	return subscription.Common{Payloads: a.Payloads, Egress: a.Egress, Logger: a.run.logger}
}

// build returns the subscriptions with their secrets read and their defaults
// filled in, or says what is wrong with the first that is wrong. It opens
// nothing but the files of secrets.
func (a *App) build() ([]*webhook.Subscription, error) {
	if a.Store != nil && a.Store.Backend != "" && a.Store.Backend != backendBadger {
		return nil, fmt.Errorf("store.backend %q: write badger", a.Store.Backend)
	}
	if a.Store != nil {
		if found := directive.Loaded(a.Store.Path); found != "" {
			return nil, fmt.Errorf("store.path %q: %s is not replaced here: write its value", a.Store.Path, found)
		}
	}
	if a.Retention < 0 || a.HoldFor < 0 {
		return nil, fmt.Errorf("retention and hold_for: write durations above zero, like 30d")
	}
	if a.StoreMax != 0 && a.StoreMax < leastStoreMax {
		return nil, fmt.Errorf("store_max %d: write a number of bytes from %d (256 MiB) on, like 10737418240", a.StoreMax, leastStoreMax)
	}
	for name := range a.Payloads {
		if slices.Contains(subscription.BuiltinPayloads, name) {
			return nil, fmt.Errorf("payloads.%s is a name of Sidehook's own: choose another", name)
		}
	}
	var err error
	if a.run.dialects, err = dialect.CompileAll(a.Dialects); err != nil {
		return nil, err
	}
	common := a.common()
	var subs []*webhook.Subscription
	names := make(map[string]bool)
	for i, s := range a.Subscriptions {
		if s == nil || s.Name == "" {
			return nil, fmt.Errorf("subscriptions[%d] has no name: a name is what its deliveries are kept under", i)
		}
		if names[s.Name] {
			return nil, fmt.Errorf("%s is declared twice: give each its own name", s)
		}
		names[s.Name] = true
		sub, err := s.Build(common)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s, err)
		}
		subs = append(subs, sub)
	}
	return subs, nil
}

// UnmarshalJSON implements [json.Unmarshaler]. Unknown fields are errors.
func (a *App) UnmarshalJSON(text []byte) error {
	type plain App
	return strict.Read(text, (*plain)(a))
}

// Interface guards.
var (
	_ caddy.App             = (*App)(nil)
	_ caddy.Provisioner     = (*App)(nil)
	_ caddy.CleanerUpper    = (*App)(nil)
	_ caddyfile.Unmarshaler = (*App)(nil)
)

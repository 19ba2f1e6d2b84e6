package api

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sidehook/sidehook/caddymodule/kept"
	"github.com/sidehook/sidehook/caddymodule/own"
	"github.com/sidehook/sidehook/caddymodule/subscription"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// apiSubscription is a subscription as the API shows it.
type apiSubscription struct {
	ID       webhook.SubscriptionID `json:"id" jsonschema:"Id, for the path."`
	Number   uint64                 `json:"number" jsonschema:"Counts subscriptions; it stays the same."`
	Static   bool                   `json:"static" jsonschema:"Whether it stands in the Caddyfile: then it is read-only."` // of the configuration: read-only
	Revision uint64                 `json:"revision,omitempty" jsonschema:"Counts its changes."`
	Status   webhook.Status         `json:"status" jsonschema:"Only an active one is delivered to; what the others are owed is held." enum:"active|paused|disabled|gone|absent"`
	Reason   string                 `json:"reason,omitempty" jsonschema:"Why it is in this status."`
	Since    time.Time              `json:"since" jsonschema:"Since when."`

	// An active one may have its circuit open all the same.
	Circuit   string    `json:"circuit" jsonschema:"Open while most attempts failed: nothing is sent until circuit_open_until. Half open: one delivery is tried, and decides." enum:"closed|open|half_open"`
	OpenSince time.Time `json:"circuit_open_since,omitzero" jsonschema:"Since when its circuit is not closed."`
	OpenUntil time.Time `json:"circuit_open_until,omitzero" jsonschema:"When one delivery is tried next, if its circuit is open; if it has passed, as soon as one is due."`

	// Unmatched lists the patterns that no rule earns any more.
	Unmatched []string `json:"unmatched,omitempty" jsonschema:"Patterns of scopes that no rule earns any more."`

	Owner   string    `json:"owner,omitempty" jsonschema:"Whose it is."`
	Tenant  string    `json:"tenant,omitempty" jsonschema:"The tenant whose events it gets."`
	Created time.Time `json:"created,omitzero" jsonschema:"When it was made."`
	Changed time.Time `json:"changed,omitzero" jsonschema:"When it was last changed."`

	// Secret is shown once: when it is made.
	Secret  string          `json:"secret,omitempty" jsonschema:"The newest secret. It is shown once, when it is made."`
	Secrets []apiSecretView `json:"secrets,omitempty" jsonschema:"The secrets that sign, newest first; where a delivery has one signature, the last of them."`

	// PublicKeys verify, where sign is ed25519.
	PublicKeys []string `json:"public_keys,omitempty" jsonschema:"What verifies its signatures, newest first, where sign is ed25519: whpk_ and base64."`

	Pending     uint64    `json:"pending" jsonschema:"How many deliveries it is owed."` // deliveries that it is owed
	Failures    int       `json:"failures_in_a_row,omitempty" jsonschema:"Failed attempts since one was accepted."`
	Failing     time.Time `json:"failing_since,omitzero" jsonschema:"Since when nothing was accepted, if what was sent last failed."`
	WaitUntil   time.Time `json:"wait_until,omitzero" jsonschema:"When the pause ends that the receiver asked for."`
	HeldThrough uint64    `json:"held_through,omitempty" jsonschema:"Deliveries of events up to this position are held until they are released."`

	subscription.Settings
}

// apiSecretView tells that a secret signs, and until when.
type apiSecretView struct {
	Until time.Time `json:"until,omitzero" jsonschema:"When it ends. Not there: it has no end."`
}

// view shows k to its owner.
func (c *Call) view(k *kept.Subscription) apiSubscription {
	v := apiSubscription{
		Revision: k.Revision, Owner: k.Owner, Tenant: k.Tenant, Created: k.Created, Changed: k.Changed,
		Settings: k.Content.Settings.Shown(),
	}
	for _, secret := range k.Content.Signs(time.Now()) {
		v.Secrets = append(v.Secrets, apiSecretView{secret.Until})
	}
	return c.withState(v, k.Ready)
}

// viewStatic shows a subscription of the configuration.
func (c *Call) viewStatic(s *webhook.Subscription) apiSubscription {
	return c.withState(apiSubscription{Static: true, Tenant: s.Tenant, Settings: subscription.ShownOf(s)}, s)
}

func (c *Call) withState(v apiSubscription, s *webhook.Subscription) apiSubscription {
	st := c.e.State(s.ID)
	v.Number = s.Number
	v.ID, v.Status, v.Reason, v.Since = s.ID, st.Status, st.Reason, st.Since
	v.Failures, v.WaitUntil, v.HeldThrough = st.Failures, st.WaitUntil, st.HeldThrough
	v.Circuit, v.OpenSince, v.OpenUntil = st.Circuit(c.e.Deliverer.Now()), st.OpenSince, st.OpenUntil
	v.Pending, v.Failing = c.e.Store.Pending(s.ID), st.FailingSince
	v.PublicKeys = s.PublicKeys()
	programs := c.e.Current().Handlers.Programs()
	for _, p := range s.Scopes {
		if !own.IsScope(p) && !slices.ContainsFunc(programs, func(program *rules.Program) bool { return program.Earns(p) }) {
			v.Unmatched = append(v.Unmatched, string(p))
		}
	}
	return v
}

// etag names what v shows of the subscription: its settings and its status.
func (v *apiSubscription) etag() string {
	return `"` + strconv.FormatUint(v.Revision, 10) + "-" + strconv.FormatInt(v.Since.UnixNano(), 36) + `"`
}

// isNamed reports whether tag is v's etag. What packs answers in front (Caddy's
// encode) adds the encoding to it: "3-dn1rkz-gzip".
func (v *apiSubscription) isNamed(tag string) bool {
	ours := v.etag()
	packed, is := strings.CutPrefix(tag, strings.TrimSuffix(ours, `"`)+"-")
	return tag == ours || is && len(packed) > 1 && strings.IndexByte(packed, '"') == len(packed)-1
}

package caddymodule

import (
	"encoding/json"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sidehook/sidehook/caddymodule/credentials"
	"github.com/sidehook/sidehook/caddymodule/subscription"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// shownSecret stands where a secret is that is not shown.
const shownSecret = "[secret]"

// apiSubscription is a subscription as the API shows it.
type apiSubscription struct {
	ID       webhook.SubscriptionID `json:"id" jsonschema:"Id, for the path."`
	Number   uint64                 `json:"number" jsonschema:"Counts subscriptions; it stays the same."`
	Static   bool                   `json:"static" jsonschema:"Whether it stands in the Caddyfile: then it is read-only."` // of the configuration: read-only
	Revision uint64                 `json:"revision,omitempty" jsonschema:"Counts its changes."`
	Status   webhook.Status         `json:"status" jsonschema:"Only an active one is delivered to; what the others are owed is held." enum:"active|paused|disabled|gone|absent"`
	Reason   string                 `json:"reason,omitempty" jsonschema:"Why it is in this status."`
	Since    time.Time              `json:"since" jsonschema:"Since when."`

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

	shownSettings
}

// apiSecretView tells that a secret signs, and until when.
type apiSecretView struct {
	Until time.Time `json:"until,omitzero" jsonschema:"When it ends. Not there: it has no end."`
}

// shownSettings are the settings that the API shows, under the names that the
// configuration has for them.
type shownSettings struct {
	URL                string                               `json:"url" jsonschema:"Where webhooks go, with https://." format:"uri"`
	Scopes             []string                             `json:"scopes" jsonschema:"Patterns of event names: * is one part, ** the rest." bounds:"1|100"`
	Filter             string                               `json:"filter,omitempty" jsonschema:"Expression over the event, like entity.budget > 10000: only events for which it is true, or cannot be known, are delivered." bounds:"0|2000"`
	OnChange           []string                             `json:"on_change,omitempty" jsonschema:"Paths: updates that change none of them are not delivered."`
	Fields             []string                             `json:"fields,omitempty" jsonschema:"Paths of the entity that it gets. Default: all."`
	SkipKeys           []string                             `json:"skip_keys,omitempty" jsonschema:"Events of calls that carry one of these in Webhook-Skip-Key are not delivered."`
	Payload            string                               `json:"payload,omitempty" jsonschema:"standard, full, thin, cloudevents, cloudevents_binary, or a payload of the Caddyfile. Default: standard."`
	ContentType        string                               `json:"content_type,omitempty" jsonschema:"How the body is written. Default: json." enum:"json|form"`
	Sign               *subscription.Sign                   `json:"sign,omitempty" jsonschema:"How deliveries are signed. Default: standard."`
	Headers            []subscription.Header                `json:"headers,omitempty" jsonschema:"Sent with each delivery. Values of headers that usually carry a secret are shown as [secret]." bounds:"0|20"`
	Timeout            rules.Duration                       `json:"timeout,omitempty" jsonschema:"Bounds one attempt. Default: 10s."`
	Retry              *subscription.Retry                  `json:"retry,omitempty" jsonschema:"How long to wait after each failed attempt, like [5s, 5m]; or none, short, standard or long. What is given here waits 1s at least each time. Default: standard."`
	Order              string                               `json:"order,omitempty" jsonschema:"Which deliveries wait for each other. Default: entity." enum:"none|entity|entity hold|subscription"`
	Concurrency        int                                  `json:"concurrency,omitempty" jsonschema:"How many deliveries may be in flight at once. Default: 8." bounds:"0|1000"`
	Rate               string                               `json:"rate,omitempty" jsonschema:"How many requests are made to it, as 50/s, 100/m, 1000/h or none. Default: none."`
	Chunk              *subscription.Chunk                  `json:"chunk,omitempty" jsonschema:"Sends the events of one call, of one scope and resource, together."`
	PauseAfter         int                                  `json:"pause_after,omitempty" jsonschema:"Pauses it after so many failed attempts in a row. Default: never." bounds:"0|1000000"`
	DeleteAfter        int                                  `json:"delete_after,omitempty" jsonschema:"Ends it after so many attempts in a row without an answer in time. Default: never." bounds:"0|1000000"`
	DisableAfter       *subscription.DisableTime            `json:"disable_after,omitempty" jsonschema:"Disables it when nothing was accepted for so long, or none. Default: 5d."`
	Options            map[string]json.RawMessage           `json:"options,omitempty" jsonschema:"What its payload, filter and headers see as subscription.options."`
	For                map[string]*subscription.ForResource `json:"for,omitempty" jsonschema:"What is otherwise for the events of a resource, by its name."`
	ViewCheck          bool                                 `json:"view_check,omitempty" jsonschema:"Delivers only what a GET of the entity with credential can see when it is delivered."`
	Credential         *subscription.Credential             `json:"credential,omitempty" jsonschema:"A header with which the API is asked as you. Its value is kept encrypted, and shown as [secret]."`
	Expand             []string                             `json:"expand,omitempty" jsonschema:"Sends the entity as a GET with credential shows it, with these in its query parameter expand." bounds:"0|100"`
	Query              map[string][]string                  `json:"query,omitempty" jsonschema:"Sends the entity as a GET with credential shows it, with these query parameters: values are joined by commas, or sent one by one if the name ends in []."`
	Related            map[string]*subscription.RelatedView `json:"related,omitempty" jsonschema:"What a GET with credential asks for of entities that are related to the event's, by their names there: such an entity is sent as that GET shows it, null if it shows none."`
	AllowPrivate       bool                                 `json:"allow_private,omitempty" jsonschema:"It may be at a private address, and at an http:// URL."`
	InsecureSkipVerify bool                                 `json:"insecure_skip_verify,omitempty" jsonschema:"Any certificate of the receiver is accepted."`
}

// view shows k to its owner.
func (c *apiCall) view(k *keptSubscription) apiSubscription {
	s := k.body.Settings
	v := apiSubscription{
		Revision: k.Revision, Owner: k.Owner, Tenant: k.Tenant, Created: k.Created, Changed: k.Changed,
		shownSettings: shownSettings{
			URL: s.URL, Scopes: s.Scopes, Filter: s.Filter, OnChange: s.OnChange, Fields: s.Fields, SkipKeys: s.SkipKeys,
			Payload: s.Payload, ContentType: s.ContentType, Sign: s.Sign, Headers: maskHeaders(s.Headers),
			Timeout: s.Timeout, Retry: s.Retry, Order: s.Order, Concurrency: s.Concurrency, Rate: s.Rate, Chunk: s.Chunk, PauseAfter: s.PauseAfter, DeleteAfter: s.DeleteAfter, DisableAfter: s.DisableAfter,
			Options: s.Options, For: maskFor(s.For), AllowPrivate: s.AllowPrivate, InsecureSkipVerify: s.InsecureSkipVerify,
			ViewCheck: s.ViewCheck, Credential: maskCredential(k.sub), Expand: s.Expand, Query: s.Query, Related: s.Related,
		},
	}
	for _, secret := range k.body.signs(time.Now()) {
		v.Secrets = append(v.Secrets, apiSecretView{secret.Until})
	}
	return c.withState(v, k.sub)
}

// viewStatic shows a subscription of the configuration. What may hold a secret,
// because it was read from the environment, is not shown.
func (c *apiCall) viewStatic(s *webhook.Subscription) apiSubscription {
	v := apiSubscription{Static: true, Tenant: s.Tenant, shownSettings: shownSettings{
		URL: webhook.OriginOf(s.URL), Filter: s.Filter, OnChange: s.OnChange, Fields: s.Fields, SkipKeys: s.SkipKeys,
		Payload: s.Payload, ContentType: s.ContentType, Timeout: rules.Duration(s.Timeout), Order: string(s.Order),
		Concurrency: s.Concurrency, PauseAfter: s.PauseAfter, DeleteAfter: s.DeleteAfter,
		ViewCheck: s.ViewCheck, Credential: maskCredential(s), Expand: s.Expand,
	}}
	if s.DisableAfter != webhook.DefaultDisableAfter {
		after := subscription.DisableTime(s.DisableAfter)
		v.DisableAfter = &after
	}
	if s.Rate != (webhook.Rate{}) {
		v.Rate = s.Rate.String()
	}
	retry := subscription.Retry{}
	for _, wait := range s.Retry {
		retry = append(retry, rules.Duration(wait))
	}
	v.Retry, v.Sign = &retry, &subscription.Sign{Scheme: s.Sign.Scheme, Header: s.Sign.Header, Encoding: s.Sign.Encoding}
	if s.Chunk.Size > 0 {
		v.Chunk = &subscription.Chunk{Size: s.Chunk.Size, Delay: rules.Duration(s.Chunk.Delay)}
	}
	v.Query = queryOf(s.Query)
	for name, view := range s.Related {
		if v.Related == nil {
			v.Related = map[string]*subscription.RelatedView{}
		}
		v.Related[name] = &subscription.RelatedView{Expand: view.Expand, Query: queryOf(view.Query)}
	}
	for _, p := range s.Scopes {
		v.Scopes = append(v.Scopes, string(p))
	}
	return c.withState(v, s)
}

// queryOf returns parameters as they are written.
func queryOf(parameters []webhook.QueryParameter) (query map[string][]string) {
	for _, q := range parameters {
		if query == nil {
			query = map[string][]string{}
		}
		query[q.Name] = q.Values
	}
	return query
}

func (c *apiCall) withState(v apiSubscription, s *webhook.Subscription) apiSubscription {
	st := c.state(s.ID)
	v.Number = s.Number
	v.ID, v.Status, v.Reason, v.Since = s.ID, st.Status, st.Reason, st.Since
	v.Failures, v.WaitUntil, v.HeldThrough = st.Failures, st.WaitUntil, st.HeldThrough
	v.Pending, v.Failing = c.e.store.Pending(s.ID), st.FailingSince
	v.PublicKeys = s.PublicKeys()
	programs := c.e.programs()
	for _, p := range s.Scopes {
		if !isOwnScope(p) && !slices.ContainsFunc(programs, func(program *rules.Program) bool { return program.Earns(p) }) {
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

// maskCredential shows that s has a credential, and not which.
func maskCredential(s *webhook.Subscription) *subscription.Credential {
	if s == nil || s.Credential.IsZero() {
		return nil
	}
	return &subscription.Credential{Header: s.Credential.Header, Value: shownSecret}
}

// maskHeaders returns headers without the values that are somebody's secrets.
func maskHeaders(headers []subscription.Header) []subscription.Header {
	out := slices.Clone(headers)
	for i, h := range out {
		if secretHeader(h.Name) {
			out[i].Value = shownSecret
		}
	}
	return out
}

// maskFor returns what is otherwise for resources, without secrets.
func maskFor(of map[string]*subscription.ForResource) map[string]*subscription.ForResource {
	out := make(map[string]*subscription.ForResource, len(of))
	for name, f := range of {
		shown := *f
		shown.Headers = maskHeaders(f.Headers)
		out[name] = &shown
	}
	return out
}

// secretHeader reports whether a header of this name usually carries a secret.
func secretHeader(name string) bool {
	name = textproto.CanonicalMIMEHeaderKey(name)
	if credentials.Is(name) {
		return true
	}
	name = strings.ToLower(name)
	return slices.ContainsFunc([]string{"auth", "cookie", "token", "secret", "password", "key", "credential"},
		func(part string) bool { return strings.Contains(name, part) })
}

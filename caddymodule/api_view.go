package caddymodule

import (
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// shownSecret stands where a secret is that is not shown.
const shownSecret = "[secret]"

// apiSubscription is a subscription as the API shows it.
type apiSubscription struct {
	ID       webhook.SubscriptionID `json:"id"`
	Static   bool                   `json:"static"` // of the configuration: read-only
	Revision uint64                 `json:"revision,omitempty"`
	Status   webhook.Status         `json:"status"`
	Reason   string                 `json:"reason,omitempty"`
	Since    time.Time              `json:"since"`

	// Unmatched lists the patterns that no rule earns any more.
	Unmatched []string `json:"unmatched,omitempty"`

	Owner   string    `json:"owner,omitempty"`
	Tenant  string    `json:"tenant,omitempty"`
	Created time.Time `json:"created,omitzero"`
	Changed time.Time `json:"changed,omitzero"`

	// Secret is shown once: when it is made.
	Secret  string          `json:"secret,omitempty"`
	Secrets []apiSecretView `json:"secrets,omitempty"`

	Pending     uint64    `json:"pending"` // deliveries that it is owed
	Failures    int       `json:"failures_in_a_row,omitempty"`
	WaitUntil   time.Time `json:"wait_until,omitzero"`
	HeldThrough uint64    `json:"held_through,omitempty"`

	shownSettings
}

// apiSecretView tells that a secret signs, and until when.
type apiSecretView struct {
	Until time.Time `json:"until,omitzero"`
}

// shownSettings are the settings that the API shows, under the names that the
// configuration has for them.
type shownSettings struct {
	URL                string         `json:"url"`
	Scopes             []string       `json:"scopes"`
	Filter             string         `json:"filter,omitempty"`
	OnChange           []string       `json:"on_change,omitempty"`
	Fields             []string       `json:"fields,omitempty"`
	SkipKeys           []string       `json:"skip_keys,omitempty"`
	Payload            string         `json:"payload,omitempty"`
	ContentType        string         `json:"content_type,omitempty"`
	Sign               *Sign          `json:"sign,omitempty"`
	Headers            []Header       `json:"headers,omitempty"`
	Timeout            rules.Duration `json:"timeout,omitempty"`
	Retry              *Retry         `json:"retry,omitempty"`
	Order              string         `json:"order,omitempty"`
	Concurrency        int            `json:"concurrency,omitempty"`
	Rate               string         `json:"rate,omitempty"`
	PauseAfter         int            `json:"pause_after,omitempty"`
	DeleteAfter        int            `json:"delete_after,omitempty"`
	AllowPrivate       bool           `json:"allow_private,omitempty"`
	InsecureSkipVerify bool           `json:"insecure_skip_verify,omitempty"`
}

// view shows k to its owner.
func (c *apiCall) view(k *keptSubscription) apiSubscription {
	s := k.body.Settings
	v := apiSubscription{
		Revision: k.Revision, Owner: k.Owner, Tenant: k.Tenant, Created: k.Created, Changed: k.Changed,
		shownSettings: shownSettings{
			URL: s.URL, Scopes: s.Scopes, Filter: s.Filter, OnChange: s.OnChange, Fields: s.Fields, SkipKeys: s.SkipKeys,
			Payload: s.Payload, ContentType: s.ContentType, Sign: s.Sign, Headers: maskHeaders(s.Headers),
			Timeout: s.Timeout, Retry: s.Retry, Order: s.Order, Concurrency: s.Concurrency, Rate: s.Rate, PauseAfter: s.PauseAfter, DeleteAfter: s.DeleteAfter,
			AllowPrivate: s.AllowPrivate, InsecureSkipVerify: s.InsecureSkipVerify,
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
		URL: originOf(s.URL), Filter: s.Filter, OnChange: s.OnChange, Fields: s.Fields, SkipKeys: s.SkipKeys,
		Payload: s.Payload, ContentType: s.ContentType, Timeout: rules.Duration(s.Timeout), Order: string(s.Order),
		Concurrency: s.Concurrency, PauseAfter: s.PauseAfter, DeleteAfter: s.DeleteAfter,
	}}
	for _, p := range s.Scopes {
		v.Scopes = append(v.Scopes, string(p))
	}
	return c.withState(v, s)
}

func (c *apiCall) withState(v apiSubscription, s *webhook.Subscription) apiSubscription {
	st := c.states()[s.ID]
	v.ID, v.Status, v.Reason, v.Since = s.ID, st.Status, st.Reason, st.Since
	v.Failures, v.WaitUntil, v.HeldThrough = st.Failures, st.WaitUntil, st.HeldThrough
	v.Pending = c.pending()[s.ID]
	programs := c.e.programs()
	for _, p := range s.Scopes {
		if !slices.ContainsFunc(programs, func(program *rules.Program) bool { return program.Earns(p) }) {
			v.Unmatched = append(v.Unmatched, string(p))
		}
	}
	return v
}

// etag names what v shows of the subscription: its settings and its status.
func (v *apiSubscription) etag() string {
	return `"` + strconv.FormatUint(v.Revision, 10) + "-" + strconv.FormatInt(v.Since.UnixNano(), 36) + `"`
}

// originOf returns scheme and host of a URL. What follows often is a secret.
func originOf(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host + "/…"
}

// maskHeaders returns headers without the values that are somebody's secrets.
func maskHeaders(headers []Header) []Header {
	out := slices.Clone(headers)
	for i, h := range out {
		if secretHeader(h.Name) {
			out[i].Value = shownSecret
		}
	}
	return out
}

// secretHeader reports whether a header of this name usually carries a secret.
func secretHeader(name string) bool {
	name = textproto.CanonicalMIMEHeaderKey(name)
	if isCredential(name) {
		return true
	}
	name = strings.ToLower(name)
	return slices.ContainsFunc([]string{"auth", "cookie", "token", "secret", "password", "key", "credential"},
		func(part string) bool { return strings.Contains(name, part) })
}

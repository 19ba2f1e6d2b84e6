package subscription

import (
	"net/textproto"
	"slices"

	"github.com/sidehook/sidehook/caddymodule/credentials"
	"github.com/sidehook/sidehook/deliver"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// Shown returns what a caller may read of s, which was made through the API.
func (s *Subscription) Shown() Settings {
	return Settings{
		URL: s.URL, Scopes: s.Scopes, Filter: s.Filter, OnChange: s.OnChange, Fields: s.Fields, SkipKeys: s.SkipKeys,
		Payload: s.Payload, ContentType: s.ContentType, Sign: s.Sign, Headers: maskHeaders(s.Headers),
		Timeout: s.Timeout, Retry: s.Retry, Order: s.Order, Concurrency: s.Concurrency, Rate: s.Rate, Chunk: s.Chunk, PauseAfter: s.PauseAfter, DeleteAfter: s.DeleteAfter, DisableAfter: s.DisableAfter,
		Options: s.Options, For: maskFor(s.For), AllowPrivate: s.AllowPrivate, InsecureSkipVerify: s.InsecureSkipVerify,
		ViewCheck: s.ViewCheck, Credential: maskCredential(s.literalCredential()), Expand: s.Expand, Query: s.Query, Related: s.Related,
	}
}

// ShownOf returns what a caller may read of s, which is of the configuration. What
// may hold a secret, because it was read from the environment, is not in it.
func ShownOf(s *webhook.Subscription) Settings {
	v := Settings{
		URL: webhook.OriginOf(s.URL), Filter: s.Filter, OnChange: s.OnChange, Fields: s.Fields, SkipKeys: s.SkipKeys,
		Payload: s.Payload, ContentType: s.ContentType, Timeout: rules.Duration(s.Timeout), Order: string(s.Order),
		Concurrency: s.Concurrency, PauseAfter: s.PauseAfter, DeleteAfter: s.DeleteAfter,
		ViewCheck: s.ViewCheck, Credential: maskCredential(s.Credential), Expand: s.Expand,
	}
	if s.DisableAfter != webhook.DefaultDisableAfter {
		v.DisableAfter = new(DisableTime(s.DisableAfter))
	}
	if s.Rate != (webhook.Rate{}) {
		v.Rate = s.Rate.String()
	}
	v.Retry, v.Sign = new(retryOf(s.Retry)), &Sign{Scheme: s.Sign.Scheme, Header: s.Sign.Header, Encoding: s.Sign.Encoding}
	if s.Chunk.Size > 0 {
		v.Chunk = &Chunk{Size: s.Chunk.Size, Delay: rules.Duration(s.Chunk.Delay)}
	}
	v.Query = queryOf(s.Query)
	for name, view := range s.Related {
		if v.Related == nil {
			v.Related = map[string]*RelatedView{}
		}
		v.Related[name] = &RelatedView{Expand: view.Expand, Query: queryOf(view.Query)}
	}
	for _, p := range s.Scopes {
		v.Scopes = append(v.Scopes, string(p))
	}
	return v
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

// maskCredential shows that there is a credential, and not which.
func maskCredential(c webhook.Credential) *Credential {
	if c.IsZero() {
		return nil
	}
	return &Credential{Header: c.Header, Value: Masked}
}

// maskHeaders returns headers without the values that are somebody's secrets.
func maskHeaders(headers []Header) []Header {
	out := slices.Clone(headers)
	for i, h := range out {
		if secretHeader(h.Name) {
			out[i].Value = Masked
		}
	}
	return out
}

// maskFor returns what is otherwise for resources, without secrets.
func maskFor(of map[string]*ForResource) map[string]*ForResource {
	out := make(map[string]*ForResource, len(of))
	for name, f := range of {
		shown := *f
		shown.Headers = maskHeaders(f.Headers)
		out[name] = &shown
	}
	return out
}

// secretHeader reports whether a header of this name usually carries a secret.
func secretHeader(name string) bool {
	return deliver.SecretHeader(name) || credentials.Is(textproto.CanonicalMIMEHeaderKey(name))
}

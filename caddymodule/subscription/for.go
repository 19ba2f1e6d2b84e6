package subscription

import (
	"cmp"

	"github.com/sidehook/sidehook/rules"
)

// ForResource replaces options of a subscription for the events of one resource.
// What is left out is as the subscription has it.
type ForResource struct {
	// Filter, OnChange, Fields, SkipKeys, Payload, ContentType, Headers, Timeout,
	// Retry, Order, Chunk, Expand and Query are as in the subscription. A list takes
	// the place of the whole list there.
	Filter      string         `json:"filter,omitempty"`
	OnChange    []string       `json:"on_change,omitempty"`
	Fields      []string       `json:"fields,omitempty"`
	SkipKeys    []string       `json:"skip_keys,omitempty"`
	Payload     string         `json:"payload,omitempty"`
	ContentType string         `json:"content_type,omitempty"`
	Headers     []Header       `json:"headers,omitempty"`
	Timeout     rules.Duration `json:"timeout,omitempty"`
	Retry       *Retry         `json:"retry,omitempty"`
	Order       string         `json:"order,omitempty"`
	Chunk       *Chunk         `json:"chunk,omitempty"`
	Expand      []string       `json:"expand,omitempty"`

	Query map[string][]string `json:"query,omitempty"`
}

// with returns s as it is with what f replaces.
func (s *Subscription) with(f *ForResource) *Subscription {
	v := *s
	v.For = nil
	v.Filter, v.Payload = cmp.Or(f.Filter, s.Filter), cmp.Or(f.Payload, s.Payload)
	v.ContentType, v.Order = cmp.Or(f.ContentType, s.ContentType), cmp.Or(f.Order, s.Order)
	v.Timeout, v.Retry = cmp.Or(f.Timeout, s.Timeout), cmp.Or(f.Retry, s.Retry)
	for _, list := range []struct{ to, by *[]string }{{&v.OnChange, &f.OnChange}, {&v.Fields, &f.Fields}, {&v.SkipKeys, &f.SkipKeys}, {&v.Expand, &f.Expand}} {
		if len(*list.by) > 0 {
			*list.to = *list.by
		}
	}
	if len(f.Headers) > 0 {
		v.Headers = f.Headers
	}
	v.Chunk = cmp.Or(f.Chunk, s.Chunk)
	if len(f.Query) > 0 {
		v.Query = f.Query
	}
	return &v
}

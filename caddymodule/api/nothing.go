package api

import (
	"github.com/sidehook/sidehook/caddymodule/engine"
	"github.com/sidehook/sidehook/caddymodule/problem"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// What is misspelt must not look like what has not happened: where there is nothing of
// what a call names, the answer says whether that can be. What an older configuration
// recorded is found all the same.

// nothing answers a list that is empty: with a problem if no rule has what f names, and
// nothing is recorded of it.
func (c *Call) nothing(f *apiFilter) (apiAnswer, error) {
	if f.cursor == (cursor{}) { // else there was something
		if why := c.unknown(f.resource); why != nil {
			return apiAnswer{}, problem.WrongParameter("resource", "%s", why)
		}
		for _, p := range f.scopes {
			if why := c.unearned(p); why != nil {
				return apiAnswer{}, problem.WrongParameter("scope", "%s", why)
			}
		}
	}
	return apiAnswer{body: apiList{Data: []any{}}}, nil
}

// unknown is an error if nothing is, nor was, about a resource of that name. "" is any.
func (c *Call) unknown(resource string) error {
	why := c.e.Current().Handlers.WhyUnknown(resource)
	if resource == "" || why == nil || c.recorded(store.EventQuery{Resource: resource}) {
		return nil
	}
	return why
}

// unearned is an error if nothing earns, nor has earned, what p selects.
func (c *Call) unearned(p webhook.Pattern) error {
	why := c.e.Current().Handlers.WhyUnearned(p)
	if why == nil || c.recorded(store.EventQuery{Scopes: []webhook.Pattern{p}}) {
		return nil
	}
	return why
}

// mostSeen is how many events are looked at for one that the caller may see.
const mostSeen = 50

// recorded reports whether there may be an event that q selects and c may see.
func (c *Call) recorded(q store.EventQuery) bool {
	done, err := c.look()
	if err != nil {
		return true
	}
	defer done()
	q.Newest, q.Max, q.Looking = true, mostSeen, &store.Looking{Left: engine.MostScanned}
	events, err := c.e.Store.Events(c.r.Context(), q)
	if err != nil || len(events) == mostSeen || q.Looking.Stopped {
		return true
	}
	for i := range events {
		if seen, err := c.maySeeEvent(&events[i]); seen || err != nil {
			return true
		}
	}
	return false
}

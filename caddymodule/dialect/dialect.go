// Package dialect makes the subscription API look like another product's: what is
// written of that, and how a call in its routes, fields and formats becomes one of
// ours. All that it knows of ours is its [API].
//
// A [Dialect] is what is written (dialect.go, caddyfile.go); compile.go makes it ready. A
// call goes through serve.go, which finds the route, document.go, which makes our document
// of what was sent, ask.go, which asks our API, and reply.go, which makes their answer of
// ours. translate.go has our problems speak of their fields.
package dialect

import (
	"github.com/sidehook/sidehook/caddymodule/format"
	"github.com/sidehook/sidehook/rules"
)

// Dialect makes the subscription API look like another product's: its routes,
// fields, envelopes and formats stand for ours. All of it is fixed here: what a
// subscriber sends is a value, and never becomes an expression.
type Dialect struct {
	// Accept lists the formats: json, form, xml and yaml. An answer is in the one
	// that the path ends in (.json), that Accept names, that the call had, or the
	// first; never a form. Default: json.
	Accept []format.Format `json:"accept,omitempty"`

	// Error is the body of an answer that refuses, over request, params and
	// error.{status,title,detail,errors}. Default: the problem itself (RFC 9457).
	Error *rules.Payload `json:"error,omitempty"`

	// Envelope is put around each reply that has a body: over request, params and
	// reply.{status,body}. Default: none.
	Envelope *rules.Payload `json:"envelope,omitempty"`

	// Routes are what may be called. There is nothing else.
	Routes []*Route `json:"routes,omitempty"`
}

// Route is one route of a dialect.
type Route struct {
	Method string `json:"method"`

	// Path begins where sidehook_api stands. {id} is the id of a subscription, or
	// its number.
	Path string `json:"path"`

	// Action is what is done: list, create, read, change, delete, pause, resume,
	// release, rotate, test, or types, which lists the events that there are.
	Action string `json:"action"`

	// Refuse are calls that are refused, before anything else is looked at.
	Refuse []Refusal `json:"refuse,omitempty"`

	// Fields are those of our API, with where they come from: expressions over
	// request and params. A name may lead inside, as chunk.size. One that reads resource too is asked for each resource,
	// and counts for the events of that. What was sent in an object and no field
	// reads is kept as options, unless a field sets those.
	Fields []rules.Field `json:"fields,omitempty"`

	// Filter is the filter that a created subscription gets. It may read
	// subscription.options.
	Filter string `json:"filter,omitempty"`

	// Reply is the answer. Default: that of our API.
	Reply *Reply `json:"reply,omitempty"`
}

// Refusal is a call that is refused.
type Refusal struct {
	// Status of the answer, from 400 to 499.
	Status int `json:"status"`

	// Detail says why, and what to send instead.
	Detail string `json:"detail"`

	// When is an expression over request, params and types: where it is true.
	When string `json:"when"`
}

// Reply is an answer that goes well.
type Reply struct {
	Status int `json:"status"`

	// Body is over request, params, types, and what was asked for: subscription, or
	// subscriptions. Default: none.
	Body *rules.Payload `json:"body,omitempty"`
}

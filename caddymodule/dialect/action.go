package dialect

import "net/http"

// action is something of our API that a route may stand for.
type action struct {
	method, path string
	one          bool     // of one subscription
	pages        bool     // answers page by page
	result       string   // the name of what it answers
	fields       []string // beside which it takes none; nil: any of a subscription
	status       bool     // takes the status too
}

var actions = map[string]*action{
	"list":    {method: http.MethodGet, path: "subscriptions", pages: true, result: "subscriptions", fields: []string{}},
	"create":  {method: http.MethodPost, path: "subscriptions", result: "subscription"},
	"read":    {method: http.MethodGet, path: "subscriptions/{id}", one: true, result: "subscription", fields: []string{}},
	"change":  {method: http.MethodPatch, path: "subscriptions/{id}", one: true, result: "subscription", status: true},
	"delete":  {method: http.MethodDelete, path: "subscriptions/{id}", one: true, fields: []string{}},
	"pause":   {method: http.MethodPost, path: "subscriptions/{id}/pause", one: true, result: "subscription", fields: []string{}},
	"resume":  {method: http.MethodPost, path: "subscriptions/{id}/resume", one: true, result: "subscription", fields: []string{}},
	"release": {method: http.MethodPost, path: "subscriptions/{id}/release", one: true, result: "subscription", fields: []string{}},
	"rotate":  {method: http.MethodPost, path: "subscriptions/{id}/rotate", one: true, result: "subscription", fields: []string{"secret", "grace"}},
	"test":    {method: http.MethodPost, path: "subscriptions/{id}/test", one: true, fields: []string{"scope"}},
	"types":   {method: http.MethodGet, path: "event_types", pages: true, result: "types", fields: []string{}},
}

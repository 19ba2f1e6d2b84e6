package api

import (
	"net/http"
	"slices"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/sidehook/sidehook/caddymodule/answer"
	"github.com/sidehook/sidehook/webhook"
)

// The subscription API is described once, here and in the types that its bodies
// are: the router serves what stands in apiRoutes, and the OpenAPI document
// (GET /openapi.json) is made of the same lines. To add
//
//   - a route: a line in apiRoutes. Its {id} is one part of the path; query lists
//     the parameters that it has (any other is refused before handle is called);
//     body names the component that a write reads; shows is what it answers with.
//   - a field of a body: a field of its type, with the tags of
//     [github.com/sidehook/sidehook/internal/openapi.Schemas]. Settings that a
//     caller may give and read are the fields of [subscription.Settings]; what may be given
//     and is never shown again is in givenOnce.
//   - a body: its type in apiShapes. A type that writes itself as JSON is in
//     apiTypes.
//
// TestContract in internal/e2e calls the running binary and holds each answer
// against the document: a new route, or a status of it, that no test provokes
// fails there.

// apiRoute is one route.
type apiRoute struct {
	method, path string // {id} and {verb} are one part each
	handle       func(*Call) (apiAnswer, error)

	id    string // of the operation, for generated clients
	about string // what it does, in one line
	more  string // what else there is to know, or ""

	query     []apiParameter
	body      string // component of what it reads; "" if it reads nothing
	optional  bool   // it may be left out
	versioned bool   // heeds If-Match
	repeats   bool   // heeds Idempotency-Key

	status int    // of an answer when all went well
	shows  string // component of its body; "" is none
	list   bool   // of which it shows a page

	refuses []int // statuses beside those that each of its kind may answer with
}

// apiParameter is a parameter of a query.
type apiParameter struct {
	Name, About string
	Schema      *jsonschema.Schema
}

// writes reports whether a call of r has a body.
func (r *apiRoute) writes() bool {
	return r.method == http.MethodPost || r.method == http.MethodPatch
}

// apiRoutes are the routes of the API.
var apiRoutes []apiRoute

func init() { apiRoutes = routesOfAPI() } // what they call asks for them again

func routesOfAPI() []apiRoute {
	return slices.Concat(
		[]apiRoute{
			{
				method: http.MethodGet, path: "openapi.json", handle: (*Call).readOpenAPI,
				id: "readOpenAPI", about: "This document", status: http.StatusOK, shows: "OpenAPI",
			},
		},
		routesOfSubscriptions(), routesOfEvents(), routesOfDeliveries(), routesOfReplays(),
		[]apiRoute{
			{
				method: http.MethodPost, path: "erasures", handle: (*Call).eraseEntity,
				id: "eraseEntity", about: "Erase an entity", body: "Erasure",
				more: "Its events, their deliveries, owed ones too, and its last known state. What is left is the number of its last change. " +
					"Files of the data directory follow within minutes.",
				status: http.StatusOK, shows: "Erased",
			},
		},
	)
}

// routesOfSubscriptions returns the routes of subscriptions.
func routesOfSubscriptions() []apiRoute {
	return []apiRoute{
		{
			method: http.MethodGet, path: "subscriptions", handle: (*Call).listSubscriptions,
			id: "listSubscriptions", about: "List subscriptions, oldest first", query: pageParameters,
			status: http.StatusOK, shows: "Subscription", list: true,
		},
		{
			method: http.MethodPost, path: "subscriptions", handle: (*Call).createSubscription,
			id: "createSubscription", about: "Subscribe", body: "NewSubscription", repeats: true,
			more:   "The answer shows the secret, this once. It is in force, and on disk, when it is answered.",
			status: http.StatusCreated, shows: "Subscription", refuses: []int{http.StatusConflict},
		},
		{
			method: http.MethodGet, path: "subscriptions/{id}", handle: (*Call).readSubscription,
			id: "readSubscription", about: "Read a subscription", status: http.StatusOK, shows: "Subscription",
		},
		{
			method: http.MethodPatch, path: "subscriptions/{id}", handle: (*Call).changeSubscription,
			id: "changeSubscription", about: "Change a subscription", body: "SubscriptionPatch", versioned: true,
			more:   "A JSON merge patch (RFC 7396): null takes a field out.",
			status: http.StatusOK, shows: "Subscription", refuses: []int{http.StatusConflict},
		},
		{
			method: http.MethodDelete, path: "subscriptions/{id}", handle: (*Call).deleteSubscription,
			id: "deleteSubscription", about: "Delete a subscription", more: "What it is owed is cancelled.",
			versioned: true, status: http.StatusNoContent, refuses: []int{http.StatusConflict},
		},
		{
			method: http.MethodPost, path: "subscriptions/{id}/pause", handle: (*Call).steer,
			id: "pauseSubscription", about: "Hold what it is owed, from now on", versioned: true,
			status: http.StatusOK, shows: "Subscription", refuses: []int{http.StatusConflict},
		},
		{
			method: http.MethodPost, path: "subscriptions/{id}/resume", handle: (*Call).steer,
			id: "resumeSubscription", about: "Go on, with what comes from now on", versioned: true,
			status: http.StatusOK, shows: "Subscription", refuses: []int{http.StatusConflict},
		},
		{
			method: http.MethodPost, path: "subscriptions/{id}/release", handle: (*Call).steer,
			id: "releaseSubscription", about: "Go on, and send what is held", versioned: true,
			status: http.StatusOK, shows: "Subscription", refuses: []int{http.StatusConflict},
		},
		{
			method: http.MethodPost, path: "subscriptions/{id}/rotate", handle: (*Call).rotateSecret,
			id: "rotateSecret", about: "Replace the secret", body: "Rotation", optional: true, versioned: true, repeats: true,
			more:   "The answer shows the new secret, this once. Those there were go on signing for a while.",
			status: http.StatusOK, shows: "Subscription", refuses: []int{http.StatusConflict},
		},
		{
			method: http.MethodPost, path: "subscriptions/{id}/test", handle: (*Call).testSubscription,
			id: "testSubscription", about: "Send an example", body: "Test", optional: true, versioned: true, repeats: true,
			more: "An event of scope sidehook.test, or of the event type that is named, to this subscription only, whatever its scopes and its filter are. " +
				"5 may be sent at once, and another each second; of a caller 20 tests and retries, and another two each second. Beyond that it is a 429, with Retry-After.",
			status: http.StatusAccepted, shows: "Sent", refuses: []int{http.StatusConflict, http.StatusTooManyRequests},
		},
	}
}

// routesOfEvents returns the routes of events, and of their types.
func routesOfEvents() []apiRoute {
	return []apiRoute{
		{
			method: http.MethodGet, path: "event_types", handle: (*Call).listEventTypes,
			id: "listEventTypes", about: "List event types, by scope", query: typeParameters,
			more:   "What the rules can earn. Schemas are learned from events. A field that only another tenant's events have had is not told of.",
			status: http.StatusOK, shows: "EventType", list: true,
		},
		{
			method: http.MethodGet, path: "event_types/{id}", handle: (*Call).readEventType,
			id: "readEventType", about: "Read an event type, by its scope", status: http.StatusOK, shows: "EventType",
		},
		{
			method: http.MethodGet, path: "events", handle: (*Call).listEvents,
			id: "listEvents", about: "List events, newest first", query: eventParameters,
			status: http.StatusOK, shows: "Event", list: true,
		},
		{
			method: http.MethodGet, path: "events/{id}", handle: (*Call).readEvent,
			id: "readEvent", about: "Read an event", status: http.StatusOK, shows: "Event",
		},
	}
}

// routesOfDeliveries returns the routes of deliveries.
func routesOfDeliveries() []apiRoute {
	return []apiRoute{
		{
			method: http.MethodGet, path: "deliveries", handle: (*Call).listDeliveries,
			id: "listDeliveries", about: "List deliveries, newest first", query: deliveryParameters(),
			status: http.StatusOK, shows: "Delivery", list: true, refuses: []int{http.StatusNotFound},
		},
		{
			method: http.MethodGet, path: "deliveries/{id}", handle: (*Call).readDelivery,
			id: "readDelivery", about: "Read a delivery", status: http.StatusOK, shows: "Delivery",
		},
		{
			method: http.MethodGet, path: "deliveries/{id}/attempts", handle: (*Call).listAttempts,
			id: "listAttempts", about: "List the attempts of a delivery, oldest first", status: http.StatusOK, shows: "Attempt", list: true,
		},
		{
			method: http.MethodPost, path: "deliveries/{id}/retry", handle: (*Call).retryDelivery,
			id: "retryDelivery", about: "Try a delivery again that is final or held, with a fresh schedule",
			more:   "Of a caller 20 retries and tests may be made at once, and another two each second; beyond that it is a 429, with Retry-After. A replay sends many again.",
			status: http.StatusOK, shows: "Delivery", refuses: []int{http.StatusConflict, http.StatusTooManyRequests},
		},
	}
}

// routesOfReplays returns the routes of replays.
func routesOfReplays() []apiRoute {
	return []apiRoute{
		{
			method: http.MethodPost, path: "replays", handle: (*Call).createReplay,
			id: "createReplay", about: "Send recorded events to a subscription again", body: "NewReplay", repeats: true,
			more:   "They are the same events, with the same webhook-id. They are sent slowly, behind all that is live.",
			status: http.StatusCreated, shows: "Replay", refuses: []int{http.StatusConflict},
		},
		{
			method: http.MethodPost, path: "replays/count", handle: (*Call).countReplay,
			id: "countReplay", about: "Count what a replay would send, and send nothing", body: "NewReplay",
			status: http.StatusOK, shows: "ReplayCount",
		},
		{
			method: http.MethodGet, path: "replays", handle: (*Call).listReplays,
			id: "listReplays", about: "List replays, newest first", query: replayParameters,
			status: http.StatusOK, shows: "Replay", list: true,
		},
		{
			method: http.MethodGet, path: "replays/{id}", handle: (*Call).readReplayed,
			id: "readReplay", about: "Read a replay: how far it is", status: http.StatusOK, shows: "Replay",
		},
		{
			method: http.MethodPost, path: "replays/{id}/cancel", handle: (*Call).cancelReplay,
			id: "cancelReplay", about: "Cancel a replay, and what of it is owed still", status: http.StatusOK, shows: "Replay",
		},
	}
}

// Parameters of lists.
var (
	pageParameters = []apiParameter{
		{Name: "limit", About: "How many there are on a page at most.", Schema: &jsonschema.Schema{
			Type: "integer", Minimum: new(1.0), Maximum: new(float64(answer.MostOnPage)), Default: []byte("50"),
		}},
		{Name: "cursor", About: "`next` of the page before.", Schema: &jsonschema.Schema{Type: "string"}},
	}
	typeParameters = append(pageParameters[:2:2],
		apiParameter{Name: "scope", About: "Patterns of scopes: `*` is one part, `**` the rest.", Schema: &jsonschema.Schema{
			Type: "array", Items: &jsonschema.Schema{Type: "string"},
		}},
		apiParameter{Name: "resource", About: "What its events are about.", Schema: &jsonschema.Schema{Type: "string"}},
	)
	eventParameters = append(pageParameters[:2:2],
		apiParameter{Name: "scope", About: "Patterns of scopes: `*` is one part, `**` the rest.", Schema: &jsonschema.Schema{
			Type: "array", Items: &jsonschema.Schema{Type: "string"},
		}},
		apiParameter{Name: "resource", About: "What the event is about.", Schema: &jsonschema.Schema{Type: "string"}},
		apiParameter{Name: "entity", About: "Id of the entity, with `resource`.", Schema: &jsonschema.Schema{Type: "string"}},
		apiParameter{Name: "since", About: "Recorded then or later.", Schema: &jsonschema.Schema{Type: "string", Format: "date-time"}},
		apiParameter{Name: "until", About: "Recorded before.", Schema: &jsonschema.Schema{Type: "string", Format: "date-time"}},
	)
)

// replayParameters are those of a list of replays.
var replayParameters = append(pageParameters[:2:2],
	apiParameter{Name: "subscription", About: "Id of the subscription.", Schema: &jsonschema.Schema{Type: "string"}},
)

func deliveryParameters() []apiParameter {
	var states []any
	for _, s := range webhook.DeliveryStates() {
		states = append(states, string(s))
	}
	return append(eventParameters[:len(eventParameters):len(eventParameters)],
		apiParameter{Name: "subscription", About: "Id of the subscription.", Schema: &jsonschema.Schema{Type: "string"}},
		apiParameter{Name: "state", About: "State of the delivery.", Schema: &jsonschema.Schema{Type: "string", Enum: states}},
		apiParameter{Name: "event", About: "Id of the event.", Schema: &jsonschema.Schema{Type: "string"}},
	)
}

// Package accelo is a plain API in the style of Accelo, software for service
// companies: tasks, quotes and requests, which people see or do not see. It has
// no webhooks; the Caddyfile beside it gives it those that Accelo documents, with
// the calls by which people subscribe.
package accelo

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sidehook/sidehook/examples/internal/plain"
)

// User is somebody who works with the product.
type User struct {
	ID          int
	Name, Email string
	Level       string // what was paid for: "basic", "pro" or "premium"
}

// users are those that there are, by the token that they call with.
var users = map[string]User{
	"support-token": {1, "Accelo Support", "support_user@accelo.com", "pro"},
	"alice-token":   {2, "Alice", "alice@example.com", "pro"},
	"bob-token":     {3, "Bob", "bob@example.com", "basic"},
	"carol-token":   {4, "Carol", "carol@example.com", "premium"},
}

// unknown answers whoever has no token, in the product's envelope.
var unknown = plain.Doc{
	"meta": plain.Doc{
		"status": "unauthorized", "message": "who are you?",
		"more_info": "https://affinitylive.jira.com/wiki/display/APIS/Status+Codes#unauthorized",
	},
	"response": nil,
}

// caller returns who makes a request.
func caller(r *http.Request) (User, bool) {
	user, ok := users[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
	return user, ok
}

// New returns an empty API. now is its clock; nil is time.Now.
func New(now func() time.Time) http.Handler {
	api := plain.New(now)
	add := func(name, path, fields string) {
		api.Add(plain.Collection{
			Name: name, Path: "/api/v0/" + path, Fields: fields,
			Created: "date_created", Updated: "date_modified",
			Preset: func(r *http.Request, doc plain.Doc) {
				user, _ := caller(r)
				doc["creator_id"] = plain.Number(strconv.Itoa(user.ID))
			},
			Hidden: hidden, HiddenStatus: http.StatusForbidden,
		})
	}
	add("task", "tasks", `{"id":0,"title":"","status":"pending","assignee_id":null,"private":false,"creator_id":0,"date_created":"","date_modified":""}`)
	add("quote", "quotes", `{"id":0,"title":"","total":0.00,"private":false,"creator_id":0,"date_created":"","date_modified":""}`)
	add("request", "requests", `{"id":0,"title":"","status":"open","private":false,"creator_id":0,"date_created":"","date_modified":""}`)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, ok := caller(r)
		switch {
		case !ok:
			plain.Write(w, http.StatusUnauthorized, unknown)
		case r.URL.Path == "/api/v0/whoami":
			h := w.Header()
			h.Set("X-User-Id", strconv.Itoa(user.ID))
			h.Set("X-User-Name", user.Name)
			h.Set("X-User-Email", user.Email)
			h.Set("X-User-Level", user.Level)
			w.WriteHeader(http.StatusNoContent)
		default:
			api.ServeHTTP(w, r)
		}
	})
}

// hidden says that only who made a private object, or is to do it, sees it.
func hidden(r *http.Request, doc plain.Doc) bool {
	user, _ := caller(r)
	me := plain.Number(strconv.Itoa(user.ID))
	return doc["private"] == true && doc["creator_id"] != me && doc["assignee_id"] != me
}

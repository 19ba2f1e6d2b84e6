// Package pipeliner is a plain API in the style of Pipeliner, a CRM: accounts,
// contacts, documents and tasks, with expand and load-only in the query. It has
// no webhooks; the Caddyfile beside it gives it those that Pipeliner documents,
// with the call by which they are registered.
package pipeliner

import (
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"time"

	"github.com/sidehook/sidehook/examples/internal/plain"
)

// passwords are the API passwords that there are, by API user.
var passwords = map[string]string{"crm": "crm-password", "mail": "mail-password"}

// New returns an empty API. now is its clock; nil is time.Now.
func New(now func() time.Time) http.Handler {
	api := plain.New(now)
	relations := map[string]*plain.Collection{}
	add := func(name, path, fields string, refs map[string]*plain.Collection) *plain.Collection {
		return api.Add(plain.Collection{
			Name: name, Path: "/entities/" + path, Fields: fields, Refs: refs,
			NewID: uuid, Envelope: "data", Created: "created", Updated: "modified",
			Expand: func(r *http.Request, doc plain.Doc) plain.Doc { return shown(r, doc, relations) },
		})
	}
	accounts := add("account", "Accounts", `{"id":"","name":"","owner_id":null,"documents":[],"created":"","modified":""}`, nil)
	contacts := add("contact", "Contacts", `{"id":"","first_name":"","last_name":"","email1":null,"email2":null,"primary_account_id":null,
		"primary_contact_id":null,"task_relations":[],"created":"","modified":""}`, map[string]*plain.Collection{"primary_account_id": accounts})
	documents := add("document", "CloudObjects", `{"id":"","filename":"","contact_id":null,"created":"","modified":""}`, nil)
	tasks := add("task", "Tasks", `{"id":"","subject":"","created":"","modified":""}`, nil)
	maps.Copy(relations, map[string]*plain.Collection{"primary_account": accounts, "primary_contact": contacts, "contact": contacts, "task": tasks})

	// Linking answers with the document, not with the account.
	accounts.Action("POST", "/documents", func(c *plain.Call) error {
		document := documents.Get(c.Body["id"])
		if document == nil {
			return errors.New("id names no document")
		}
		c.Entity["documents"] = append(c.Entity["documents"].([]any), document["id"])
		c.Answer = plain.Doc{"data": documents.Show(document)}
		return nil
	})
	api.Handle("PATCH /entities/Contacts", http.StatusOK, func(c *plain.Call) (any, error) { return updateAll(contacts, c.List) })
	return authenticated(api)
}

// authenticated lets nobody in who has no password, and tells at /whoami who
// calls.
func authenticated(api http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		switch {
		case password == "" || passwords[user] != password:
			w.Header().Set("WWW-Authenticate", `Basic realm="restapi"`)
			plain.Fail(w, http.StatusUnauthorized, "who are you?")
		case r.URL.Path == "/whoami":
			w.Header().Set("X-Api-User", user)
			w.WriteHeader(http.StatusNoContent)
		default:
			api.ServeHTTP(w, r)
		}
	})
}

// updateAll changes the contacts that list names, and answers with all of them.
func updateAll(contacts *plain.Collection, list []any) (any, error) {
	all := []any{}
	for _, change := range list {
		change, _ := change.(plain.Doc)
		old := contacts.Get(change["id"])
		if old == nil {
			return nil, fmt.Errorf("no contact %v", change["id"])
		}
		contact := plain.Doc{}
		maps.Copy(contact, old)
		maps.Copy(contact, change)
		contacts.Put(contact)
		all = append(all, contacts.Show(contact))
	}
	return plain.Doc{"data": all}, nil
}

func uuid() any {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

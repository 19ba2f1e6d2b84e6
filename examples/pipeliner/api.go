// Package pipeliner is a plain API in the style of Pipeliner, a CRM: accounts,
// contacts and documents, with expand and load-only in the query. It has no
// webhooks; the Caddyfile beside it gives it those that Pipeliner documents.
package pipeliner

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/sidehook/sidehook/examples/internal/plain"
)

// New returns an empty API. now is its clock; nil is time.Now.
func New(now func() time.Time) *plain.API {
	api := plain.New(now)
	add := func(c plain.Collection) *plain.Collection {
		c.NewID, c.Envelope, c.Created, c.Updated = uuid, "data", "created", "modified"
		return api.Add(c)
	}
	accounts := add(plain.Collection{Name: "account", Path: "/entities/Accounts",
		Fields: `{"id":"","name":"","owner_id":null,"documents":[],"created":"","modified":""}`})
	contacts := add(plain.Collection{Name: "contact", Path: "/entities/Contacts",
		Fields: `{"id":"","first_name":"","last_name":"","email1":null,"email2":null,"primary_account_id":null,"created":"","modified":""}`,
		Refs:   map[string]*plain.Collection{"primary_account_id": accounts},
		Expand: func(r *http.Request, contact plain.Doc) plain.Doc {
			if asked(r, "expand")["primary_account"] {
				contact["primary_account"] = accounts.Get(contact["primary_account_id"])
			}
			if only := asked(r, "load-only"); len(only) > 0 {
				for name := range contact {
					if !only[name] {
						delete(contact, name)
					}
				}
			}
			return contact
		},
	})
	documents := add(plain.Collection{Name: "document", Path: "/entities/CloudObjects",
		Fields: `{"id":"","filename":"","created":"","modified":""}`})

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
	return api
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
		for name, value := range old {
			contact[name] = value
		}
		for name, value := range change {
			contact[name] = value
		}
		contacts.Put(contact)
		all = append(all, contacts.Show(contact))
	}
	return plain.Doc{"data": all}, nil
}

// asked returns the names in a parameter of the query.
func asked(r *http.Request, parameter string) map[string]bool {
	names := map[string]bool{}
	for _, value := range r.URL.Query()[parameter] {
		for name := range strings.SplitSeq(value, ",") {
			names[name] = true
		}
	}
	return names
}

func uuid() any {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// Package leadspace is a plain API in the style of a lead-outreach tool: leads,
// campaigns, lists, statuses and tags, each in a space, and the calls by which
// providers of mail and of social networks report. It has no webhooks; the
// Caddyfile beside it gives it those that the tool documents.
package leadspace

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/sidehook/sidehook/examples/internal/plain"
)

// headerSpace is set by whatever authenticates in front: callers see their own
// space only.
const headerSpace = "X-Space-Id"

const lead = `{"id":"","email":null,"company":null,"notes":null,"phone":null,"linkedin_url":null,"created_at":"","updated_at":null,
	"first_name":null,"icebreaker":"","last_name":null,"website_url":null,"timezone":null,"city":null,"company_role":null,
	"twitter_name":null,"avatar_url":null,"icebreaker_2":"","icebreaker_3":"","icebreaker_4":"","email_bounce_score":null,
	"twitter_company_name":null,"is_deleted":false,"is_deleted_at":null,"custom_fields":null,"custom_fields_schema":null,
	"order":0,"contract_value":0,"is_tracked":false,"id_import_task":null,"id_linkedin_company":null,"id_linkedin":null,
	"id_space":"","id_twitter_company":null,"id_twitter":null}`

// New returns an empty API. now is its clock; nil is time.Now.
func New(now func() time.Time) *plain.API {
	api := plain.New(now)
	add := func(c plain.Collection) *plain.Collection {
		c.NewID, c.Created = uuid, "created_at"
		c.ReadOnly = append(c.ReadOnly, "id_space", "updated_at")
		c.Preset = func(r *http.Request, doc plain.Doc) { doc["id_space"] = r.Header.Get(headerSpace) }
		c.Hidden = func(r *http.Request, doc plain.Doc) bool { return doc["id_space"] != r.Header.Get(headerSpace) }
		c.Complete = func(doc, old plain.Doc) error {
			if old != nil {
				doc["updated_at"] = api.Now()
			}
			if plain.Text(doc, "id_space") == "" {
				return errors.New(headerSpace + " is missing")
			}
			return nil
		}
		return api.Add(c)
	}
	leads := add(plain.Collection{Name: "lead", Path: "/leads", Fields: lead, ReadOnly: []string{"is_tracked"}})
	leads.Action("POST", "/track", func(c *plain.Call) error {
		c.Entity["is_tracked"] = true
		return nil
	})
	for path, field := range map[string]string{"/status": "id_status", "/lists": "lists", "/tags": "tags"} {
		attach(leads, path, field)
	}
	ofLead := map[string]*plain.Collection{"id_lead": leads}
	add(plain.Collection{Name: "task", Path: "/leads/{id_lead}/tasks", Refs: ofLead,
		Fields: `{"id":"","id_lead":"","title":"","due_at":null,"is_done":false,"created_at":"","updated_at":null,"id_space":""}`})
	add(plain.Collection{Name: "note", Path: "/leads/{id_lead}/notes", Refs: ofLead,
		Fields: `{"id":"","id_lead":"","text":"","created_at":"","updated_at":null,"id_space":""}`})
	add(plain.Collection{Name: "campaign", Path: "/campaigns",
		Fields: `{"id":"","name":"","is_running":false,"created_at":"","updated_at":null,"id_space":""}`})
	for name, path := range map[string]string{"list": "/lists", "status": "/statuses", "tag": "/tags"} {
		add(plain.Collection{Name: name, Path: path,
			Fields: `{"id":"","name":"","color":null,"created_at":"","updated_at":null,"id_space":""}`})
	}
	for _, provider := range []string{"linkedin", "twitter", "email", "campaigns"} {
		api.Handle("POST /providers/"+provider, http.StatusAccepted, func(*plain.Call) (any, error) { return nil, nil })
	}
	return api
}

// attach adds what is attached to a lead and is no field of it: its status, its
// lists, its tags. A PUT replaces it.
func attach(leads *plain.Collection, path, field string) {
	attached := map[any]any{}
	show := func(lead plain.Doc) any {
		return plain.Doc{"id_lead": lead["id"], field: attached[lead["id"]], "id_space": lead["id_space"]}
	}
	leads.View(path, show)
	leads.Action("PUT", path, func(c *plain.Call) error {
		value, given := c.Body[field]
		if !given {
			return fmt.Errorf("%s is missing", field)
		}
		attached[c.Entity["id"]] = value
		c.Answer = show(c.Entity)
		return nil
	})
}

func uuid() any {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

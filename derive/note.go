package derive

import (
	"context"
	"encoding/json"
	"strings"
	"sync"

	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// Notes that derive keeps in the store begin with one of these.
const (
	resourceNotes = "resource/" // api / resource: entities of it were recorded
	refreshNotes  = "refresh/"  // exchange: it refreshes entities, and has not come to all
)

// maxResources bounds the resources whose names are remembered: names may be taken
// from paths, which strangers write.
const maxResources = 10_000

// resources are those of which entities were recorded, in this process or, once
// they were met again, before. They are noted, for a gap that must cover all
// resources to find those that only calls name.
type resources struct {
	mu    sync.Mutex
	known map[webhook.EntityKey]bool // without ID and Tenant
}

// fresh returns notes of the resources of snapshots that are not known yet. They
// are known once they are kept: see met.
func (r *resources) fresh(snapshots []webhook.Snapshot) (notes []store.Note) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range snapshots {
		key := webhook.EntityKey{API: snapshots[i].Key.API, Resource: snapshots[i].Key.Resource}
		if r.known[key] || len(r.known) >= maxResources || rules.IsRepeat(snapshots[i].Key) {
			continue
		}
		if len(notes) == 0 || notes[len(notes)-1].Key != resourceNote(key) {
			notes = append(notes, store.Note{Key: resourceNote(key), Value: []byte{}})
		}
	}
	return notes
}

// met takes the resources of recorded snapshots for known.
func (r *resources) met(snapshots []webhook.Snapshot) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range snapshots {
		key := webhook.EntityKey{API: snapshots[i].Key.API, Resource: snapshots[i].Key.Resource}
		if r.known[key] || len(r.known) >= maxResources || rules.IsRepeat(snapshots[i].Key) {
			continue
		}
		if r.known == nil {
			r.known = make(map[webhook.EntityKey]bool)
		}
		r.known[key] = true
	}
}

// resourceNote is the key of a note. An api's name has no slash in it.
func resourceNote(key webhook.EntityKey) string {
	return resourceNotes + key.API + "/" + key.Resource
}

// Resources returns the resources of an api of which entities were ever recorded,
// maxResources at most.
func Resources(ctx context.Context, notes store.Notes, api string) (names []string, err error) {
	prefix := resourceNote(webhook.EntityKey{API: api})
	found, err := notes.Notes(ctx, prefix, maxResources)
	for _, n := range found {
		names = append(names, strings.TrimPrefix(n.Key, prefix))
	}
	return names, err
}

// owedRefresh is the note of the refreshes of an exchange.
type owedRefresh struct {
	Cause   webhook.Exchange // without its bodies
	Refresh []rules.Refreshed
}

func refreshNote(id webhook.ExchangeID) string { return refreshNotes + id.String() }

// noteRefresh returns the note that x refreshes entities.
func noteRefresh(x *webhook.Exchange, all []rules.Refreshed) (store.Note, error) {
	cause := webhook.Exchange{ID: x.ID, API: x.API, Config: x.Config, Request: x.Request, Placeholders: x.Placeholders}
	cause.Request.Body = webhook.Body{}
	value, err := json.Marshal(owedRefresh{cause, all})
	return store.Note{Key: refreshNote(x.ID), Value: value}, err
}

package payload

import (
	"fmt"

	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/webhook"
)

// Shape is how what a subscription wants is sent to it.
type Shape struct {
	body   body
	fields lang.Globs
}

// Compile returns the shape that sub asks for. wrap adds to an error of which
// option it is.
func Compile(sub *webhook.Subscription, bodies Bodies, wrap func(option string, err error) error) (s Shape, err error) {
	if s.fields, err = lang.ParseGlobs(sub.Fields); err != nil {
		return s, wrap("fields", err)
	}
	if s.body, err = findBody(sub.Payload, bodies); err != nil {
		return s, wrap("payload", err)
	}
	if err := CheckShape(sub.Payload, sub.ContentType, sub.Chunk); err != nil {
		return s, wrap("payload", err)
	}
	switch sub.ContentType {
	case "", contentJSON, contentForm:
	default:
		return s, wrap("content_type", fmt.Errorf("%q: write json or form", sub.ContentType))
	}
	return s, nil
}

// Render returns what d sends of e to sub: the body of the subscription's payload,
// in its content type. The standard body is
//
//	{"type":…,"timestamp":…,"data":…,"previous":{…},"entity":{"type":…,"id":…,"sequence":…}}
//
// where data is the entity's own JSON, byte for byte (of a gap, what may have
// been missed; null if it is not known), and previous the old values of what
// changed: {} if nothing did, left out where there was no before or it is not
// known. entity.id is a string always, whatever the API makes of it; sequence
// is left out where there is no entity. If the entity sent is what a later GET by
// the subscriber showed, provenance stands there too and says so. full adds
// everything that is stored, thin leaves data and previous out. `fields` limits data, previous, before and
// changes; of a call outside every resource data is its item.
//
// Resolve answers for the names of header and signing templates; null is "".
//
// Of a chunk, e is the first event and further are those behind it that are
// kept: see [Shape.appendChunkOf].
func (s Shape) Render(sub *webhook.Subscription, e *webhook.Event, d *webhook.Delivery, further []*webhook.Event) (webhook.Payload, error) {
	v := &Vars{event: e, sub: sub}
	out, err := s.append(v, d, further)
	if err != nil {
		return webhook.Payload{}, fmt.Errorf("render %s for %s: payload %s: %w", e.ID, sub.ID, sub.Payload, err)
	}
	contentType := s.mediaType(d.Chunk != nil)
	if sub.ContentType == contentForm {
		contentType = "application/x-www-form-urlencoded"
		if out, err = appendForm(nil, out); err != nil {
			return webhook.Payload{}, fmt.Errorf("render %s for %s: %w", e.ID, sub.ID, err)
		}
	}
	p := webhook.Payload{
		ID:          string(e.ID),
		ContentType: contentType,
		Body:        out,
		Trace:       e.Request.Trace,
		Resource:    e.Key.Resource,
		Resolve:     v.resolveName,
	}
	if d.Chunk != nil {
		p.ID = d.WebhookID()
	}
	if _, binary := s.body.(cloudEventData); binary {
		p.Headers = cloudEventHeaders(e)
	}
	return p, nil
}

// append returns the JSON of what d sends.
func (s Shape) append(v *Vars, d *webhook.Delivery, further []*webhook.Event) ([]byte, error) {
	size := sizeHint(v.event)
	if d.Chunk == nil {
		return s.body.append(make([]byte, 0, size), v, s.fields)
	}
	v.all = append([]*webhook.Event{v.event}, further...)
	for _, e := range further {
		size += sizeHint(e)
	}
	return s.appendChunkOf(make([]byte, 0, size), v, d.Chunk.Number)
}

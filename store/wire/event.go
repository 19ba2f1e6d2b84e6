package wire

import (
	"encoding/json"
	"fmt"

	"github.com/sidehook/sidehook/webhook"
)

// Fields of an event.
const (
	eventID         Number = 1
	eventPosition   Number = 2
	eventScope      Number = 3
	eventAPI        Number = 4
	eventKeyTenant  Number = 5
	eventResource   Number = 6
	eventEntity     Number = 7
	eventSequence   Number = 8
	eventExchange   Number = 9
	eventTime       Number = 10
	eventRecorded   Number = 11
	eventOperation  Number = 12
	eventBefore     Number = 13
	eventAfter      Number = 14
	eventChange     Number = 15
	eventItem       Number = 16
	eventRelated    Number = 17
	eventAttrs      Number = 18
	eventTenant     Number = 19
	eventUnowned    Number = 20
	eventActor      Number = 21
	eventParams     Number = 22
	eventSkipKey    Number = 23
	eventProvenance Number = 24
	eventGap        Number = 25
	eventDryRun     Number = 26

	eventRequestID     Number = 40
	eventRequestMethod Number = 41
	eventRequestPath   Number = 42
	eventRequestTrace  Number = 43
)

// AppendEvent appends the encoding of e to buf.
func AppendEvent(buf []byte, e *webhook.Event) []byte {
	buf = AppendString(buf, eventID, string(e.ID))
	buf = AppendUint(buf, eventPosition, e.Position)
	buf = AppendString(buf, eventScope, e.Scope)
	buf = AppendString(buf, eventAPI, e.Key.API)
	buf = AppendString(buf, eventKeyTenant, e.Key.Tenant)
	buf = AppendString(buf, eventResource, e.Key.Resource)
	buf = AppendString(buf, eventEntity, e.Key.ID)
	buf = AppendUint(buf, eventSequence, e.Sequence)
	buf = AppendID(buf, eventExchange, e.Exchange)
	buf = AppendTime(buf, eventTime, e.Time)
	buf = AppendTime(buf, eventRecorded, e.Recorded)
	buf = AppendString(buf, eventOperation, string(e.Operation))
	buf = AppendBytes(buf, eventBefore, e.Before)
	buf = AppendBytes(buf, eventAfter, e.After)
	for i := range e.Changes {
		buf = appendChange(buf, &e.Changes[i])
	}
	buf = AppendBytes(buf, eventItem, e.Item)
	for i := range e.Related {
		buf = appendRelated(buf, &e.Related[i])
	}
	buf = AppendBytes(buf, eventAttrs, e.Attrs)
	buf = AppendString(buf, eventTenant, e.Tenant)
	buf = AppendBool(buf, eventUnowned, e.Unowned)
	buf = AppendString(buf, eventActor, e.Actor)
	buf = AppendStringMap(buf, eventParams, e.Params)
	buf = AppendString(buf, eventSkipKey, e.SkipKey)
	buf = appendProvenance(buf, &e.Provenance)
	if e.Gap != nil {
		buf = appendGap(buf, e.Gap)
	}
	buf = AppendBool(buf, eventDryRun, e.DryRun)
	buf = AppendString(buf, eventRequestID, e.Request.ID)
	buf = AppendString(buf, eventRequestMethod, e.Request.Method)
	buf = AppendString(buf, eventRequestPath, e.Request.Path)
	return AppendString(buf, eventRequestTrace, e.Request.Trace)
}

// DecodeEvent reads what [AppendEvent] wrote. Its JSON values are parts of
// data, which the caller leaves alone from then on.
func DecodeEvent(data []byte) (*webhook.Event, error) {
	e := new(webhook.Event)
	r := NewReader(data)
	for r.Next() {
		switch n := r.Number(); {
		case n <= eventEntity || n >= eventRequestID:
			decodeEventNames(&r, e)
		case n <= eventOperation:
			decodeEventPlace(&r, e)
		default:
			decodeEventContent(&r, e)
		}
	}
	if err := r.Err(); err != nil {
		return nil, fmt.Errorf("decode event: %w", err)
	}
	return e, nil
}

func decodeEventNames(r *Reader, e *webhook.Event) {
	switch r.Number() {
	case eventID:
		e.ID = webhook.EventID(r.String())
	case eventPosition:
		e.Position = r.Uint()
	case eventScope:
		e.Scope = r.String()
	case eventAPI:
		e.Key.API = r.String()
	case eventKeyTenant:
		e.Key.Tenant = r.String()
	case eventResource:
		e.Key.Resource = r.String()
	case eventEntity:
		e.Key.ID = r.String()
	case eventRequestID:
		e.Request.ID = r.String()
	case eventRequestMethod:
		e.Request.Method = r.String()
	case eventRequestPath:
		e.Request.Path = r.String()
	case eventRequestTrace:
		e.Request.Trace = r.String()
	}
}

func decodeEventPlace(r *Reader, e *webhook.Event) {
	switch r.Number() {
	case eventSequence:
		e.Sequence = r.Uint()
	case eventExchange:
		e.Exchange = r.ID()
	case eventTime:
		e.Time = r.Time()
	case eventRecorded:
		e.Recorded = r.Time()
	case eventOperation:
		e.Operation = webhook.Operation(r.String())
	}
}

func decodeEventContent(r *Reader, e *webhook.Event) {
	switch r.Number() {
	case eventBefore:
		e.Before = r.Bytes()
	case eventAfter:
		e.After = r.Bytes()
	case eventChange:
		e.Changes = append(e.Changes, decodeChange(r))
	case eventItem:
		e.Item = r.Bytes()
	case eventRelated:
		e.Related = append(e.Related, decodeRelated(r))
	case eventAttrs:
		e.Attrs = r.Bytes()
	case eventTenant:
		e.Tenant = r.String()
	case eventUnowned:
		e.Unowned = r.Bool()
	case eventActor:
		e.Actor = r.String()
	case eventParams:
		e.Params = r.StringMap(e.Params)
	case eventSkipKey:
		e.SkipKey = r.String()
	case eventProvenance:
		e.Provenance = decodeProvenance(r)
	case eventGap:
		e.Gap = decodeGap(r)
	case eventDryRun:
		e.DryRun = r.Bool()
	}
}

func appendChange(buf []byte, c *webhook.FieldChange) []byte {
	buf, mark := OpenMessage(buf, eventChange)
	buf = AppendString(buf, 1, c.Path)
	buf = AppendBytes(buf, 2, c.Old)
	buf = AppendBytes(buf, 3, c.New)
	return CloseMessage(buf, mark)
}

func decodeChange(outer *Reader) (c webhook.FieldChange) {
	r := NewReader(outer.Bytes())
	for r.Next() {
		switch r.Number() {
		case 1:
			c.Path = r.String()
		case 2:
			c.Old = r.Bytes()
		case 3:
			c.New = r.Bytes()
		}
	}
	outer.Fail(r.Err())
	return c
}

func appendRelated(buf []byte, v *webhook.Related) []byte {
	buf, mark := OpenMessage(buf, eventRelated)
	buf = AppendString(buf, 1, v.Name)
	buf = AppendBytes(buf, 2, v.Value)
	return CloseMessage(buf, mark)
}

func decodeRelated(outer *Reader) (v webhook.Related) {
	r := NewReader(outer.Bytes())
	for r.Next() {
		switch r.Number() {
		case 1:
			v.Name = r.String()
		case 2:
			v.Value = json.RawMessage(r.Bytes())
		}
	}
	outer.Fail(r.Err())
	return v
}

func appendProvenance(buf []byte, p *webhook.Provenance) []byte {
	buf, mark := OpenMessage(buf, eventProvenance)
	buf = AppendString(buf, 1, string(p.Before))
	buf = AppendDuration(buf, 2, p.BeforeAge)
	buf = AppendString(buf, 3, string(p.After))
	buf = AppendString(buf, 4, string(p.Confidence))
	buf = AppendStrings(buf, 5, p.Unknown)
	buf = AppendBool(buf, 6, p.Concurrent)
	return CloseMessage(buf, mark)
}

func decodeProvenance(outer *Reader) (p webhook.Provenance) {
	r := NewReader(outer.Bytes())
	for r.Next() {
		switch r.Number() {
		case 1:
			p.Before = webhook.Source(r.String())
		case 2:
			p.BeforeAge = r.Duration()
		case 3:
			p.After = webhook.Source(r.String())
		case 4:
			p.Confidence = webhook.Confidence(r.String())
		case 5:
			p.Unknown = append(p.Unknown, r.String())
		case 6:
			p.Concurrent = r.Bool()
		}
	}
	outer.Fail(r.Err())
	return p
}

func appendGap(buf []byte, g *webhook.Gap) []byte {
	buf, mark := OpenMessage(buf, eventGap)
	buf = AppendString(buf, 1, g.Reason)
	buf = AppendString(buf, 2, g.Detail)
	buf = AppendTime(buf, 3, g.From)
	buf = AppendTime(buf, 4, g.To)
	return CloseMessage(buf, mark)
}

func decodeGap(outer *Reader) *webhook.Gap {
	g := new(webhook.Gap)
	r := NewReader(outer.Bytes())
	for r.Next() {
		switch r.Number() {
		case 1:
			g.Reason = r.String()
		case 2:
			g.Detail = r.String()
		case 3:
			g.From = r.Time()
		case 4:
			g.To = r.Time()
		}
	}
	outer.Fail(r.Err())
	return g
}

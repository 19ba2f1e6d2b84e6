package wire

import (
	"encoding/json"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/sidehook/sidehook/webhook"
)

// Fields of an event. Those that most events have are below 16, where a number
// takes one byte.
const (
	eventNamed     Number = 1 // its exchange and the rest of its id, 24 bytes
	eventAPI       Number = 2
	eventResource  Number = 3
	eventEntity    Number = 4
	eventSequence  Number = 5
	eventTime      Number = 6 // after its exchange's
	eventWords     Number = 7
	eventChange    Number = 8
	eventKnown     Number = 9 // words of its provenance
	eventBeforeAge Number = 10
	eventPath      Number = 11
	eventRequest   Number = 12 // id of the request, a UUID
	eventParamID   Number = 13 // path parameter whose value is the entity's id
	eventScope     Number = 14
	eventActor     Number = 15

	eventID         Number = 16
	eventExchange   Number = 17
	eventPosition   Number = 18
	eventRecorded   Number = 19
	eventOperation  Number = 20
	eventKeyTenant  Number = 21
	eventTenant     Number = 22
	eventUnowned    Number = 23
	eventBefore     Number = 24
	eventAfter      Number = 25
	eventItem       Number = 26
	eventRelated    Number = 27
	eventAttrs      Number = 28
	eventParam      Number = 29
	eventRequestID  Number = 30
	eventMethod     Number = 31
	eventTrace      Number = 32
	eventSkipKey    Number = 33
	eventFromBefore Number = 34
	eventFromAfter  Number = 35
	eventConfidence Number = 36
	eventUnknown    Number = 37
	eventGap        Number = 38
	eventDryRun     Number = 39
	eventCause      Number = 40
)

// AppendEvent appends the encoding of e to buf. What follows from other fields
// is left out.
func AppendEvent(buf []byte, e *webhook.Event) []byte {
	if x, rest, ok := e.ID.Exchange(); ok && x == e.Exchange {
		buf = AppendBytes(buf, eventNamed, append(append(make([]byte, 0, 24), x[:]...), rest[:]...))
	} else {
		buf = AppendString(buf, eventID, string(e.ID))
		buf = AppendID(buf, eventExchange, e.Exchange)
	}
	buf = AppendString(buf, eventAPI, e.Key.API)
	buf = AppendString(buf, eventResource, e.Key.Resource)
	buf = AppendString(buf, eventEntity, e.Key.ID)
	buf = AppendString(buf, eventKeyTenant, e.Key.Tenant)
	buf = AppendUint(buf, eventPosition, e.Position)
	buf = AppendUint(buf, eventSequence, e.Sequence)
	buf = appendTimeOf(buf, eventTime, e.Time, e.Exchange)
	buf = AppendTime(buf, eventRecorded, e.Recorded)
	buf = appendEventWords(buf, e)
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
	if e.Tenant != e.Key.Tenant {
		buf = AppendBytes(buf, eventTenant, []byte(e.Tenant))
	}
	buf = AppendBool(buf, eventUnowned, e.Unowned)
	buf = AppendString(buf, eventActor, e.Actor)
	buf = AppendString(buf, eventSkipKey, e.SkipKey)
	buf = appendProvenance(buf, &e.Provenance)
	if e.Gap != nil {
		buf = appendGap(buf, e.Gap)
	}
	buf = AppendBool(buf, eventDryRun, e.DryRun)
	buf = AppendID(buf, eventCause, e.Cause)
	return appendCause(buf, e)
}

// appendCause appends what e tells of the call.
func appendCause(buf []byte, e *webhook.Event) []byte {
	if id, ok := parseUUID(e.Request.ID); ok {
		buf = AppendBytes(buf, eventRequest, id[:])
	} else {
		buf = AppendString(buf, eventRequestID, e.Request.ID)
	}
	buf = AppendString(buf, eventPath, e.Request.Path)
	buf = AppendString(buf, eventTrace, e.Request.Trace)
	for k, v := range e.Params {
		if v == e.Key.ID {
			buf = AppendBytes(buf, eventParamID, []byte(k))
			continue
		}
		var mark int
		buf, mark = OpenMessage(buf, eventParam)
		buf = AppendString(AppendString(buf, 1, k), 2, v)
		buf = CloseMessage(buf, mark)
	}
	return buf
}

// Words that take some bits instead of a field. 0 is the empty word; the last
// number of those bits is a word that is not here, in a field of its own.
var (
	operations  = [...]webhook.Operation{"", webhook.Created, webhook.Updated, webhook.Deleted, webhook.Called, webhook.Missed}
	methods     = [...]string{"", "POST", "PUT", "PATCH", "DELETE", "GET"}
	sources     = [...]webhook.Source{"", webhook.FromNone, webhook.FromSnapshot, webhook.FromFetch, webhook.FromResponse, webhook.FromRequest, webhook.FromComputed}
	confidences = [...]webhook.Confidence{"", webhook.Proven, webhook.Observed, webhook.Inferred}
)

const (
	wordBits = 3
	noWord   = 1<<wordBits - 1
)

func numberOf[S ~string](words []S, s S) uint64 {
	if i := slices.Index(words, s); i >= 0 {
		return uint64(i)
	}
	return noWord
}

func wordOf[S ~string](words []S, n uint64) S {
	if n &= noWord; n < uint64(len(words)) {
		return words[n]
	}
	return ""
}

// appendEventWords appends operation, method and scope. A scope is mostly the
// resource and the operation.
func appendEventWords(buf []byte, e *webhook.Event) []byte {
	operation, method := numberOf(operations[:], e.Operation), numberOf(methods[:], e.Request.Method)
	plain := uint64(0)
	if isPlain(e) {
		plain = 1
	} else {
		buf = AppendString(buf, eventScope, e.Scope)
	}
	buf = AppendUint(buf, eventWords, operation|method<<wordBits|plain<<(2*wordBits))
	if operation == noWord {
		buf = AppendString(buf, eventOperation, string(e.Operation))
	}
	if method == noWord {
		buf = AppendString(buf, eventMethod, e.Request.Method)
	}
	return buf
}

func isPlain(e *webhook.Event) bool {
	r := len(e.Key.Resource)
	return len(e.Scope) == r+1+len(e.Operation) && e.Scope[:r] == e.Key.Resource && e.Scope[r] == '.' && e.Scope[r+1:] == string(e.Operation)
}

func appendProvenance(buf []byte, p *webhook.Provenance) []byte {
	before, after := numberOf(sources[:], p.Before), numberOf(sources[:], p.After)
	confidence := numberOf(confidences[:], p.Confidence)
	buf = AppendUint(buf, eventKnown, before|after<<wordBits|confidence<<(2*wordBits)|protowire.EncodeBool(p.Concurrent)<<(3*wordBits))
	if before == noWord {
		buf = AppendString(buf, eventFromBefore, string(p.Before))
	}
	if after == noWord {
		buf = AppendString(buf, eventFromAfter, string(p.After))
	}
	if confidence == noWord {
		buf = AppendString(buf, eventConfidence, string(p.Confidence))
	}
	buf = AppendDuration(buf, eventBeforeAge, p.BeforeAge)
	return AppendStrings(buf, eventUnknown, p.Unknown)
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
	buf = AppendString(buf, 3, v.Resource)
	buf = AppendString(buf, 4, v.ID)
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
		case 3:
			v.Resource = r.String()
		case 4:
			v.ID = r.String()
		}
	}
	outer.Fail(r.Err())
	return v
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

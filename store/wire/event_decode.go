package wire

import (
	"encoding/hex"
	"fmt"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/sidehook/sidehook/webhook"
)

// eventDecoder reads an event. What follows from other fields is put in when
// all are read.
type eventDecoder struct {
	Reader
	e          webhook.Event
	after      uint64 // how long after its exchange it was
	timed      bool
	plain      bool // the scope is the resource and the operation
	owned      bool // its tenant is not its key's
	paramsOfID []string
}

// DecodeEvent reads what [AppendEvent] wrote. Its JSON values are parts of
// data, which the caller leaves alone from then on.
func DecodeEvent(data []byte) (*webhook.Event, error) {
	d := &eventDecoder{Reader: NewReader(data)}
	for d.Next() {
		switch n := d.Number(); {
		case n <= eventEntity || n >= eventID && n <= eventTenant || n == eventCause:
			d.place()
		case n >= eventBefore && n <= eventAttrs || n == eventChange:
			d.content()
		case n >= eventFromBefore && n <= eventUnknown || n == eventKnown || n == eventBeforeAge:
			d.provenance()
		default:
			d.call()
		}
	}
	if err := d.Err(); err != nil {
		return nil, fmt.Errorf("decode event: %w", err)
	}
	d.finish()
	return &d.e, nil
}

// EventExchange returns the exchange of the event that [AppendEvent] wrote to
// data.
func EventExchange(data []byte) (webhook.ExchangeID, error) {
	r := NewReader(data)
	for r.Next() {
		switch r.Number() {
		case eventNamed:
			if b := r.Bytes(); len(b) == 24 {
				return webhook.ExchangeID(b[:16]), nil
			}
		case eventExchange:
			return r.ID(), r.Err()
		}
	}
	return webhook.ExchangeID{}, r.Err()
}

func (d *eventDecoder) finish() {
	if d.timed {
		d.e.Time = timeOf(d.after, d.e.Exchange)
	}
	if d.plain {
		d.e.Scope = d.e.Key.Resource + "." + string(d.e.Operation)
	}
	if !d.owned {
		d.e.Tenant = d.e.Key.Tenant
	}
	for _, name := range d.paramsOfID {
		if d.e.Params == nil {
			d.e.Params = make(map[string]string, len(d.paramsOfID))
		}
		d.e.Params[name] = d.e.Key.ID
	}
}

func (d *eventDecoder) place() {
	switch d.Number() {
	case eventNamed:
		b := d.Bytes()
		if len(b) != 24 {
			d.fail(fmt.Errorf("%d bytes instead of 24", len(b)))
			return
		}
		d.e.Exchange = webhook.ExchangeID(b[:16])
		d.e.ID = webhook.JoinEventID(d.e.Exchange, [8]byte(b[16:]))
	case eventID:
		d.e.ID = webhook.EventID(d.String())
	case eventExchange:
		d.e.Exchange = d.ID()
	case eventCause:
		d.e.Cause = d.ID()
	case eventAPI:
		d.e.Key.API = d.String()
	case eventResource:
		d.e.Key.Resource = d.String()
	case eventEntity:
		d.e.Key.ID = d.String()
	case eventKeyTenant:
		d.e.Key.Tenant = d.String()
	case eventPosition:
		d.e.Position = d.Uint()
	case eventRecorded:
		d.e.Recorded = d.Time()
	case eventOperation:
		d.e.Operation = webhook.Operation(d.String())
	case eventTenant:
		d.e.Tenant, d.owned = d.String(), true
	}
}

func (d *eventDecoder) content() {
	switch d.Number() {
	case eventBefore:
		d.e.Before = d.Bytes()
	case eventAfter:
		d.e.After = d.Bytes()
	case eventChange:
		d.e.Changes = append(d.e.Changes, decodeChange(&d.Reader))
	case eventItem:
		d.e.Item = d.Bytes()
	case eventRelated:
		d.e.Related = append(d.e.Related, decodeRelated(&d.Reader))
	case eventAttrs:
		d.e.Attrs = d.Bytes()
	}
}

func (d *eventDecoder) provenance() {
	p := &d.e.Provenance
	switch d.Number() {
	case eventKnown:
		n := d.Uint()
		p.Before, p.After = wordOf(sources[:], n), wordOf(sources[:], n>>wordBits)
		p.Confidence = wordOf(confidences[:], n>>(2*wordBits))
		p.Concurrent = n>>(3*wordBits) == 1
	case eventBeforeAge:
		p.BeforeAge = d.Duration()
	case eventFromBefore:
		p.Before = webhook.Source(d.String())
	case eventFromAfter:
		p.After = webhook.Source(d.String())
	case eventConfidence:
		p.Confidence = webhook.Confidence(d.String())
	case eventUnknown:
		p.Unknown = append(p.Unknown, d.String())
	}
}

func (d *eventDecoder) call() {
	switch d.Number() {
	case eventSequence:
		d.e.Sequence = d.Uint()
	case eventTime:
		d.after, d.timed = d.Uint(), true
	case eventWords:
		n := d.Uint()
		d.e.Operation = wordOf(operations[:], n)
		d.e.Request.Method = wordOf(methods[:], n>>wordBits)
		d.plain = n>>(2*wordBits) == 1
	case eventScope:
		d.e.Scope = d.String()
	case eventActor:
		d.e.Actor = d.String()
	case eventUnowned:
		d.e.Unowned = d.Bool()
	case eventSkipKey:
		d.e.SkipKey = d.String()
	case eventGap:
		d.e.Gap = decodeGap(&d.Reader)
	case eventDryRun:
		d.e.DryRun = d.Bool()
	default:
		d.request()
	}
}

func (d *eventDecoder) request() {
	switch d.Number() {
	case eventRequest:
		d.e.Request.ID = formatUUID(d.ID())
	case eventRequestID:
		d.e.Request.ID = d.String()
	case eventMethod:
		d.e.Request.Method = d.String()
	case eventPath:
		d.e.Request.Path = d.String()
	case eventTrace:
		d.e.Request.Trace = d.String()
	case eventParam:
		d.e.Params = d.StringMap(d.e.Params)
	case eventParamID:
		d.paramsOfID = append(d.paramsOfID, d.String())
	}
}

// appendTimeOf appends t as field n, as how long after exchange x began it was;
// nothing if t is zero.
func appendTimeOf(buf []byte, n Number, t time.Time, x webhook.ExchangeID) []byte {
	if t.IsZero() {
		return buf
	}
	buf = protowire.AppendTag(buf, n, protowire.VarintType)
	return protowire.AppendVarint(buf, protowire.EncodeZigZag(t.UnixNano()-x.Time().UnixNano()))
}

// timeOf returns the time of which [appendTimeOf] wrote after.
func timeOf(after uint64, x webhook.ExchangeID) time.Time {
	return time.Unix(0, x.Time().UnixNano()+protowire.DecodeZigZag(after)).UTC()
}

// parseUUID reads a UUID in its usual spelling, lower case.
func parseUUID(s string) (id [16]byte, ok bool) {
	if len(s) != 36 {
		return id, false
	}
	var digits [32]byte
	text := append(digits[:0], s[:8]...)
	for _, part := range [...]string{s[9:13], s[14:18], s[19:23], s[24:]} {
		text = append(text, part...)
	}
	_, err := hex.Decode(id[:], text)
	return id, err == nil && formatUUID(id) == s
}

func formatUUID(id [16]byte) string {
	var out [36]byte
	for i, at := range [...]int{0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34} {
		hex.Encode(out[at:at+2], id[i:i+1])
	}
	for _, at := range [...]int{8, 13, 18, 23} {
		out[at] = '-'
	}
	return string(out[:])
}

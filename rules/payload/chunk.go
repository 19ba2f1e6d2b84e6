package payload

import (
	"fmt"
	"strconv"

	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/webhook"
)

// errChunkBinary says what a chunk cannot be.
var errChunkBinary = fmt.Errorf("a chunk has several events, and %s carries one: write payload %s, which sends a chunk as a batch", payloadCloudEventsBinary, payloadCloudEvents)

// appendChunkOf appends the body of a chunk: what each of its events would be
// sent as alone, with its id, in the data of one that says what they have in
// common. Of CloudEvents it is a batch; a payload of the configuration sees the
// events itself.
//
//	{"type":…,"timestamp":…,"chunk":{"number":0,"events":2},"data":[{"type":…,"timestamp":…,"data":…,"entity":{…},"id":…},…]}
func (s Shape) appendChunkOf(dst []byte, v *Vars, number int) ([]byte, error) {
	switch s.body.(type) {
	case named:
		return s.body.append(dst, v, s.fields)
	case cloudEvent:
	default:
		dst = lang.AppendString(append(dst, `{"type":`...), v.event.Scope)
		dst = appendTime(append(dst, `,"timestamp":`...), v.event.Time)
		dst = strconv.AppendInt(append(dst, `,"chunk":{"number":`...), int64(number), 10)
		dst = strconv.AppendInt(append(dst, `,"events":`...), int64(len(v.all)), 10)
		dst = append(dst, `},"data":`...)
	}
	dst = append(dst, '[')
	for i, e := range v.all {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = s.body.append(dst, &Vars{event: e, sub: v.sub, element: true}, s.fields); err != nil {
			return nil, err
		}
	}
	dst = append(dst, ']')
	if _, batch := s.body.(cloudEvent); batch {
		return dst, nil
	}
	return append(dst, '}'), nil
}

// mediaType returns what a body is sent as, before content_type is looked at.
func (s Shape) mediaType(chunk bool) string {
	if _, ok := s.body.(cloudEvent); !ok {
		return "application/json"
	}
	if chunk {
		return typeCloudEventBatch
	}
	return typeCloudEvent
}

// elements returns the events that an expression sees as `events`.
func (v *Vars) elements() []any {
	if len(v.all) == 0 {
		return []any{eachEvent{v}}
	}
	out := make([]any, len(v.all))
	for i, e := range v.all {
		out[i] = eachEvent{&Vars{event: e, sub: v.sub}}
	}
	return out
}

// CheckShape says what cannot stand together of a subscription's payload, its
// content type and its chunks.
func CheckShape(payload, contentType string, chunk webhook.Chunking) error {
	switch {
	case payload == payloadCloudEventsBinary && chunk.Size > 0:
		return errChunkBinary
	case contentType == contentForm && (payload == payloadCloudEvents || payload == payloadCloudEventsBinary):
		return fmt.Errorf("a CloudEvent is JSON: leave out content_type form, or write another payload than %s", payload)
	}
	return nil
}

package wire

import (
	"errors"
	"fmt"

	"github.com/sidehook/sidehook/webhook"
)

// Fields of a begin.
const (
	beginID Number = iota + 1
	beginAPI
	beginConfig
	beginStarted
	beginMethod
	beginPath
	beginQuery
	beginPlaceholders
	beginHeader
	beginSkipKey
)

// AppendBegin appends the encoding of b to buf.
func AppendBegin(buf []byte, b *webhook.Begin) []byte {
	buf = AppendID(buf, beginID, b.ID)
	buf = AppendString(buf, beginAPI, b.API)
	buf = AppendID(buf, beginConfig, b.Config)
	buf = AppendTime(buf, beginStarted, b.Started)
	buf = AppendString(buf, beginMethod, b.Method)
	buf = AppendString(buf, beginPath, b.Path)
	buf = AppendString(buf, beginQuery, b.Query)
	buf = AppendStringMap(buf, beginPlaceholders, b.Placeholders)
	buf = AppendHeader(buf, beginHeader, b.Header)
	return AppendString(buf, beginSkipKey, b.SkipKey)
}

// DecodeBegin reads what [AppendBegin] wrote. The result shares nothing with
// data.
func DecodeBegin(data []byte) (*webhook.Begin, error) {
	b := new(webhook.Begin)
	r := NewReader(data)
	for r.Next() {
		switch r.Number() {
		case beginID:
			b.ID = r.ID()
		case beginAPI:
			b.API = r.String()
		case beginConfig:
			b.Config = r.ID()
		case beginStarted:
			b.Started = r.Time()
		case beginMethod:
			b.Method = r.String()
		case beginPath:
			b.Path = r.String()
		case beginQuery:
			b.Query = r.String()
		case beginPlaceholders:
			b.Placeholders = r.StringMap(b.Placeholders)
		case beginHeader:
			b.Header = r.Header(b.Header)
		case beginSkipKey:
			b.SkipKey = r.String()
		}
	}
	return b, decoded("begin", b.ID, r.Err())
}

// Fields of an exchange. Its request and response are not nested, so that no
// body is moved to make room for a length.
const (
	exchangeID           Number = 1
	exchangeAPI          Number = 2
	exchangeConfig       Number = 3
	exchangeStarted      Number = 4
	exchangeEnded        Number = 5
	exchangeEnding       Number = 6
	exchangeBefore       Number = 7
	exchangePlaceholders Number = 8
	exchangeOverlapped   Number = 9
	exchangeClientGone   Number = 10
	exchangeCause        Number = 11
	exchangeService      Number = 12
	exchangeSeed         Number = 13

	requestMethod  Number = 20
	requestPath    Number = 21
	requestQuery   Number = 22
	requestHeader  Number = 23
	requestBody    Number = 24
	requestMissing Number = 25
	requestID      Number = 26
	requestTrace   Number = 27
	requestSkipKey Number = 28
	requestCaller  Number = 29

	responseStatus  Number = 40
	responseHeader  Number = 41
	responseBody    Number = 42
	responseMissing Number = 43
)

// AppendExchange appends the encoding of x to buf.
func AppendExchange(buf []byte, x *webhook.Exchange) []byte {
	buf = AppendID(buf, exchangeID, x.ID)
	buf = AppendString(buf, exchangeAPI, x.API)
	buf = AppendID(buf, exchangeConfig, x.Config)
	buf = AppendTime(buf, exchangeStarted, x.Started)
	buf = AppendTime(buf, exchangeEnded, x.Ended)
	buf = AppendUint(buf, exchangeEnding, uint64(x.Ending))
	if x.Before != nil {
		var mark int
		buf, mark = OpenMessage(buf, exchangeBefore)
		buf = appendObservation(buf, x.Before)
		buf = CloseMessage(buf, mark)
	}
	buf = AppendStringMap(buf, exchangePlaceholders, x.Placeholders)
	buf = AppendBool(buf, exchangeOverlapped, x.Overlapped)
	buf = AppendBool(buf, exchangeClientGone, x.ClientGone)
	buf = AppendID(buf, exchangeCause, x.Cause)
	buf = AppendBool(buf, exchangeService, x.Service)
	buf = AppendString(buf, exchangeSeed, x.Seed)
	buf = appendRequest(buf, &x.Request)

	buf = AppendInt(buf, responseStatus, int64(x.Response.Status))
	buf = AppendHeader(buf, responseHeader, x.Response.Header)
	buf = AppendBytes(buf, responseBody, x.Response.Body.Bytes)
	return AppendUint(buf, responseMissing, uint64(x.Response.Body.Missing))
}

func appendRequest(buf []byte, q *webhook.Request) []byte {
	buf = AppendString(buf, requestMethod, q.Method)
	buf = AppendString(buf, requestPath, q.Path)
	buf = AppendString(buf, requestQuery, q.Query)
	buf = AppendHeader(buf, requestHeader, q.Header)
	buf = AppendBytes(buf, requestBody, q.Body.Bytes)
	buf = AppendUint(buf, requestMissing, uint64(q.Body.Missing))
	buf = AppendString(buf, requestID, q.ID)
	buf = AppendString(buf, requestTrace, q.Trace)
	buf = AppendString(buf, requestSkipKey, q.SkipKey)
	return AppendBytes(buf, requestCaller, q.Caller)
}

// DecodeExchange reads what [AppendExchange] wrote. Its bodies are parts of
// data, which the caller leaves alone from then on. An ending or a reason for a
// missing body that this version does not know is an error: it must not be
// taken for another.
func DecodeExchange(data []byte) (*webhook.Exchange, error) {
	x := new(webhook.Exchange)
	r := NewReader(data)
	for r.Next() {
		switch r.Number() {
		case exchangeID:
			x.ID = r.ID()
		case exchangeAPI:
			x.API = r.String()
		case exchangeConfig:
			x.Config = r.ID()
		case exchangeStarted:
			x.Started = r.Time()
		case exchangeEnded:
			x.Ended = r.Time()
		case exchangeEnding:
			x.Ending = webhook.Ending(r.Small(uint8(webhook.Rejected)))
		case exchangeBefore:
			x.Before = decodeObservation(&r)
		case exchangePlaceholders:
			x.Placeholders = r.StringMap(x.Placeholders)
		case exchangeOverlapped:
			x.Overlapped = r.Bool()
		case exchangeClientGone:
			x.ClientGone = r.Bool()
		case exchangeCause:
			x.Cause = r.ID()
		case exchangeService:
			x.Service = r.Bool()
		case exchangeSeed:
			x.Seed = r.String()
		case responseStatus:
			x.Response.Status = int(r.Int())
		case responseHeader:
			x.Response.Header = r.Header(x.Response.Header)
		case responseBody:
			x.Response.Body.Bytes = r.Bytes()
		case responseMissing:
			x.Response.Body.Missing = missing(&r)
		default:
			decodeRequest(&r, &x.Request)
		}
	}
	return x, decoded("exchange", x.ID, r.Err())
}

func decodeRequest(r *Reader, q *webhook.Request) {
	switch r.Number() {
	case requestMethod:
		q.Method = r.String()
	case requestPath:
		q.Path = r.String()
	case requestQuery:
		q.Query = r.String()
	case requestHeader:
		q.Header = r.Header(q.Header)
	case requestBody:
		q.Body.Bytes = r.Bytes()
	case requestMissing:
		q.Body.Missing = missing(r)
	case requestID:
		q.ID = r.String()
	case requestTrace:
		q.Trace = r.String()
	case requestSkipKey:
		q.SkipKey = r.String()
	case requestCaller:
		q.Caller = r.Bytes()
	}
}

// Fields of an observation.
const (
	observationRequested Number = iota + 1
	observationReceived
	observationStatus
	observationHeader
	observationBody
	observationMissing
	observationError
	observationService
)

func appendObservation(buf []byte, o *webhook.Observation) []byte {
	buf = AppendTime(buf, observationRequested, o.Requested)
	buf = AppendTime(buf, observationReceived, o.Received)
	buf = AppendInt(buf, observationStatus, int64(o.Status))
	buf = AppendHeader(buf, observationHeader, o.Header)
	buf = AppendBytes(buf, observationBody, o.Body.Bytes)
	buf = AppendUint(buf, observationMissing, uint64(o.Body.Missing))
	buf = AppendString(buf, observationError, o.Error)
	return AppendBool(buf, observationService, o.Service)
}

// decodeObservation reads the observation in the field that outer is at.
func decodeObservation(outer *Reader) *webhook.Observation {
	o := new(webhook.Observation)
	r := NewReader(outer.Bytes())
	for r.Next() {
		switch r.Number() {
		case observationRequested:
			o.Requested = r.Time()
		case observationReceived:
			o.Received = r.Time()
		case observationStatus:
			o.Status = int(r.Int())
		case observationHeader:
			o.Header = r.Header(o.Header)
		case observationBody:
			o.Body.Bytes = r.Bytes()
		case observationMissing:
			o.Body.Missing = missing(&r)
		case observationError:
			o.Error = r.String()
		case observationService:
			o.Service = r.Bool()
		}
	}
	outer.Fail(r.Err())
	return o
}

func missing(r *Reader) webhook.Missing {
	return webhook.Missing(r.Small(uint8(webhook.CutOff)))
}

var errNoID = errors.New("no id")

func decoded(what string, id webhook.ExchangeID, err error) error {
	if err == nil && id.IsZero() {
		err = errNoID
	}
	if err != nil {
		return fmt.Errorf("decode %s: %w", what, err)
	}
	return nil
}

package wire

import (
	"fmt"
	"slices"

	"github.com/sidehook/sidehook/webhook"
)

// Fields of an attempt.
const (
	attemptDelivery Number = iota + 1
	attemptNumber
	attemptStarted
	attemptLatency
	attemptOutcome
	attemptStatus
	attemptError
	attemptURL
	attemptSent
	attemptReceived
	attemptAnswer
	attemptCutShort
	attemptRetryAt
	attemptTimedOut
	attemptSentKnown // headers of which the name is a number
	attemptReceivedKnown
)

// knownHeaders are names that most requests or answers have. A name's number is
// never given to another.
var knownHeaders = [...]string{
	1: "Webhook-Id", 2: "Webhook-Timestamp", 3: "Webhook-Signature", 4: "Webhook-Attempt", 5: "Traceparent",
	6: "User-Agent", 7: "Content-Type", 8: "Content-Length", 9: "Date", 10: "Server", 11: "Authorization",
	12: "Connection", 13: "Cache-Control", 14: "Vary", 15: "Keep-Alive",
}

// appendHeaders appends those of a known name as field known, others as field n.
func appendHeaders(buf []byte, n, known Number, h webhook.Header) []byte {
	for name, values := range h {
		number := slices.Index(knownHeaders[:], name)
		to := n
		if number > 0 {
			to = known
		}
		var mark int
		buf, mark = OpenMessage(buf, to)
		if number > 0 {
			buf = AppendUint(buf, 1, uint64(number))
		} else {
			buf = AppendString(buf, 1, name)
		}
		buf = CloseMessage(AppendStrings(buf, 2, values), mark)
	}
	return buf
}

// decodeKnown adds a header of a known name to h, which may be nil.
func decodeKnown(r *Reader, h webhook.Header) webhook.Header {
	var number int
	var values []string
	entry := NewReader(r.Bytes())
	for entry.Next() {
		switch entry.Number() {
		case 1:
			number = entry.Count()
		case 2:
			values = append(values, entry.String())
		}
	}
	r.Fail(entry.Err())
	if number <= 0 || number >= len(knownHeaders) {
		r.Fail(fmt.Errorf("header %d, of which only those to %d are known", number, len(knownHeaders)-1))
		return h
	}
	if h == nil {
		h = make(webhook.Header)
	}
	h[knownHeaders[number]] = values
	return h
}

// AppendAttempt appends the encoding of a to buf.
func AppendAttempt(buf []byte, a *webhook.Attempt) []byte {
	buf = AppendString(buf, attemptDelivery, string(a.Delivery))
	buf = AppendInt(buf, attemptNumber, int64(a.Number))
	buf = AppendTime(buf, attemptStarted, a.Started)
	buf = AppendDuration(buf, attemptLatency, a.Latency)
	buf = AppendString(buf, attemptOutcome, string(a.Outcome))
	buf = AppendInt(buf, attemptStatus, int64(a.Status))
	buf = AppendString(buf, attemptError, a.Error)
	buf = AppendString(buf, attemptURL, a.URL)
	buf = appendHeaders(buf, attemptSent, attemptSentKnown, a.Sent)
	buf = appendHeaders(buf, attemptReceived, attemptReceivedKnown, a.Received)
	buf = AppendBytes(buf, attemptAnswer, a.Answer)
	buf = AppendBool(buf, attemptCutShort, a.CutShort)
	buf = AppendTime(buf, attemptRetryAt, a.RetryAt)
	return AppendBool(buf, attemptTimedOut, a.TimedOut)
}

// DecodeAttempt reads what [AppendAttempt] wrote. Its answer is a part of data,
// which the caller leaves alone from then on.
func DecodeAttempt(data []byte) (webhook.Attempt, error) {
	var a webhook.Attempt
	r := NewReader(data)
	for r.Next() {
		switch r.Number() {
		case attemptDelivery:
			a.Delivery = webhook.DeliveryID(r.String())
		case attemptNumber:
			a.Number = int(r.Int())
		case attemptStarted:
			a.Started = r.Time()
		case attemptLatency:
			a.Latency = r.Duration()
		case attemptOutcome:
			a.Outcome = webhook.Outcome(r.String())
		case attemptStatus:
			a.Status = int(r.Int())
		default:
			decodeAttemptTraffic(&r, &a)
		}
	}
	if err := r.Err(); err != nil {
		return webhook.Attempt{}, fmt.Errorf("decode attempt: %w", err)
	}
	return a, nil
}

func decodeAttemptTraffic(r *Reader, a *webhook.Attempt) {
	switch r.Number() {
	case attemptError:
		a.Error = r.String()
	case attemptURL:
		a.URL = r.String()
	case attemptSent:
		a.Sent = r.Header(a.Sent)
	case attemptReceived:
		a.Received = r.Header(a.Received)
	case attemptSentKnown:
		a.Sent = decodeKnown(r, a.Sent)
	case attemptReceivedKnown:
		a.Received = decodeKnown(r, a.Received)
	case attemptAnswer:
		a.Answer = r.Bytes()
	case attemptCutShort:
		a.CutShort = r.Bool()
	case attemptTimedOut:
		a.TimedOut = r.Bool()
	case attemptRetryAt:
		a.RetryAt = r.Time()
	}
}

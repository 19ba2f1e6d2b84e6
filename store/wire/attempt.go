package wire

import (
	"fmt"

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
)

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
	buf = AppendHeader(buf, attemptSent, a.Sent)
	buf = AppendHeader(buf, attemptReceived, a.Received)
	buf = AppendBytes(buf, attemptAnswer, a.Answer)
	buf = AppendBool(buf, attemptCutShort, a.CutShort)
	return AppendTime(buf, attemptRetryAt, a.RetryAt)
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
	case attemptAnswer:
		a.Answer = r.Bytes()
	case attemptCutShort:
		a.CutShort = r.Bool()
	case attemptRetryAt:
		a.RetryAt = r.Time()
	}
}

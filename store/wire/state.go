package wire

import (
	"fmt"

	"github.com/sidehook/sidehook/webhook"
)

// Fields of a subscription's state.
const (
	stateID Number = iota + 1
	stateNumber
	stateStatus
	stateReason
	stateSince
	stateHeldThrough
	stateWaitUntil
	stateFailures
	stateOpened
	stateOpenUntil
	stateTimeouts
	stateFailingSince
	stateWarned
	stateOpenSince
)

// AppendState appends the encoding of s to buf.
func AppendState(buf []byte, s *webhook.SubscriptionState) []byte {
	buf = AppendString(buf, stateID, string(s.ID))
	buf = AppendUint(buf, stateNumber, s.Number)
	buf = AppendString(buf, stateStatus, string(s.Status))
	buf = AppendString(buf, stateReason, s.Reason)
	buf = AppendTime(buf, stateSince, s.Since)
	buf = AppendUint(buf, stateHeldThrough, s.HeldThrough)
	buf = AppendTime(buf, stateWaitUntil, s.WaitUntil)
	buf = AppendInt(buf, stateFailures, int64(s.Failures))
	buf = AppendInt(buf, stateOpened, int64(s.Opened))
	buf = AppendTime(buf, stateOpenUntil, s.OpenUntil)
	buf = AppendInt(buf, stateTimeouts, int64(s.Timeouts))
	buf = AppendTime(buf, stateFailingSince, s.FailingSince)
	buf = AppendInt(buf, stateWarned, int64(s.Warned))
	return AppendTime(buf, stateOpenSince, s.OpenSince)
}

// DecodeState reads what [AppendState] wrote. The result shares nothing with
// data.
func DecodeState(data []byte) (webhook.SubscriptionState, error) {
	var s webhook.SubscriptionState
	r := NewReader(data)
	for r.Next() {
		switch r.Number() {
		case stateID:
			s.ID = webhook.SubscriptionID(r.String())
		case stateNumber:
			s.Number = r.Uint()
		case stateStatus:
			s.Status = webhook.Status(r.String())
		case stateReason:
			s.Reason = r.String()
		case stateSince:
			s.Since = r.Time()
		case stateHeldThrough:
			s.HeldThrough = r.Uint()
		case stateWaitUntil:
			s.WaitUntil = r.Time()
		case stateFailures:
			s.Failures = int(r.Int())
		case stateOpened:
			s.Opened = int(r.Int())
		case stateTimeouts:
			s.Timeouts = int(r.Int())
		case stateFailingSince:
			s.FailingSince = r.Time()
		case stateWarned:
			s.Warned = int(r.Int())
		case stateOpenUntil:
			s.OpenUntil = r.Time()
		case stateOpenSince:
			s.OpenSince = r.Time()
		}
	}
	if err := r.Err(); err != nil {
		return webhook.SubscriptionState{}, fmt.Errorf("decode subscription state: %w", err)
	}
	return s, nil
}

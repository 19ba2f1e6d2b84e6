package wire

import (
	"fmt"
	"math"

	"github.com/sidehook/sidehook/webhook"
)

// Fields of a replay.
const (
	replayID Number = iota + 1
	replaySubscription
	replayLow
	replayHigh
	replayScope
	replayState
	replayMissed
	replayRate
	replayStatus
	replayReason
	replayNext
	replayQueued
	replayAsked
	replayCreated
	replayEnded
	replayOperator
	replayTenant
	replayRepeat
)

// AppendReplay appends the encoding of r to buf.
func AppendReplay(buf []byte, r *webhook.Replay) []byte {
	buf = AppendString(buf, replayID, string(r.ID))
	buf = AppendString(buf, replaySubscription, string(r.Subscription))
	buf = AppendUint(buf, replayLow, r.Low)
	buf = AppendUint(buf, replayHigh, r.High)
	for _, p := range r.Scopes {
		buf = AppendString(buf, replayScope, string(p))
	}
	for _, s := range r.States {
		buf = AppendString(buf, replayState, string(s))
	}
	buf = AppendBool(buf, replayMissed, r.Missed)
	buf = AppendUint(buf, replayRate, math.Float64bits(r.Rate))
	buf = AppendString(buf, replayStatus, string(r.Status))
	buf = AppendString(buf, replayReason, r.Reason)
	buf = AppendUint(buf, replayNext, r.Next)
	buf = AppendUint(buf, replayQueued, r.Queued)
	buf = AppendString(buf, replayAsked, r.Asked)
	buf = AppendTime(buf, replayCreated, r.Created)
	buf = AppendTime(buf, replayEnded, r.Ended)
	buf = AppendBool(buf, replayOperator, r.Operator)
	buf = AppendString(buf, replayTenant, r.Tenant)
	return AppendString(buf, replayRepeat, r.Repeat)
}

// DecodeReplay reads what [AppendReplay] wrote. The result shares nothing with
// data.
func DecodeReplay(data []byte) (webhook.Replay, error) {
	var p webhook.Replay
	r := NewReader(data)
	for r.Next() {
		switch r.Number() {
		case replayID:
			p.ID = webhook.ReplayID(r.String())
		case replaySubscription:
			p.Subscription = webhook.SubscriptionID(r.String())
		case replayLow:
			p.Low = r.Uint()
		case replayHigh:
			p.High = r.Uint()
		case replayScope:
			p.Scopes = append(p.Scopes, webhook.Pattern(r.String()))
		case replayState:
			p.States = append(p.States, webhook.DeliveryState(r.String()))
		case replayMissed:
			p.Missed = r.Bool()
		case replayRate:
			p.Rate = math.Float64frombits(r.Uint())
		case replayStatus:
			p.Status = webhook.ReplayStatus(r.String())
		case replayReason:
			p.Reason = r.String()
		case replayNext:
			p.Next = r.Uint()
		case replayQueued:
			p.Queued = r.Uint()
		case replayAsked:
			p.Asked = r.String()
		case replayCreated:
			p.Created = r.Time()
		case replayEnded:
			p.Ended = r.Time()
		case replayOperator:
			p.Operator = r.Bool()
		case replayTenant:
			p.Tenant = r.String()
		case replayRepeat:
			p.Repeat = r.String()
		}
	}
	if err := r.Err(); err != nil {
		return webhook.Replay{}, fmt.Errorf("decode replay: %w", err)
	}
	return p, nil
}

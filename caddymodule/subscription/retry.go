package subscription

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// Retry is a schedule; an empty one means a single attempt. Its JSON is a list
// of durations, "none", or the name of a preset: "short" (6 attempts within 45
// minutes), "standard" (10 within 3 days) or "long" (14 within 8 days).
type Retry []rules.Duration

// retryPreset returns the schedule of a name.
func retryPreset(name string) (out Retry, ok bool) {
	schedule, ok := map[string]webhook.Schedule{
		None: nil, "short": webhook.ShortSchedule, "standard": webhook.DefaultSchedule, "long": webhook.LongSchedule,
	}[name]
	return retryOf(schedule), ok
}

// retryOf returns a schedule as it is written.
func retryOf(schedule webhook.Schedule) Retry {
	out := Retry{}
	for _, wait := range schedule {
		out = append(out, rules.Duration(wait))
	}
	return out
}

// MarshalJSON implements [json.Marshaler].
func (r Retry) MarshalJSON() ([]byte, error) {
	if len(r) == 0 {
		return []byte(`"none"`), nil
	}
	return json.Marshal([]rules.Duration(r))
}

// UnmarshalJSON implements [json.Unmarshaler].
func (r *Retry) UnmarshalJSON(b []byte) error {
	const write = `retry: write "none", "short", "standard", "long", or a list like ["5s", "5m"]`
	var name string
	if json.Unmarshal(b, &name) == nil {
		preset, ok := retryPreset(name)
		if *r = preset; !ok {
			return fmt.Errorf("%s: there is no schedule %q", write, name)
		}
		return nil
	}
	if err := json.Unmarshal(b, (*[]rules.Duration)(r)); err != nil {
		if _, kind := errors.AsType[*json.UnmarshalTypeError](err); kind {
			return errors.New(write)
		}
		return fmt.Errorf("%s: %w", write, err)
	}
	return nil
}

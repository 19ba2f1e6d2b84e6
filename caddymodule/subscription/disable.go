package subscription

import (
	"fmt"
	"time"

	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// DisableTime is how long a subscription may fail; 0 is for ever. Its JSON is a
// duration, or "none".
type DisableTime rules.Duration

// leastDisable is how short it may be.
const leastDisable = time.Second

// MarshalJSON implements [json.Marshaler].
func (p DisableTime) MarshalJSON() ([]byte, error) {
	if p == 0 {
		return []byte(`"none"`), nil
	}
	return rules.Duration(p).MarshalJSON()
}

// UnmarshalJSON implements [json.Unmarshaler].
func (p *DisableTime) UnmarshalJSON(b []byte) error {
	if string(b) == `"none"` {
		*p = 0
		return nil
	}
	if err := (*rules.Duration)(p).UnmarshalJSON(b); err != nil {
		return fmt.Errorf(`disable_after: write "none", or a duration like "5d": %w`, err)
	}
	return nil
}

// check says what is wrong with p; nil is the default.
func (p *DisableTime) check() error {
	if p != nil && *p != 0 && time.Duration(*p) < leastDisable {
		return fmt.Errorf("disable_after: write a duration from %s on, like 5d, or none", leastDisable)
	}
	return nil
}

// plain returns p with its default filled in: nobody is disabled within the
// schedule of a single delivery.
func (p *DisableTime) plain(retry webhook.Schedule) time.Duration {
	if p == nil {
		return max(webhook.DefaultDisableAfter, retry.Most())
	}
	return time.Duration(*p)
}

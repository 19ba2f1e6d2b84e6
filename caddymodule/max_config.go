package caddymodule

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/sidehook/sidehook/caddymodule/api"
	"github.com/sidehook/sidehook/caddymodule/directive"
	"github.com/sidehook/sidehook/caddymodule/engine"
	"github.com/sidehook/sidehook/caddymodule/subscription"
)

// MaxCount bounds how many there may be of something; 0 is no bound. Its JSON is
// a number, or "none".
type MaxCount int

// MarshalJSON implements [json.Marshaler].
func (m MaxCount) MarshalJSON() ([]byte, error) {
	if m == 0 {
		return []byte(`"none"`), nil
	}
	return json.Marshal(int(m))
}

// UnmarshalJSON implements [json.Unmarshaler].
func (m *MaxCount) UnmarshalJSON(b []byte) error {
	if string(b) == `"none"` {
		*m = 0
		return nil
	}
	var n int
	if err := json.Unmarshal(b, &n); err != nil || n == 0 {
		return fmt.Errorf(`%s: write a number from 1 on, or "none"`, b)
	}
	*m = MaxCount(n)
	return nil
}

// plain returns m, by default otherwise, and if it is no bound most, beyond which
// there cannot be more.
func (m *MaxCount) plain(otherwise, most int) (int, error) {
	switch {
	case m == nil:
		return otherwise, nil
	case *m == 0:
		return most, nil
	case *m < 0 || int(*m) > most:
		return 0, fmt.Errorf("%d: write a number from 1 to %d, or none", *m, most)
	}
	return int(*m), nil
}

// parseMaxSubscriptions reads
//
//	max_subscriptions COUNT|none
func parseMaxSubscriptions(l *directive.Line, a *API) error {
	args, err := l.Take(1, 1)
	if err != nil {
		return err
	}
	a.MaxSubscriptions = new(MaxCount)
	if args[0].Text == subscription.None {
		return nil
	}
	n, err := strconv.Atoi(args[0].Text)
	*a.MaxSubscriptions = MaxCount(n)
	if _, bad := a.MaxSubscriptions.plain(api.MaxOfOwner, engine.MaxKept); err != nil || n == 0 || bad != nil {
		return args[0].Errf("max_subscriptions %s: write a number from 1 to %d, or none", args[0].Text, engine.MaxKept)
	}
	return nil
}

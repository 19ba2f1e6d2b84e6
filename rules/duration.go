package rules

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Duration is a [time.Duration] that reads days too ("30d") and writes itself
// as text in JSON.
type Duration time.Duration

// ParseDuration reads what [time.ParseDuration] reads, and days as "d".
func ParseDuration(s string) (Duration, error) {
	if days, rest, ok := strings.Cut(s, "d"); ok {
		n, err := strconv.ParseFloat(days, 64)
		if err == nil && rest == "" {
			return Duration(n * float64(24*time.Hour)), nil
		}
		if more, err2 := time.ParseDuration(rest); err == nil && err2 == nil {
			return Duration(n*float64(24*time.Hour)) + Duration(more), nil
		}
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("duration %q: write a number and a unit, like 300ms, 10m, 2h or 30d", s)
	}
	return Duration(d), nil
}

// MarshalJSON writes the duration as text.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(d).String()) }

// UnmarshalJSON reads text. A number has no unit, and who writes 10 means seconds
// as often as anything else: only 0 needs none.
func (d *Duration) UnmarshalJSON(b []byte) error {
	switch text := string(b); {
	case text == "null":
		return nil
	case text == "0":
		*d = 0
		return nil
	case len(b) > 0 && (b[0] == '-' || b[0] >= '0' && b[0] <= '9'):
		return fmt.Errorf(`duration %s has no unit: write it as a text, like "%[1]ss" for seconds`, text)
	}
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	got, err := ParseDuration(s)
	*d = got
	return err
}

package webhook

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Rate bounds how many requests are made in a time; its zero value bounds
// nothing.
type Rate struct {
	Requests int // at least 1
	Per      time.Duration
}

// maxRate bounds the requests of a [Rate].
const maxRate = 1_000_000

// ParseRate reads a rate such as 50/s, 100/m or 1000/h, or none.
func ParseRate(text string) (Rate, error) {
	if text == "none" {
		return Rate{}, nil
	}
	number, unit, _ := strings.Cut(text, "/")
	per, known := map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour}[unit]
	n, err := strconv.Atoi(number)
	if !known || err != nil || n < 1 || n > maxRate {
		return Rate{}, fmt.Errorf("rate %q: write a number from 1 to %d, a slash and s, m or h, like 50/s, or none", text, maxRate)
	}
	return Rate{n, per}, nil
}

// Each returns the time that one request takes up.
func (r Rate) Each() time.Duration { return r.Per / time.Duration(r.Requests) }

// String writes r as it is read: "50/s"; "none" if there is none.
func (r Rate) String() string {
	if r == (Rate{}) {
		return "none"
	}
	unit := map[time.Duration]string{time.Second: "s", time.Minute: "m", time.Hour: "h"}[r.Per]
	return strconv.Itoa(r.Requests) + "/" + unit
}

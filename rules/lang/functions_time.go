package lang

import (
	"math"
	"time"
)

// unix returns a time, written as RFC 3339 says or as a date, in seconds since
// 1970. A number is taken for that already.
func unix(_ *frame, a []any) any {
	switch v := a[0].(type) {
	case int64:
		return v
	case float64:
		return toInt(v)
	case string:
		if t, ok := parseTime(v); ok {
			return t.Unix()
		}
	}
	return nil
}

// rfc3339 returns a time in UTC, from seconds since 1970 or another way of
// writing it.
func rfc3339(_ *frame, a []any) any {
	switch v := a[0].(type) {
	case int64:
		return formatTime(time.Unix(v, 0))
	case float64:
		if math.Abs(v) < 1<<53 {
			whole, part := math.Modf(v)
			return formatTime(time.Unix(int64(whole), int64(part*1e9)))
		}
	case string:
		if t, ok := parseTime(v); ok {
			return formatTime(t)
		}
	}
	return nil
}

func formatTime(t time.Time) any {
	if t = t.UTC(); t.Year() < 0 || t.Year() > 9999 {
		return nil
	}
	return t.Format(time.RFC3339Nano)
}

// parseTime reads the usual ways of writing a time; without a zone it is UTC.
func parseTime(s string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

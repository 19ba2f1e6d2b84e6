package likeness

import (
	"strings"
	"time"
)

// Older reports whether version a comes before b. Times are compared as
// times, decimal numbers as numbers, revisions like 12-9f86d081884c7d65… by
// what stands before the dash. In any other text digits that stand together are
// one number (v9 is before v10), and the rest is compared byte by byte.
func Older(a, b string) bool {
	if IsDigits(a) && IsDigits(b) {
		return compareDigits(a, b) < 0
	}
	if s, ok := timeOf(a); ok {
		if t, ok := timeOf(b); ok {
			return s.Before(t)
		}
	}
	if m, x, ok := decimal(a); ok {
		if n, y, ok := decimal(b); ok {
			c := compareDigits(m, n)
			return c < 0 || c == 0 && x < y
		}
	}
	if m, ok := generation(a); ok {
		if n, ok := generation(b); ok {
			return compareDigits(m, n) < 0 // of one number neither is older
		}
	}
	return compareRuns(a, b) < 0
}

// versionTimes are the ways in which APIs write times.
var versionTimes = []string{time.RFC3339, "2006-01-02 15:04:05Z07:00", time.DateTime, "2006-01-02T15:04:05", time.RFC1123}

// timeOf reads a time. A fraction of a second may stand in any of versionTimes.
func timeOf(text string) (time.Time, bool) {
	if len(text) < len("2006-01-02 15:04:05") {
		return time.Time{}, false
	}
	for _, layout := range versionTimes {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// decimal cuts a number at its point, zeros at its end left out.
func decimal(text string) (whole, fraction string, ok bool) {
	whole, fraction, found := strings.Cut(text, ".")
	if !IsDigits(whole) || found && !IsDigits(fraction) {
		return "", "", false
	}
	return whole, strings.TrimRight(fraction, "0"), true
}

// shortestHash is how many letters what follows a revision's number has at least.
const shortestHash = 16

// generation returns the number of a revision that ends with a hash: 12 of
// 12-9f86d081884c7d65….
func generation(text string) (string, bool) {
	number, hash, _ := strings.Cut(text, "-")
	return number, IsDigits(number) && len(hash) >= shortestHash && strings.Trim(hash, "0123456789abcdefABCDEF") == ""
}

// compareRuns compares texts as Older says of any other text.
func compareRuns(a, b string) int {
	for a != "" && b != "" {
		m, n := digitsOf(a), digitsOf(b)
		if m != "" && n != "" {
			if c := compareDigits(m, n); c != 0 {
				return c
			}
			a, b = a[len(m):], b[len(n):]
			continue
		}
		if a[0] != b[0] {
			return int(a[0]) - int(b[0])
		}
		a, b = a[1:], b[1:]
	}
	return len(a) - len(b)
}

// digitsOf returns the digits that text begins with.
func digitsOf(text string) string {
	end := strings.IndexFunc(text, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		return text
	}
	return text[:end]
}

// compareDigits compares texts of digits as numbers of any size.
func compareDigits(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}

func IsDigits(s string) bool { return s != "" && digitsOf(s) == s }

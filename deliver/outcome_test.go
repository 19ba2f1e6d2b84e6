package deliver

import (
	"net/http"
	"testing"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

var noon = time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)

func TestJudge(t *testing.T) {
	header := func(kv ...string) http.Header {
		h := http.Header{}
		for i := 0; i < len(kv); i += 2 {
			h.Set(kv[i], kv[i+1])
		}
		return h
	}
	for _, c := range []struct {
		name    string
		status  int
		header  http.Header
		outcome webhook.Outcome
		wait    time.Duration
	}{
		{"no answer", 0, nil, webhook.Failed, 0},
		{"200", 200, nil, webhook.Accepted, 0},
		{"204", 204, nil, webhook.Accepted, 0},
		{"101", 101, nil, webhook.Failed, 0},
		{"301", 301, header("Location", "/"), webhook.Failed, 0},
		{"304", 304, nil, webhook.Failed, 0},
		{"400", 400, nil, webhook.Failed, 0},
		{"404", 404, nil, webhook.Failed, 0},
		{"404 with Retry-After", 404, header("Retry-After", "9"), webhook.Failed, 0},
		{"410", 410, nil, webhook.Stopped, 0},
		{"429", 429, nil, webhook.Throttled, time.Minute},
		{"429 in seconds", 429, header("Retry-After", "120"), webhook.Throttled, 2 * time.Minute},
		{"429 in seconds with blanks", 429, header("Retry-After", " 5 "), webhook.Throttled, 5 * time.Second},
		{"429 in seconds with a nought", 429, header("Retry-After", "010"), webhook.Throttled, 10 * time.Second},
		{"429 at once", 429, header("Retry-After", "0"), webhook.Throttled, time.Second},
		{"429 with a date", 429, header("Retry-After", "Tue, 03 Nov 2026 13:00:00 GMT"), webhook.Throttled, time.Hour},
		{"429 with a past date", 429, header("Retry-After", "Tue, 03 Nov 2020 13:00:00 GMT"), webhook.Throttled, time.Second},
		{"429 for a year", 429, header("Retry-After", "31536000"), webhook.Throttled, 24 * time.Hour},
		{"429 for ever", 429, header("Retry-After", "99999999999999999999999"), webhook.Throttled, 24 * time.Hour},
		{"429 with a date in a year", 429, header("Retry-After", "Wed, 03 Nov 2027 12:00:00 GMT"), webhook.Throttled, 24 * time.Hour},
		{"429 with nonsense", 429, header("Retry-After", "soon"), webhook.Throttled, time.Minute},
		{"429 with a negative", 429, header("Retry-After", "-5"), webhook.Throttled, time.Minute},
		{"502", 502, nil, webhook.Failed, 0},
		{"503 with Retry-After", 503, header("Retry-After", "30"), webhook.Throttled, 30 * time.Second},
		{"503 with nonsense", 503, header("Retry-After", "soon"), webhook.Failed, 0},
		{"504 with Retry-After", 504, header("Retry-After", "30"), webhook.Throttled, 30 * time.Second},
		{"500 with Retry-After", 500, header("Retry-After", "30"), webhook.Failed, 0},
		{"disable", 200, header("Webhook-Delivery", " Disable "), webhook.Stopped, 0},
		{"abort", 400, header("Webhook-Delivery", "abort-message"), webhook.Aborted, 0},
		{"abort, yet accepted", 200, header("Webhook-Delivery", "abort-message"), webhook.Accepted, 0},
		{"another directive", 500, header("Webhook-Delivery", "later"), webhook.Failed, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			if outcome, wait := judge(c.status, c.header, noon); outcome != c.outcome || wait != c.wait {
				t.Errorf("got %s %v, want %s %v", outcome, wait, c.outcome, c.wait)
			}
		})
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{"0", "120", "-1", "1e9", "Tue, 03 Nov 2026 13:00:00 GMT", "99999999999999999999", " 7 ", "٣"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		wait, ok := retryAfter(value, noon)
		if wait < 0 || wait > throttleMost || !ok && wait != 0 {
			t.Errorf("%q: %v, %t", value, wait, ok)
		}
	})
}

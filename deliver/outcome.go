package deliver

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// Bounds of how long a receiver can make its subscription wait.
const (
	throttleDefault = time.Minute    // 429 without a Retry-After that can be read
	throttleLeast   = time.Second    // or "Retry-After: 0" would be an endless loop
	throttleMost    = 24 * time.Hour // a longer Retry-After is cut to this
)

// judge says what an answer comes to, and for Throttled how long the
// subscription waits. It is the one table from answers to outcomes; the first
// line that fits decides:
//
//	no answer (any error, any timeout)          Failed
//	webhook-delivery: disable                   Stopped
//	2xx                                         Accepted
//	webhook-delivery: abort-message             Aborted
//	410                                         Stopped
//	429                                         Throttled: Retry-After, else one minute
//	502, 503, 504 with Retry-After              Throttled
//	everything else, redirects included         Failed
//
// The status decides as soon as it is there: an answer that breaks off or drips
// behind it is cut at the timeout, and 2xx is accepted all the same, because
// the receiver has said so. That we could not make the request is not an
// answer; it is Broken, and never comes here.
func judge(status int, h http.Header, now time.Time) (webhook.Outcome, time.Duration) {
	directive := strings.ToLower(strings.TrimSpace(h.Get("Webhook-Delivery")))
	switch {
	case status == 0:
		return webhook.Failed, 0
	case directive == "disable":
		return webhook.Stopped, 0
	case status >= 200 && status < 300:
		return webhook.Accepted, 0
	case directive == "abort-message":
		return webhook.Aborted, 0
	case status == http.StatusGone:
		return webhook.Stopped, 0
	}
	switch status {
	case http.StatusTooManyRequests:
		wait, ok := retryAfter(h.Get("Retry-After"), now)
		if !ok {
			wait = throttleDefault
		}
		return webhook.Throttled, max(wait, throttleLeast)
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		if wait, ok := retryAfter(h.Get("Retry-After"), now); ok {
			return webhook.Throttled, max(wait, throttleLeast)
		}
	}
	return webhook.Failed, 0
}

// retryAfter reads a Retry-After (RFC 9110, 10.2.3): seconds or a date. The
// wait is between 0 and 24 h; ok is false if value is neither.
func retryAfter(value string, now time.Time) (wait time.Duration, ok bool) {
	value = strings.TrimSpace(value)
	if value == "" {
		return 0, false
	}
	if strings.Trim(value, "0123456789") == "" {
		seconds, err := strconv.ParseUint(value, 10, 32)
		if err != nil || seconds > uint64(throttleMost/time.Second) {
			return throttleMost, true
		}
		return time.Duration(seconds) * time.Second, true
	}
	date, err := http.ParseTime(value)
	if err != nil {
		return 0, false
	}
	return min(max(date.Sub(now), 0), throttleMost), true
}

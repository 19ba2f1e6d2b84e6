package capture_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sidehook/sidehook/caddymodule/capture"
	"github.com/sidehook/sidehook/webhook"
)

// What was kept of one call is kept of the next one only if that has the same.
func TestKeptHeaders(t *testing.T) {
	k := capture.NewHeaderKeeper("A", "B")
	for _, step := range []struct {
		h    http.Header
		want webhook.Header
	}{
		{http.Header{"C": {"1"}}, nil},
		{http.Header{"A": {"1"}, "C": {"2"}}, webhook.Header{"A": {"1"}}},
		{http.Header{"A": {"1"}}, webhook.Header{"A": {"1"}}},
		{http.Header{"A": {"1", "2"}}, webhook.Header{"A": {"1", "2"}}},
		{http.Header{"A": {"1", "2"}, "B": {"3"}}, webhook.Header{"A": {"1", "2"}, "B": {"3"}}},
		{http.Header{"A": {"1", "3"}, "B": {"3"}}, webhook.Header{"A": {"1", "3"}, "B": {"3"}}},
		{http.Header{"B": {"3"}}, webhook.Header{"B": {"3"}}},
		{http.Header{"B": {}}, nil},
		{http.Header{}, nil},
	} {
		got := k.Keep(step.h)
		for _, values := range step.h {
			for i := range values {
				values[i] = "changed"
			}
		}
		if diff := cmp.Diff(step.want, got); diff != "" {
			t.Errorf("want(-) got(+):\n%s", diff)
		}
	}
}

// Calls with the same fields cost one copy.
func TestTheSameHeaderIsKeptOnce(t *testing.T) {
	k := capture.NewHeaderKeeper("Content-Type", "Location")
	h := http.Header{"Content-Type": {"application/json"}, "Date": {"today"}}
	if n := testing.AllocsPerRun(100, func() { k.Keep(h) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

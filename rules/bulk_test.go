package rules_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// list returns a JSON array of so many objects made by format from their index.
func list(n int, format string) []byte {
	var b strings.Builder
	b.WriteByte('[')
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, format, i)
	}
	b.WriteByte(']')
	return []byte(b.String())
}

// A call about more than 10,000 things is one gap, and one about 10,000 takes no
// longer than it must, in whatever order its answer tells of them.
func TestListsAreBounded(t *testing.T) {
	p := compile(t, []byte(`{"resources": [{"name": "project", "path": "/p"}]}`))
	h := webhook.Header{"Content-Type": {"application/json"}}
	for n, want := range map[int]int{10_000: 10_000, 10_001: 0} {
		for _, method := range []string{"POST", "PATCH", "DELETE"} {
			x := &webhook.Exchange{
				Started: startOfTime, Ended: startOfTime,
				Request:  webhook.Request{Method: method, Path: "/p", Header: h, Body: webhook.Body{Bytes: list(n, `{"id":%d,"a":1}`)}},
				Response: webhook.Response{Status: 207, Header: h, Body: webhook.Body{Bytes: list(n, `{"ref":1,"id":-%d,"status":200}`)}},
			}
			start := time.Now()
			plan := p.Plan(x)
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("%s of %d things took %v", method, n, took)
			}
			if got := len(plan.Subjects); got != want {
				t.Errorf("%s of %d things is about %d entities, want %d", method, n, got, want)
			}
			if tooLarge := plan.Gap != nil && plan.Gap.Reason == webhook.GapTooLarge; tooLarge != (n > want) {
				t.Errorf("%s of %d things: gap %+v", method, n, plan.Gap)
			}
		}
	}
}

package rules_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sidehook/sidehook/rules"
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

// A call about more than 10,000 things is one gap, in whatever order its answer
// tells of them.
func TestListsAreBounded(t *testing.T) {
	plain := compile(t, []byte(`{"resources": [{"name": "project", "path": "/p"}]}`))
	told := compile(t, []byte(`{"resources": [{"name": "project", "path": "/p", "on": [{"method": "PUT", "path": "/p", "each": "request.body"}]}]}`))
	for n, want := range map[int]int{10_000: 10_000, 10_001: 0} {
		for method, p := range map[string]*rules.Program{"POST": plain, "PATCH": plain, "DELETE": plain, "PUT": told} {
			plan := p.Plan(disordered(method, n))
			if got := len(plan.Subjects); got != want {
				t.Errorf("%s of %d things is about %d entities, want %d", method, n, got, want)
			}
			if tooLarge := plan.Gap != nil && plan.Gap.Reason == webhook.GapTooLarge; tooLarge != (n > want) {
				t.Errorf("%s of %d things: gap %+v", method, n, plan.Gap)
			}
		}
	}
}

// BenchmarkLists shows that each thing of a long list costs what each of a short
// one does, though the answer does not tell of them in their order.
func BenchmarkLists(b *testing.B) {
	p := compile(b, []byte(`{"resources": [{"name": "project", "path": "/p"}]}`))
	for _, method := range []string{"POST", "PATCH", "DELETE"} {
		for _, n := range []int{400, 10_000} {
			x := disordered(method, n)
			b.Run(fmt.Sprintf("%s/%d", method, n), func(b *testing.B) {
				for b.Loop() {
					p.Plan(x)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/thing")
			})
		}
	}
}

// disordered is a call about n things whose answer names others, which none of
// those asked for can be paired with.
func disordered(method string, n int) *webhook.Exchange {
	h := webhook.Header{"Content-Type": {"application/json"}}
	return &webhook.Exchange{
		Started: startOfTime, Ended: startOfTime,
		Request:  webhook.Request{Method: method, Path: "/p", Header: h, Body: webhook.Body{Bytes: list(n, `{"id":%d,"a":1}`)}},
		Response: webhook.Response{Status: 207, Header: h, Body: webhook.Body{Bytes: list(n, `{"ref":1,"id":-%d,"status":200}`)}},
	}
}

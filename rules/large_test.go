package rules_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// TestLargeBodiesStayLinear sends bodies of 512 KiB with as many fields as fit:
// whoever may write must not be able to stall the lanes.
func TestLargeBodiesStayLinear(t *testing.T) {
	p := compile(t, []byte(`{"resources": [{"name": "project", "path": "/p", "ignore": ["x", "y.**"],
		"emit": [{"scope": "project.a", "when": "changed(\"a1\")"}]}]}`))
	wide := func(name string) []byte {
		var b strings.Builder
		b.WriteString(`{"id":1`)
		for i := 0; b.Len() < 1<<19; i++ {
			fmt.Fprintf(&b, `,"%s%d":%d`, name, i, i)
		}
		return []byte(b.String() + "}")
	}
	h := webhook.Header{"Content-Type": {"application/json"}}
	for _, method := range []string{"PUT", "PATCH"} {
		for _, status := range []int{200, 204} {
			x := &webhook.Exchange{
				Started: startOfTime, Ended: startOfTime,
				Request:  webhook.Request{Method: method, Path: "/p/1", Header: h, Body: webhook.Body{Bytes: wide("a")}},
				Response: webhook.Response{Status: status, Header: h},
			}
			if status == 200 {
				x.Response.Body.Bytes = wide("b")
			}
			began := time.Now()
			plan := p.Plan(x)
			before := webhook.Snapshot{Key: plan.Subjects[0].Key, Sequence: 1, Body: wide("c"), Seen: startOfTime, Unknown: []string{"c7"}}
			if _, err := p.Derive(x, plan, []webhook.Snapshot{before}, nil); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); took > 30*time.Second {
				t.Errorf("%s %d took %v", method, status, took)
			}
		}
	}
}

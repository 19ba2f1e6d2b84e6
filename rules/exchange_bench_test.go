package rules_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// BenchmarkExchange does what one captured call costs the rules: a look at its
// answer, a plan, what comes of it, and who wants that.
func BenchmarkExchange(b *testing.B) {
	p := compile(b, []byte(`{"resources": [{"name": "item", "path": "/items"}]}`))
	subscribers := func(subs ...*webhook.Subscription) *rules.Subscribers {
		s, err := rules.NewSubscribers(subs, nil)
		if err != nil {
			b.Fatal(err)
		}
		return s
	}
	nobody := subscribers()
	one := subscribers(&webhook.Subscription{ID: "crm", Static: true, Tenant: webhook.AnyTenant, Scopes: []webhook.Pattern{"item.**"}})
	for _, size := range []struct {
		name  string
		bytes int
	}{{"250B", 250}, {"1KB", 1 << 10}, {"10KB", 10 << 10}} {
		for _, call := range []string{"create", "update", "delete"} {
			x, before := benchExchange(call, size.bytes)
			for _, who := range []struct {
				name string
				s    *rules.Subscribers
			}{{"none", nobody}, {"one", one}} {
				b.Run(size.name+"/"+call+"/"+who.name, func(b *testing.B) { benchmarkExchange(b, p, x, before, who.s) })
			}
		}
	}
}

func benchmarkExchange(b *testing.B, p *rules.Program, x *webhook.Exchange, before webhook.Snapshot, s *rules.Subscribers) {
	m := p.Match(x.Request.Method, x.Request.Path)
	b.ReportAllocs()
	for b.Loop() {
		if !m.AnswerTells(x, nil) {
			b.Fatal("the answer does not tell")
		}
		plan := p.Plan(x)
		before.Key = plan.Subjects[0].Key
		d, err := p.Derive(x, plan, []webhook.Snapshot{before}, nil)
		if err != nil || len(d.Events) != 1 {
			b.Fatal(d, err)
		}
		if _, err := s.Want(&d.Events[0]); err != nil {
			b.Fatal(err)
		}
	}
}

// benchExchange returns a call about an item of about size bytes, and the
// snapshot before it, which differs in one field.
func benchExchange(call string, size int) (*webhook.Exchange, webhook.Snapshot) {
	answer := benchItem("paid", size)
	x := &webhook.Exchange{
		ID: webhook.ExchangeID{15: 1}, Started: startOfTime, Ended: startOfTime.Add(time.Millisecond),
		Request:  webhook.Request{Method: "PATCH", Path: "/items/item-17", Header: asJSON(), ID: "a-request-1", Body: webhook.Body{Bytes: []byte(`{"status":"paid"}`)}},
		Response: webhook.Response{Status: 200, Header: asJSON(), Body: webhook.Body{Bytes: answer}},
	}
	before := webhook.Snapshot{Sequence: 1, Body: benchItem("open", size), Seen: startOfTime, Via: webhook.FromResponse, View: "answer"}
	switch call {
	case "create":
		x.Request.Method, x.Request.Path, x.Response.Status = "POST", "/items", 201
		x.Request.Body.Bytes = []byte(`{"status":"paid","count":3,"owner":{"name":"Ada"}}`)
		before = webhook.Snapshot{}
	case "delete":
		x.Request.Method, x.Response.Status = "DELETE", 204
		x.Request.Body, x.Response = webhook.Body{}, webhook.Response{Status: 204}
	}
	return x, before
}

func asJSON() webhook.Header { return webhook.Header{"Content-Type": {"application/json"}} }

// benchItem is an item as APIs show them: short fields, an object, an array.
func benchItem(status string, size int) []byte {
	var s strings.Builder
	fmt.Fprintf(&s, `{"id":"item-17","status":%q,"count":3,"price":12.50,"owner":{"name":"Ada","email":"ada@example.com"},`+
		`"tags":["a","b"],"updated_at":"2026-11-21T12:00:00Z"`, status)
	for i := 0; s.Len() < size-40; i++ {
		fmt.Fprintf(&s, `,"field_number_%d":"some value of it %d"`, i, i)
	}
	return []byte(s.String() + "}")
}

// An ordinary call must not become dear unnoticed.
func TestExchangeAllocatesLittle(t *testing.T) {
	p := compile(t, []byte(`{"resources": [{"name": "item", "path": "/items"}]}`))
	x, before := benchExchange("update", 1<<10)
	n := testing.AllocsPerRun(100, func() {
		plan := p.Plan(x)
		before.Key = plan.Subjects[0].Key
		if d, err := p.Derive(x, plan, []webhook.Snapshot{before}, nil); err != nil || len(d.Events) != 1 {
			t.Fatal(d, err)
		}
	})
	if n > 40 {
		t.Errorf("%v allocations", n)
	}
}

// What is derived outlives the exchange: it must not refer to its bytes, nor to
// those of the snapshot, which would be kept with it.
func TestWhatIsDerivedIsCopied(t *testing.T) {
	p := compile(t, []byte(`{"resources": [{"name": "item", "path": "/items", "version": "updated_at",
		"emit": [{"scope": "item.paid", "when": "changed(\"status\")", "related": [{"name": "owner", "expr": "after.owner.name"}]}]}]}`))
	for _, call := range []string{"create", "update", "delete"} {
		derive := func() (rules.Derived, *webhook.Exchange, webhook.Snapshot) {
			x, before := benchExchange(call, 400)
			x.Response.Body.Bytes = bytes.Replace(x.Response.Body.Bytes, []byte(`"count":3`), []byte(`"count":4,"o":{"n":[1]}`), 1)
			plan := p.Plan(x)
			before.Key = plan.Subjects[0].Key
			d, err := p.Derive(x, plan, []webhook.Snapshot{before}, nil)
			if err != nil || len(d.Events) == 0 {
				t.Fatal(d, err)
			}
			return d, x, before
		}
		want, _, _ := derive()
		got, x, before := derive()
		for _, b := range [][]byte{x.Request.Body.Bytes, x.Response.Body.Bytes, before.Body} {
			for i := range b {
				b[i] = '!'
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: what was derived changed with the bodies:\n%s", call, diff)
		}
	}
}

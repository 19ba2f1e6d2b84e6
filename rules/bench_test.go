package rules_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

func BenchmarkMatchMiss(b *testing.B) {
	p := compile(b, []byte(shop))
	b.ReportAllocs()
	for b.Loop() {
		if p.Match("PATCH", "/api/projects/5/members/7") != nil {
			b.Fatal("matched")
		}
	}
}

func BenchmarkMatch(b *testing.B) {
	p := compile(b, []byte(shop))
	b.ReportAllocs()
	for b.Loop() {
		p.Match("PATCH", "/api/projects/5")
	}
}

// BenchmarkDerive plans and derives a PATCH of an entity of 1 KB.
func BenchmarkDerive(b *testing.B) {
	b.Run("plain scopes", func(b *testing.B) { benchmarkDerive(b, "") })
	b.Run("three rules", func(b *testing.B) {
		benchmarkDerive(b, `, "ignore": ["updated_at"], "emit": [{"scope": "project.status", "when": "changed(\"status\")"},
			{"scope": "project.over", "when": "crossed_up(\"n\", 10)"}, {"scope": "project.paid", "when": "became(\"status\", \"paid\")"}]`)
	})
}

func benchmarkDerive(b *testing.B, more string) {
	p := compile(b, []byte(`{"resources": [{"name": "project", "path": "/p"`+more+`}]}`))
	entity := func(status string) []byte {
		var s strings.Builder
		fmt.Fprintf(&s, `{"id":1,"status":%q,"n":5,"updated_at":"2026-11-21T12:00:00Z"`, status)
		for i := range 24 {
			fmt.Fprintf(&s, `,"field_number_%d":"some value of it %d"`, i, i)
		}
		return []byte(s.String() + "}")
	}
	h := webhook.Header{"Content-Type": {"application/json"}}
	x := &webhook.Exchange{
		Started: startOfTime, Ended: startOfTime.Add(time.Millisecond),
		Request:  webhook.Request{Method: "PATCH", Path: "/p/1", Header: h, Body: webhook.Body{Bytes: []byte(`{"status":"paid"}`)}},
		Response: webhook.Response{Status: 200, Header: h, Body: webhook.Body{Bytes: entity("paid")}},
	}
	before := []webhook.Snapshot{{
		Key: webhook.EntityKey{API: "default", Resource: "project", ID: "1"}, Sequence: 1, Body: entity("open"), Seen: startOfTime, View: "answer",
	}}
	b.ReportAllocs()
	b.SetBytes(int64(len(x.Response.Body.Bytes)))
	for b.Loop() {
		d, err := p.Derive(x, p.Plan(x), before, nil)
		if err != nil || len(d.Events) == 0 || len(d.Events[0].Changes) != 1 {
			b.Fatal(d, err)
		}
	}
}

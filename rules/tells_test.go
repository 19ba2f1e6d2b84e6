package rules_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// told are configurations, each with another way to find the entity.
var told = []string{
	`{"resources": [{"name": "project", "path": "/p", "on": [
		{"method": "POST", "path": "bulk", "operation": "create", "each": "response.body.items"},
		{"method": "POST", "path": "{id}/close"}, {"method": "PUT", "path": "{id}", "operation": "upsert"},
		{"method": "PUT", "path": "found", "id": "request.body.id"}]}],
		"on": [{"method": "POST", "path": "/p/ping", "emit": [{"scope": "ping.sent"}]}]}`,
	`{"resources": [{"name": "p", "path": "/p", "singular": true}]}`,
	`{"resources": [{"name": "project", "path": "/p", "after": "response"}]}`,
	`{"resources": [{"name": "project", "path": "/p", "after": "request"}]}`,
	`{"resources": [{"name": "project", "path": "/p", "after": "fetch"}]}`,
	`{"resources": [{"name": "project", "path": "/p", "entity": "data"}]}`,
	`{"resources": [{"name": "project", "path": "/p", "id": "key"}]}`,
	`{"resources": [{"name": "project", "path": "/p", "success": "response.body.ok != false"}]}`,
	`{"resources": [{"name": "project", "path": "/p", "redact": ["name"]}]}`,
	`{"resources": [{"name": "project", "path": "/p", "item": "{key}"}]}`,
	`{"resources": [{"name": "project", "path": "/p"}], "override": {"header": "X-HTTP-Method-Override"}}`,
}

// toldCalls are the calls that may be made to them.
var toldCalls = [][2]string{
	{"POST", "/p"}, {"PUT", "/p/1"}, {"PATCH", "/p/1"}, {"DELETE", "/p/1"}, {"POST", "/p/bulk"}, {"POST", "/p/1/close"},
	{"POST", "/p/ping"}, {"PUT", "/p"}, {"PUT", "/p/found"}, {"PATCH", "/p"},
}

func toldPrograms(t testing.TB) (programs []*rules.Program) {
	for _, config := range told {
		programs = append(programs, compile(t, []byte(config)))
	}
	return programs
}

// answered returns an exchange of the call, with more header fields "Name: value".
func answered(call [2]string, status int, mediaType, answer string, more ...string) *webhook.Exchange {
	h := webhook.Header{"Content-Type": {mediaType}}
	for _, field := range more {
		name, value, _ := strings.Cut(field, ": ")
		h[name] = []string{value}
	}
	return &webhook.Exchange{
		Started: startOfTime, Ended: startOfTime.Add(time.Second),
		Request: webhook.Request{Method: call[0], Path: call[1], Header: webhook.Header{"Content-Type": {"application/json"}},
			Body: webhook.Body{Bytes: []byte(`{"id":"1","name":"a","gone":2}`)}},
		Response: webhook.Response{Status: status, Header: h, Body: webhook.Body{Bytes: []byte(answer)}},
	}
}

const whole = `{"id":"1","name":"a","b":[{}],"c":null,"d":"x"}`

// What is plain is told without a plan; what is not is left to the plan.
func TestAnswerTells(t *testing.T) {
	const asJSON = "application/json"
	programs := toldPrograms(t)
	for _, test := range []struct {
		program, call int
		x             *webhook.Exchange
		want          bool
	}{
		{0, 2, answered(toldCalls[2], 200, asJSON, whole), true},
		{0, 1, answered(toldCalls[1], 200, asJSON, ` `+strings.Replace(whole, `"1"`, `1`, 1)+"\n"), true},
		{0, 1, answered(toldCalls[1], 200, asJSON, `{"id":"1","name":"a","gone":2}`), false},
		{0, 0, answered(toldCalls[0], 201, asJSON+"; charset=utf-8", whole, "Location: /p/1"), true},
		{0, 3, answered(toldCalls[3], 204, "", ""), true},
		{0, 5, answered(toldCalls[5], 200, asJSON, whole), false},
		{0, 6, answered(toldCalls[6], 500, asJSON, ""), true},
		{1, 7, answered(toldCalls[7], 200, asJSON, whole), true},
		{2, 2, answered(toldCalls[2], 204, "", ""), true},
		{0, 3, answered(toldCalls[3], 202, "", ""), false},
		{0, 2, answered(toldCalls[2], 204, "", ""), false},
		{0, 2, answered(toldCalls[2], 200, asJSON, `{"id":"1","a":1,"b":2,"c":3}`), false},
		{0, 2, answered(toldCalls[2], 200, asJSON, strings.Replace(whole, "name", "a", 1)), false},
		{0, 2, answered(toldCalls[2], 200, asJSON, strings.Replace(whole, `"d"`, `"updated_at"`, 1)), false},
		{0, 2, answered(toldCalls[2], 200, asJSON, `{"id":"1","a":1,"b":2,"c":3,"a":4}`), false},
		{0, 2, answered(toldCalls[2], 200, asJSON, strings.Replace(whole, `"1"`, `"2"`, 1)), false},
		{0, 2, answered(toldCalls[2], 200, asJSON, whole[:len(whole)-1]), false},
		{0, 2, answered(toldCalls[2], 200, asJSON, whole+"{"), false},
		{0, 2, answered(toldCalls[2], 200, asJSON, "["+whole+"]"), false},
		{0, 2, answered(toldCalls[2], 200, asJSON, `{"data":{},`+whole[1:]), false},
		{0, 2, answered(toldCalls[2], 200, asJSON, whole, "Content-Encoding: gzip"), false},
		{0, 2, answered(toldCalls[2], 200, asJSON, whole, "Content-Location: /p/2"), false},
		{0, 2, answered(toldCalls[2], 200, asJSON, whole, "Preference-Applied: return=minimal"), false},
		{4, 2, answered(toldCalls[2], 200, asJSON, whole), false},
		{7, 2, answered(toldCalls[2], 200, asJSON, whole), false},
		{8, 2, answered(toldCalls[2], 200, asJSON, whole), false},
		{10, 0, answered(toldCalls[0], 201, asJSON, whole), false},
		{0, 0, answered(toldCalls[0], 201, asJSON, whole, "Location: /p/7"), false},
		{0, 0, answered(toldCalls[0], 201, asJSON, strings.Replace(whole, `"1"`, `0`, 1)), false},
		{0, 2, answered(toldCalls[2], 200, asJSON, strings.Replace(whole, `"name":"a"`, `"name":"b"`, 1)), false},
		{0, 2, answered(toldCalls[2], 200, asJSON, `{"error":"no",`+whole[1:]), false},
		{0, 0, answered(toldCalls[0], 200, asJSON, `{"created":false,`+whole[1:]), false},
	} {
		p := programs[test.program]
		x, call := test.x, toldCalls[test.call]
		name := fmt.Sprintf("%s by configuration %d: %d %.40s %v", call, test.program, x.Response.Status, x.Response.Body.Bytes, x.Response.Header)
		if got := p.Match(call[0], call[1]).AnswerTells(x); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
		tellsTrue(t, p, x)
	}
}

// tellsTrue checks what AnswerTells promises.
func tellsTrue(t *testing.T, p *rules.Program, x *webhook.Exchange) {
	t.Helper()
	m := p.Match(x.Request.Method, x.Request.Path)
	if m == nil || !m.AnswerTells(x) {
		return
	}
	plan := p.Plan(x)
	if len(plan.Subjects) > 1 {
		t.Fatalf("%d subjects", len(plan.Subjects))
	}
	for _, s := range plan.Subjects {
		if s.Fetch != "" {
			t.Fatalf("told, and yet there is %s to fetch:\n%s %s → %d %v %q", s.Fetch,
				x.Request.Method, x.Request.Path, x.Response.Status, x.Response.Header, x.Response.Body.Bytes)
		}
	}
}

// fuzzedRequests are what calls of the fuzz test send; "" is the usual.
var fuzzedRequests = [4]string{"", `{"a":null,"b":1}`, `{"\u0061":2,"id":1}`, `{"project":{"a":1}}`}

// FuzzAnswerTells holds AnswerTells against Plan.
func FuzzAnswerTells(f *testing.F) {
	programs := toldPrograms(f)
	seeds := []string{
		whole, `{"ok":true,"id":"1"}`, `{"data":` + whole + `}`, `{"data":{"type":"p","id":"1","attributes":{}},` + whole[1:],
		`{"project":` + whole + `,"a":1,"b":1,"c":1,"d":1}`, `{"p":{"a":1},"a":1,"b":1,"c":1,"d":1}`, `{"id":1,"id":2,"a":1,"b":1,"c":1,"d":1}`,
		`{"\u0069d":"1","a":1,"b":1,"c":1,"d":1}`, `{"id":"\u0031","a":1,"b":1,"c":1,"d":1}`, `{"id":01,"a":1,"b":1,"c":1,"d":1}`,
		`{"id":1,"a":1.,"b":1,"c":1,"d":1}`, `{"id":1,"a":"` + "\n" + `","b":1,"c":1,"d":1}`, `{"id":1,"a":"\x","b":1,"c":1,"d":1}`,
		`{"_id":"1","uuid":"2","id":"3","a":1,"b":1,"c":1,"d":1,"e":[1,{"f":tru}]}`, "\ufeff" + whole, whole + "\x00",
		`{"id":"1","a":1,"b":1,"c":1,"d":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`,
		`{"id":"1","a":1,"b":1,"c":1,"d":` + strings.Repeat("[", 199) + strings.Repeat("]", 199) + `}`,
		`{"_links":{"self":{"href":"/p/1"}},"a":1,"b":1,"c":1,"d":1}`, `{"id":"","_id":1e5,"a":-0.5e-7,"b":1,"c":1,"d":1}`, "",
	}
	seeds = append(seeds, `{"id":"1","name":"a","gone":2,"b":1,"a":null}`)
	for _, answer := range seeds {
		for how := range uint16(len(told) * len(toldCalls)) {
			f.Add(how, uint8(0), "application/json", "", answer, uint16(200))
		}
		for more := range uint8(3) {
			f.Add(uint16(2), (more+1)<<6, "application/json", "", answer, uint16(200))
		}
		f.Add(uint16(2), uint8(2), "application/json", "", answer, uint16(202))
		f.Add(uint16(2), uint8(1), "application/x-www-form-urlencoded", "fields=a", answer, uint16(201))
		f.Add(uint16(0), uint8(8), "application/vnd.api+json", "", answer, uint16(204))
	}
	f.Fuzz(func(t *testing.T, how uint16, more uint8, mediaType, query, answer string, status uint16) {
		p, call := programs[int(how)/len(toldCalls)%len(programs)], toldCalls[int(how)%len(toldCalls)]
		var header []string
		for i, field := range []string{"Content-Location: /p/2", "Preference-Applied: return=minimal", "Content-Encoding: gzip", "Location: /p/7"} {
			if more&(4<<i) != 0 {
				header = append(header, field)
			}
		}
		x := answered(call, int(status), mediaType, answer, header...)
		x.Ending, x.Request.Query = webhook.Ending(more&3), query
		if body := fuzzedRequests[more>>6]; body != "" {
			x.Request.Body.Bytes = []byte(body)
		}
		tellsTrue(t, p, x)
	})
}

// A look at the answer costs no allocation.
func TestAnswerTellsAllocatesNothing(t *testing.T) {
	p := toldPrograms(t)[0]
	x := answered(toldCalls[2], 200, "application/json", whole)
	m := p.Match("PATCH", "/p/1")
	if n := testing.AllocsPerRun(100, func() { m.AnswerTells(x) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkAnswerTells compares a look with a plan.
func BenchmarkAnswerTells(b *testing.B) {
	p := toldPrograms(b)[0]
	answer := `{"id":"1","name":"a"`
	for i := range 25 {
		answer += fmt.Sprintf(`,"field_%d":"some value of a field, not long"`, i)
	}
	x := answered(toldCalls[2], 200, "application/json", answer+"}")
	m := p.Match("PATCH", "/p/1")
	b.Run("look", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if !m.AnswerTells(x) {
				b.Fatal("not told")
			}
		}
	})
	b.Run("plan", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			p.Plan(x)
		}
	})
}

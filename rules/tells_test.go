package rules_test

import (
	"encoding/json"
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
		if got := p.Match(call[0], call[1]).AnswerTells(x, recalls("")); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
		tellsTrue(t, p, x)
	}
}

// recalls is a store that knows body of everything; "": nothing.
func recalls(body string) rules.Recall {
	return func(key webhook.EntityKey) (webhook.Snapshot, bool) {
		return webhook.Snapshot{Key: key, Body: []byte(body), Seen: startOfTime, Via: webhook.FromResponse}, body != ""
	}
}

// tellsTrue checks what AnswerTells promises, whatever is known.
func tellsTrue(t *testing.T, p *rules.Program, x *webhook.Exchange) {
	t.Helper()
	for _, known := range []string{"", whole, `{"id":"1","o":{"a":1,"b":2}}`, string(x.Response.Body.Bytes)} {
		if known == "" || json.Valid([]byte(known)) {
			tellsTrueOf(t, p, x, recalls(known))
		}
	}
}

func tellsTrueOf(t *testing.T, p *rules.Program, x *webhook.Exchange, snapshot rules.Recall) {
	t.Helper()
	m := p.Match(x.Request.Method, x.Request.Path)
	if m == nil || !m.AnswerTells(x, snapshot) {
		return
	}
	plan := p.Plan(x)
	if len(plan.Subjects) > 1 {
		t.Fatalf("%d subjects", len(plan.Subjects))
	}
	for i, s := range plan.Subjects {
		if s.Fetch != "" && !plan.AnswerTells(i, snapshot) {
			t.Fatalf("told, and yet there is %s to fetch:\n%s %s → %d %v %q", s.Fetch,
				x.Request.Method, x.Request.Path, x.Response.Status, x.Response.Header, x.Response.Body.Bytes)
		}
	}
}

// fuzzedRequests are what calls of the fuzz test send; "" is the usual.
var fuzzedRequests = [8]string{
	"", `{"a":null,"b":1}`, `{"\u0061":2,"id":1}`, `{"project":{"a":1}}`,
	`{"o":{"a":1},"b":1}`, `{"o":{"a":1,"b":{"c":1}}}`, `{"o":{"__op":1}}`, `{"o":{},"d":{"e":1}}`,
}

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
		`{"id":1,"o":{"a":1},"b":1,"c":1,"d":{"e":{}}}`, `{"id":1,"o":{"a":1,"b":2},"b":1,"c":1,"d":{"e":{}}}`, `{"id":1,"o":{"a":1},"b":1,"c":1,"d":{"e":1},"d":2}`,
		`{"_links":{"self":{"href":"/p/1"}},"a":1,"b":1,"c":1,"d":1}`, `{"id":"","_id":1e5,"a":-0.5e-7,"b":1,"c":1,"d":1}`, "",
	}
	seeds = append(seeds, `{"id":"1","name":"a","gone":2,"b":1,"a":null}`)
	for _, answer := range seeds {
		for how := range uint16(len(told) * len(toldCalls)) {
			f.Add(how, uint8(0), "application/json", "", answer, uint16(200))
		}
		for more := range uint8(4) {
			f.Add(uint16(2), more<<6, "application/json", "", answer, uint16(200))
			f.Add(uint16(2|1<<15), more<<6, "application/json", "", answer, uint16(200))
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
		if body := fuzzedRequests[int(more>>6)+4*int(how>>15)]; body != "" {
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
	if n := testing.AllocsPerRun(100, func() { m.AnswerTells(x, nil) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
	x.Request.Body.Bytes, x.Response.Body.Bytes = []byte(`{"o":{"a":1}}`), []byte(`{"o":{"a":1},`+whole[1:])
	known := recalls(string(x.Response.Body.Bytes))
	snap, _ := known(webhook.EntityKey{})
	if n := testing.AllocsPerRun(100, func() {
		if !m.AnswerTells(x, func(key webhook.EntityKey) (webhook.Snapshot, bool) { snap.Key = key; return snap, true }) {
			t.Error("not told")
		}
	}); n > 1 { // of [Match.Entity]
		t.Errorf("%v allocations", n)
	}
}

// An object that an answer shows as it was sent may have more in it, unless what is
// known of the entity says otherwise.
func TestAnswerTellsByWhatIsKnown(t *testing.T) {
	p := toldPrograms(t)[0]
	x := answered(toldCalls[2], 200, "application/json", `{"id":"1","o":{"a":1,"p":{"q":1}},"n":{"x":1},"name":"a","b":1}`)
	x.Request.Body.Bytes = []byte(`{"o":{"a":1,"p":{"q":1}}}`)
	m := p.Match("PATCH", "/p/1")
	for known, want := range map[string]bool{
		"": false,
		`{"id":"1","o":{"a":0,"p":{"q":0}},"n":{},"name":"b"}`:      false, // an empty object takes more than a scan
		`{"id":"1","o":{"a":0,"p":{"q":0}},"n":{"x":2},"name":"b"}`: true,
		`{"id":"1","name":"b","o":{"p":{"q":0}}}`:                   true,
		`{"id":"1","o":null,"name":{"first":"b"}}`:                  true, // another kind of value is another value
		`{"id":"1","o":{"a":0,"c":1}}`:                              false,
		`{"id":"1","o":{"a":0,"p":{"r":0}}}`:                        false,
		`{"id":"1","n":{"x":2,"y":2}}`:                              false,
		`{"id":"1","more":1}`:                                       false,
		`{"id":"1","\u006f":{"a":0}}`:                               false,
	} {
		if got := m.AnswerTells(x, recalls(known)); got != want {
			t.Errorf("known %s: %v", known, got)
		}
		tellsTrueOf(t, p, x, recalls(known))
	}
	x.Response.Body.Bytes = []byte(`{"id":"1","o":{"a":1,"p":{"q":1}},"n":{"x":1,"y":1},"n":{"x":1},"name":"a","b":1}`)
	if m.AnswerTells(x, recalls(`{"id":"1","n":{"x":2,"y":2}}`)) {
		t.Error("told by the first of two of one name, and the last counts")
	}
	x.Response.Body.Bytes = []byte(`{"id":"1","o":{"a":1,"p":{"q":1}},"n":{"x":1},"name":"a","b":1}`)
	for name, doubt := range map[string]func(*webhook.Snapshot){
		"concurrent": func(s *webhook.Snapshot) { s.Concurrent = true },
		"stale":      func(s *webhook.Snapshot) { s.Stale = startOfTime },
		"deleted":    func(s *webhook.Snapshot) { s.Deleted, s.Body = true, nil },
		"alias":      func(s *webhook.Snapshot) { s.Alias = "2" },
		"another":    func(s *webhook.Snapshot) { s.Key.ID = "2" },
	} {
		if m.AnswerTells(x, func(key webhook.EntityKey) (webhook.Snapshot, bool) {
			snap, ok := recalls(`{"id":"1","name":"b"}`)(key)
			doubt(&snap)
			return snap, ok
		}) {
			t.Errorf("%s: told", name)
		}
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
			if !m.AnswerTells(x, nil) {
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

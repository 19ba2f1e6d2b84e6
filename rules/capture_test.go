package rules_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

const shop = `{
	"resources": [
		{"name": "project", "path": "/api/projects", "redact": ["password"],
		 "on": [{"method": "POST", "path": "{id}/void"}, {"method": "PUT", "path": "{id}", "operation": "upsert"},
		        {"method": "POST", "path": "{id}.json"}, {"method": "POST", "path": "mine"}]},
		{"name": "task", "path": "/api/projects/{project}/tasks",
		 "emit": [{"scope": "task.done", "when": "became(\"done\", true) && request.header[\"x-space-id\"] == \"s\""}]},
		{"name": "note", "path": "/api/notes", "success": "response.header[\"x-result\"] == \"ok\"", "before": "fetch"}
	],
	"actor": "{http.auth.user.id}"
}`

func TestMatch(t *testing.T) {
	p := compile(t, []byte(shop))
	for _, c := range []struct{ method, path, want string }{
		{"POST", "/api/projects", "create project"},
		{"POST", "/api/projects/", "create project"},
		{"GET", "/api/projects", ""},
		{"POST", "/api/projects/5", ""},
		{"PATCH", "/api/projects/5", "update project project/5 /api/projects/5"},
		{"PATCH", "/api/projects/a%2Fb", "update project project/a/b /api/projects/a%2Fb"},
		{"PATCH", "/api/pro%6Aects/5", "update project project/5 /api/projects/5"},
		{"PATCH", "/api/projects//", ""},
		{"PATCH", "/api//projects/5", ""},
		{"PATCH", "/api/projects/5/x", ""},
		{"PATCH", "api/projects/5", ""},
		{"PUT", "/api/projects/5", "upsert project project/5 /api/projects/5 before"},
		{"DELETE", "/api/projects/5", "delete project project/5 /api/projects/5 before"},
		{"POST", "/api/projects/5/void", "update project project/5 /api/projects/5"},
		{"POST", "/api/projects/5.json", "update project project/5 /api/projects/5"},
		{"POST", "/api/projects/mine", "update project"},
		{"PATCH", "/api/projects/9/tasks/1", "update task task/1 /api/projects/9/tasks/1 before"},
		{"POST", "/api/projects/9/tasks", "create task"},
		{"PATCH", "/api/notes/1", "update note note/1 /api/notes/1 before"},
	} {
		t.Run(c.method+" "+c.path, func(t *testing.T) {
			if got := describe(p.Match(c.method, c.path)); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func describe(m *rules.Match) string {
	if m == nil {
		return ""
	}
	words := []string{string(m.Kind()), m.Resource()}
	if key, ok := m.Entity(&webhook.Request{}, nil); ok {
		path, _ := m.ItemPath("")
		words = append(words, key.String(), path)
	}
	if m.WantsBefore() {
		words = append(words, "before")
	}
	return strings.Join(words, " ")
}

func TestMatchMissAllocatesNothing(t *testing.T) {
	p := compile(t, []byte(shop))
	for _, path := range []string{"/", "/api/other/5", "/api/projects/5/x/y/z", "/%61pi/%zz/5", "/static/app.js"} {
		if n := testing.AllocsPerRun(100, func() { p.Match("PATCH", path) }); n > 0 {
			t.Errorf("%s: %v allocations", path, n)
		}
	}
}

func TestMaySucceed(t *testing.T) {
	p := compile(t, []byte(shop))
	plain, judged := p.Match("PATCH", "/api/projects/5"), p.Match("PATCH", "/api/notes/5")
	for status, want := range map[int][2]bool{
		101: {false, false}, 200: {true, true}, 294: {true, true}, 303: {false, true}, 400: {false, false}, 500: {false, false},
	} {
		if got := [2]bool{plain.MaySucceed(status), judged.MaySucceed(status)}; got != want {
			t.Errorf("%d: got %v, want %v", status, got, want)
		}
	}
}

func TestWhatACaptureKeeps(t *testing.T) {
	p := compile(t, []byte(shop))
	has := func(list []string, name string) bool {
		return strings.Contains(" "+strings.Join(list, " ")+" ", " "+name+" ")
	}
	for _, name := range []string{"X-Space-Id", "Content-Type", "If-Match", "Idempotency-Key", "X-Api-Version", "Accept-Language", "X-Fields"} {
		if !has(p.RequestHeaders(), name) {
			t.Errorf("request header %s is not kept", name)
		}
	}
	for _, name := range []string{"X-Result", "Location", "Etag", "Preference-Applied"} {
		if !has(p.ResponseHeaders(), name) {
			t.Errorf("response header %s is not kept", name)
		}
	}
	if diff := cmp.Diff([]string{"http.auth.user.id"}, p.Placeholders()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"note", "project", "task"}, p.Resources()); diff != "" {
		t.Error(diff)
	}
}

func TestResourcesLeavesOutNamesOfThePath(t *testing.T) {
	p := compile(t, []byte(`{"resources": [{"name": "{kind}", "path": "/items/{kind}"}, {"name": "project", "path": "/projects"}],
		"on": [{"method": "POST", "path": "/ping/{kind}", "scope": "ping.{kind}.done"}, {"method": "POST", "path": "/mail", "emit": [{"scope": "mail.opened"}]}]}`))
	if diff := cmp.Diff([]string{"mail", "project"}, p.Resources()); diff != "" {
		t.Error(diff)
	}
}

func TestScopesTellTheDescriptionOfAPlainScope(t *testing.T) {
	p := compile(t, []byte(`{"resources": [{"name": "project", "path": "/projects", "on": [
		{"method": "POST", "path": "{id}/touch"}, {"method": "POST", "path": "{id}/void", "description": "its state changed"}]}]}`))
	for _, s := range p.Scopes() {
		if s.Name == "project.updated" && s.Description == "its state changed" {
			return
		}
	}
	t.Errorf("got %+v", p.Scopes())
}

func TestEarns(t *testing.T) {
	p := compile(t, []byte(`{"resources": [{"name": "{kind}", "path": "/items/{kind}"},
		{"name": "project", "path": "/projects", "deleted": "none", "emit": [{"scope": "project.a.b"}]}]}`))
	for pattern, want := range map[webhook.Pattern]bool{
		"project.created": true, "project.a.b": true, "project.**": true, "project.gap": true,
		"posts.created": true, "*.updated": true, "posts.*.x": false, "posts.archived": false, "a.b.c.d": false,
	} {
		if got := p.Earns(pattern); got != want {
			t.Errorf("%s: got %v, want %v", pattern, got, want)
		}
	}
}

// parts returns a multipart body of fields, each a name and a value.
func parts(fields ...string) string {
	body := ""
	for i := 0; i < len(fields); i += 2 {
		body += "--x\r\nContent-Disposition: form-data; name=\"" + fields[i] + "\"\r\n\r\n" + fields[i+1] + "\r\n"
	}
	return body + "--x--\r\n"
}

func TestRedact(t *testing.T) {
	m := compile(t, []byte(shop)).Match("PATCH", "/api/projects/5")
	form := webhook.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	multipart := webhook.Header{"Content-Type": {"multipart/form-data; boundary=x"}}
	for _, c := range []struct {
		name, body string
		h          webhook.Header
		want       string
	}{
		{"root", `{"a": 1, "password": "p"}`, nil, `{"a":1}`},
		{"envelope", `{"data": {"password": "p"}, "x": 1.0}`, nil, `{"data":{},"x":1.0}`},
		{"list", `[{"password": "p"}, {"b": 1}]`, nil, `[{},{"b":1}]`},
		{"nothing to remove", `{"a": 1}`, nil, `{"a": 1}`},
		{"form", `a=1&password=p`, form, `a=1`},
		{"multipart", parts("a", "1", "password", "p", "data[password]", "p"), multipart, `{"a":"1","data":{}}`},
		{"multipart, nothing to remove", parts("a", "1"), multipart, `{"a":"1"}`},
		{"form, nothing to remove", `a=1&b`, form, `a=1&b=`},
		{"UTF-16", "{\x00\"\x00p\x00a\x00s\x00s\x00w\x00o\x00r\x00d\x00\"\x00:\x001\x00}\x00", nil, `{}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := m.Redact(webhook.Body{Bytes: []byte(c.body)}, c.h)
			if string(got.Bytes) != c.want || !got.Whole() {
				t.Errorf("got %s %v, want %s", got.Bytes, got.Missing, c.want)
			}
		})
	}
	for _, body := range []string{`{"password": "p"`, `<a>p</a>`, "\x1f\x8b"} {
		if got := m.Redact(webhook.Body{Bytes: []byte(body)}, nil); got.Missing != webhook.Unparsable || got.Bytes != nil {
			t.Errorf("%q is kept", body)
		}
	}
}

package route_test

import (
	"strings"
	"testing"

	"github.com/sidehook/sidehook/rules/route"
)

func TestFindTakesTheMostSpecific(t *testing.T) {
	var table route.Table[string]
	for _, text := range []string{
		"/a/{x}/c", "/a/b/{x}", "/a/{x}", "/a/mine", "/a/{x}.json", "/a/v{x}.json", "/{x}/b", "/a b/{x}",
	} {
		p, err := route.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if there, taken := table.Put("PUT", p, text); taken {
			t.Fatalf("%s is taken by %s", text, there)
		}
	}
	for path, want := range map[string]string{
		"/a/b/c": "/a/b/{x} c", "/a/x/c": "/a/{x}/c x", "/a/mine": "/a/mine", "/a/mine/": "/a/mine", "/a/1": "/a/{x} 1",
		"/a/1.json": "/a/{x}.json 1", "/a/v1.json": "/a/v{x}.json 1", "/a/.json": "/a/{x} .json", "/a/b": "/a/{x} b",
		"/z/b": "/{x}/b z", "/a%20b/%2F": "/a b/{x} /", "/a/": "", "/a//": "", "": "", "/": "", "a/mine": "", "/A/mine": "",
		strings.Repeat("/a", 100): "",
	} {
		got := ""
		if text, p, ok := table.Find("PUT", path); ok {
			got = text
			if x := route.Values(p, path)["x"]; x != "" {
				got += " " + x
			}
		}
		if got != want {
			t.Errorf("%.20s: got %q, want %q", path, got, want)
		}
		if _, _, ok := table.Find("POST", path); ok {
			t.Errorf("%s is found under another method", path)
		}
	}
}

func TestPutTellsWhoIsThere(t *testing.T) {
	var table route.Table[string]
	first, _ := route.Parse("/a/{x}.json")
	same, _ := route.Parse("/a/{y}.json/")
	table.Put("PUT", first, "first")
	if there, taken := table.Put("PUT", same, "second"); !taken || there != "first" {
		t.Errorf("got %q, %v", there, taken)
	}
}

func TestTheRootIsAPath(t *testing.T) {
	var table route.Table[string]
	for _, text := range []string{"/", "/{id}", "/a/b"} {
		p, err := route.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		table.Put("POST", p, text)
		if path, ok := p.Build(func(string) string { return "7" }); !ok || p.String() != text || path != strings.Replace(text, "{id}", "7", 1) {
			t.Errorf("%s builds %q", text, path)
		}
	}
	for path, want := range map[string]string{"/": "/", "/7": "/{id}", "/7/": "/{id}", "/a/b": "/a/b", "/a/c": "", "": ""} {
		if got, _, _ := table.Find("POST", path); got != want {
			t.Errorf("%q: got %q, want %q", path, got, want)
		}
	}
}

func TestBuildIsWhatMatchReads(t *testing.T) {
	p, err := route.Parse("/a b/{x}/{id}.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"1", "a/b", "ü?#", "%2F", "a.json"} {
		path, ok := p.Build(func(name string) string { return map[string]string{"x": "y", "id": id}[name] })
		if got, found := p.Match(path); !ok || !found || got["id"] != id {
			t.Errorf("%q: built %q, read %v", id, path, got)
		}
	}
	for _, id := range []string{"", ".", ".."} {
		if path, ok := p.Build(func(string) string { return id }); ok {
			t.Errorf("%q is built into %q", id, path)
		}
	}
}

func TestARestTakesAllThatIsLeft(t *testing.T) {
	var table route.Table[string]
	for _, text := range []string{"/kv/{id...}", "/kv/{id}/lock", "/kv/mine", "/r/{repo}/contents/{id...}"} {
		p, err := route.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		table.Put("PUT", p, text)
	}
	for path, want := range map[string]string{
		"/kv/a": "/kv/{id...} a", "/kv/a/b%20c/d/": "/kv/{id...} a/b c/d", "/kv/a/lock": "/kv/{id}/lock a", "/kv/mine": "/kv/mine ",
		"/kv/mine/x": "/kv/{id...} mine/x", "/kv/a/lock/x": "/kv/{id...} a/lock/x", "/kv": "", "/kv/": "", "/kv/a//b": "",
		"/kv/a%2Fb": "/kv/{id...} a/b", "/r/o/contents/docs/a.md": "/r/{repo}/contents/{id...} docs/a.md", "/r/o/contents": "",
		"/kv" + strings.Repeat("/a", 100): "/kv/{id...} a" + strings.Repeat("/a", 99),
	} {
		got := ""
		if text, p, ok := table.Find("PUT", path); ok {
			got = text + " " + route.Values(p, path)["id"]
		}
		if got != want {
			t.Errorf("%.30s: got %q, want %q", path, got, want)
		}
	}
	p, err := route.Parse("/api/{repo}/contents/{id...}")
	if err != nil {
		t.Fatal(err)
	}
	for id, ok := range map[string]bool{"a": true, "a/b c/d": true, "a//b": false, "a/../b": false, "/a": false, "": false} {
		values := map[string]string{"repo": "r", "id": id}
		path, built := p.Build(func(name string) string { return values[name] })
		if built != ok {
			t.Errorf("%q: built %q, %v", id, path, built)
		}
		if got, found := p.Match(path); ok && (!found || got["id"] != id) {
			t.Errorf("%q: built %q, read %v", id, path, got)
		}
	}
	if got, ok := p.MatchEnd("/v3/repos/r/contents/docs/contents/a.md", 2); !ok || got["id"] != "docs/contents/a.md" {
		t.Errorf("from the end: got %v", got)
	}
	if !p.EndsIn("id") || p.Same(mustParse(t, "/api/{repo}/contents/{id}")) {
		t.Error("{id...} is no {id}, and is the last part")
	}
}

func mustParse(t *testing.T, text string) *route.Pattern {
	t.Helper()
	p, err := route.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestParseRefuses(t *testing.T) {
	for text, says := range map[string]string{
		"a": "slash first", "//": "empty", "/a//b": "empty", "/{}": "no name", "/{A}": "no name", "/{a}{b}": "one parameter",
		"/{a": "one parameter", "/a}": "without a {", "/{a}/{a}": "twice", "/a?b": "query", "/%zz": "%25",
		"/{a...}/b": "the last part", "/a{b...}": "whole parts", "/{b...}.json": "whole parts", "/{...}": "no name",
		"/{http.request.uuid}": "{uuid}", strings.Repeat("/a", 40): "more than 32",
	} {
		if _, err := route.Parse(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: got %v, want … %s …", text, err, says)
		}
	}
}

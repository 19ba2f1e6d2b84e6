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

func TestParseRefuses(t *testing.T) {
	for text, says := range map[string]string{
		"a": "slash first", "/": "empty", "/a//b": "empty", "/{}": "no name", "/{A}": "no name", "/{a}{b}": "one parameter",
		"/{a": "one parameter", "/a}": "without a {", "/{a}/{a}": "twice", "/a?b": "query", "/%zz": "%25",
		"/{http.request.uuid}": "{uuid}", strings.Repeat("/a", 40): "more than 32",
	} {
		if _, err := route.Parse(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: got %v, want … %s …", text, err, says)
		}
	}
}

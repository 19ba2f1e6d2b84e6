package format_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sidehook/sidehook/caddymodule/format"
	"github.com/sidehook/sidehook/rules/lang"
)

func TestDecode(t *testing.T) {
	type object = map[string]any
	type list = []any
	for name, c := range map[string]struct {
		format format.Format
		body   string
		want   any
	}{
		"json":                {format.JSON, `{"a": [1, 2.5, true, null, "x"]}`, object{"a": list{int64(1), 2.5, true, nil, "x"}}},
		"form":                {format.Form, `url=https%3A%2F%2Fa.example%2F&e=1&e=2&one[]=x`, object{"url": "https://a.example/", "e": list{"1", "2"}, "one": list{"x"}}},
		"form, a list in two": {format.Form, `a[]=2&a=1&a[]=3`, object{"a": list{"1", "2", "3"}}},
		"form, empty":         {format.Form, ``, object{}},
		"xml":                 {format.XML, `<?xml version="1.0"?><any><url>https://a.example/</url><n> 5 </n><none/></any>`, object{"url": "https://a.example/", "n": " 5 ", "none": nil}},
		"xml, a list":         {format.XML, `<r><e>a</e><e>b</e><e><item>c</item></e></r>`, object{"e": list{"a", "b", list{"c"}}}},
		"xml, items":          {format.XML, `<r><e><item>a</item><item>b</item></e><f><item>c</item></f></r>`, object{"e": list{"a", "b"}, "f": list{"c"}}},
		"xml, escapes":        {format.XML, `<r><a>&lt;&amp;&#65;<![CDATA[<b>]]></a></r>`, object{"a": "<&A<b>"}},
		"yaml":                {format.YAML, "url: https://a.example/\nn: 5\nf: 2.5\nb: true\nz: ~\nlist: [a, 2020-01-01]\n", object{"url": "https://a.example/", "n": int64(5), "f": 2.5, "b": true, "z": nil, "list": list{"a", "2020-01-01"}}},
		"yaml, large":         {format.YAML, "n: 18446744073709551615\nf: .inf\n", object{"n": "18446744073709551615", "f": ".inf"}},
		"yaml, empty":         {format.YAML, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := format.Decode(c.format, []byte(c.body))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		format format.Format
		body   string
		want   string
	}{
		"json":               {format.JSON, `{"a":`, "JSON"},
		"form":               {format.Form, `a=%zz`, "the form cannot be read"},
		"xml, none":          {format.XML, ``, "no element"},
		"xml, open":          {format.XML, `<a><b></a>`, "line 1"},
		"xml, entities":      {format.XML, `<!DOCTYPE a [<!ENTITY x "xx">]><a>&x;</a>`, "document type"},
		"xml, deep":          {format.XML, strings.Repeat("<a>", 100) + strings.Repeat("</a>", 100), "too deep"},
		"yaml":               {format.YAML, "a: [", "line 1"},
		"yaml, aliases":      {format.YAML, "a: &x [1]\nb: *x\n", "line 2: aliases"},
		"yaml, merge":        {format.YAML, "a: &x {b: 1}\nc:\n  <<: *x\n", "line 3"},
		"yaml, key":          {format.YAML, "[a]: 1\n", "line 1: a key is a text"},
		"yaml, deep":         {format.YAML, strings.Repeat("[", 100) + strings.Repeat("]", 100), "too deep"},
		"a form, deep lists": {format.JSON, strings.Repeat("[", 100_000), ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := format.Decode(c.format, []byte(c.body))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, %v; want an error with %q", got, err, c.want)
			}
		})
	}
}

func TestEncode(t *testing.T) {
	v := map[string]any{
		"meta": map[string]any{"status": "ok", "2nd line": "a<b&c"}, "list": []any{int64(1), "x", nil}, "none": nil, "yes": true, "f": 2.5,
	}
	for f, want := range map[format.Format]string{
		format.JSON: `{"f":2.5,"list":[1,"x",null],"meta":{"2nd line":"a<b&c","status":"ok"},"none":null,"yes":true}`,
		format.XML: `<?xml version="1.0" encoding="UTF-8"?>
<response><f>2.5</f><list><item>1</item><item>x</item><item/></list><meta><_2nd_line>a&lt;b&amp;c</_2nd_line><status>ok</status></meta><none/><yes>true</yes></response>
`,
		format.YAML: "f: 2.5\nlist:\n    - 1\n    - x\n    - null\nmeta:\n    2nd line: a<b&c\n    status: ok\nnone: null\n\"yes\": true\n",
	} {
		got, err := format.Encode(f, v)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", f, diff)
		}
	}
	if _, err := format.Encode(format.Form, v); err == nil {
		t.Error("a form was written")
	}
}

func TestOf(t *testing.T) {
	for header, want := range map[string]format.Format{
		"application/json; charset=utf-8": format.JSON, "application/vnd.x+json": format.JSON, "text/xml": format.XML, "application/soap+xml": format.XML,
		"application/x-www-form-urlencoded": format.Form, "text/yaml": format.YAML, "text/plain": "", "": "", "application/x+form": "",
	} {
		if got, ok := format.OfContentType(header); got != want || ok != (want != "") {
			t.Errorf("%q: got %q, %v", header, got, ok)
		}
	}
	for ext, want := range map[string]format.Format{".json": format.JSON, ".xml": format.XML, ".yml": format.YAML, ".yaml": format.YAML, ".form": "", "json": ""} {
		if got, ok := format.OfExtension(ext); got != want || ok != (want != "") {
			t.Errorf("%q: got %q, %v", ext, got, ok)
		}
	}
}

// FuzzDecode reads what strangers send; what can be read can be written, and is
// the same when it is read again, where a format has the same kinds of values.
func FuzzDecode(f *testing.F) {
	f.Add("json", []byte(`{"a":[1]}`))
	f.Add("form", []byte("a=1&b[]=2"))
	f.Add("xml", []byte("<a><b>1</b><b>2</b></a>"))
	f.Add("yaml", []byte("a: [1, x]\nb: {c: ~}\n"))
	f.Add("form", []byte("a&&b=\n0")) // a text that begins with an empty line, in a list
	f.Add("form", []byte("0&))))0&0=\n0"))
	f.Fuzz(func(t *testing.T, name string, body []byte) {
		v, err := format.Decode(format.Format(name), body)
		if err != nil {
			return
		}
		for _, out := range []format.Format{format.JSON, format.XML, format.YAML} {
			text, err := format.Encode(out, v)
			if err != nil {
				t.Fatalf("%s: %v", out, err)
			}
			again, err := format.Decode(out, text)
			if err != nil {
				t.Fatalf("%s: %v\n%s", out, err, text)
			}
			if out == format.JSON && !lang.Equal(v, again) { // 8.0 is 8
				t.Errorf("%s: %v became %v", out, v, again)
			}
		}
	})
}

package content_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sidehook/sidehook/rules/content"
)

// parts makes a multipart body of its parts, each a header and a content.
func parts(list ...string) []byte {
	var b strings.Builder
	for _, p := range list {
		fmt.Fprintf(&b, "--x\r\nContent-Disposition: form-data; %s\r\n", strings.ReplaceAll(p, "\n", "\r\n"))
	}
	return []byte(b.String() + "--x--\r\n")
}

const boundary = "multipart/form-data; boundary=x"

func TestMultipart(t *testing.T) {
	tests := map[string]struct {
		body []byte
		want string
	}{
		"fields": {parts("name=\"a\"\n\n1", "name=\"b[c]\"\n\nx y", "name=\"d[]\"\n\n1", "name=\"d[]\"\n\n2"), `{"a":"1","b":{"c":"x y"},"d":["1","2"]}`},
		"a file": {parts("name=\"f\"; filename=\"a b.txt\"\nContent-Type: text/plain\n\nhello"),
			`{"f":{"name":"a b.txt","type":"text/plain","size":5,"sha256":"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"}}`},
		"no path in its name": {parts("name=\"f\"; filename=\"../../etc/passwd\"\n\n"),
			`{"f":{"name":"passwd","type":"","size":0,"sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}}`},
		"no file chosen": {parts("name=\"a\"\n\n1", "name=\"f\"; filename=\"\"\nContent-Type: application/octet-stream\n\n"), `{"a":"1"}`},
		"JSON":           {parts("name=\"meta\"\nContent-Type: application/json\n\n{\"a\": [1]}"), `{"meta":{"a": [1]}}`},
		"no JSON":        {parts("name=\"meta\"\nContent-Type: application/json\n\n{"), `{"meta":"{"}`},
		"no name":        {parts("filename=\"a\"\n\n1"), `{}`},
		"empty":          {parts(), `{}`},
		"quoted":         {parts("name=\"a\"\nContent-Transfer-Encoding: quoted-printable\n\n=41"), `{"a":"=41"}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			v, err := content.Multipart(test.body, boundary)
			if err != nil {
				t.Fatal(err)
			}
			if got := string(v.JSON()); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestMultipartRefuses(t *testing.T) {
	many := make([]string, 1001)
	for i := range many {
		many[i] = "name=\"a\"\n\n1"
	}
	deep := "name=\"a" + strings.Repeat("[b]", 9) + "\"\n\n1"
	for name, test := range map[string]struct {
		body []byte
		kind string
	}{
		"no boundary":    {parts(), "multipart/form-data"},
		"broken off":     {[]byte("--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1"), boundary},
		"another":        {parts(), "multipart/form-data; boundary=y"},
		"too many parts": {parts(many...), boundary},
		"too deep":       {parts(deep), boundary},
	} {
		if v, err := content.Multipart(test.body, test.kind); err == nil {
			t.Errorf("%s: %s", name, v.JSON())
		}
	}
	if _, err := content.Multipart(nil, "multipart/form-data"); !errors.Is(err, content.ErrNoBoundary) {
		t.Error(err)
	}
}

// Whatever a text is sent in, it is UTF-8 when it is read.
func TestText(t *testing.T) {
	const plain = `{"a":"é😀"}`
	utf16 := func(order string) (b []byte) {
		for _, u := range []uint16{'{', '"', 'a', '"', ':', '"', 0xe9, 0xd83d, 0xde00, '"', '}'} {
			if order == "be" {
				b = append(b, byte(u>>8), byte(u))
			} else {
				b = append(b, byte(u), byte(u>>8))
			}
		}
		return b
	}
	tests := map[string]struct{ in, kind, want string }{
		"UTF-8":                     {plain, "application/json", plain},
		"UTF-8, whatever is said":   {plain, "application/json; charset=iso-8859-1", plain},
		"UTF-16, big end first":     {string(utf16("be")), "application/json", plain},
		"UTF-16, little end first":  {string(utf16("le")), "application/json", plain},
		"UTF-16 with a mark":        {"\xff\xfe" + string(utf16("le")), "", plain},
		"UTF-16 with another mark":  {"\xfe\xff" + string(utf16("be")), "", plain},
		"half of a pair":            {"\xff\xfe\x3d\xd8", "", "\ufffd"},
		"ISO 8859-1":                {"{\"a\":\"\xe9\"}", "application/json; Charset=ISO-8859-1", `{"a":"é"}`},
		"bytes of no text":          {"{\"a\":\"\xe9\"}", "application/json", "{\"a\":\"\ufffd\"}"},
		"one byte":                  {"1", "", "1"},
		"nothing":                   {"", "application/json; charset=utf-16", ""},
		"a charset that makes none": {"{}", "application/json; charset=", "{}"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := string(content.Text([]byte(test.in), test.kind)); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

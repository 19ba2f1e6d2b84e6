package content_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"github.com/sidehook/sidehook/rules/content"
)

// coded returns text under the codings, in the order in which they are applied.
func coded(t testing.TB, text string, codings ...string) []byte {
	t.Helper()
	body := []byte(text)
	for _, c := range codings {
		var b bytes.Buffer
		var w io.WriteCloser
		var err error
		switch c {
		case "gzip":
			w = gzip.NewWriter(&b)
		case "zlib":
			w = zlib.NewWriter(&b)
		case "raw":
			w, err = flate.NewWriter(&b, 6)
		case "br":
			w = brotli.NewWriter(&b)
		case "zstd":
			w, err = zstd.NewWriter(&b)
		}
		if err == nil {
			_, err = w.Write(body)
		}
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		body = b.Bytes()
	}
	return body
}

func TestDecode(t *testing.T) {
	const text = `{"a": "some text, some text, some text"}`
	for _, c := range []struct {
		encodings []string
		body      []byte
	}{
		{nil, []byte(text)},
		{[]string{"identity"}, []byte(text)},
		{[]string{"gzip"}, coded(t, text, "gzip")},
		{[]string{"X-GZIP"}, coded(t, text, "gzip")},
		{[]string{"deflate"}, coded(t, text, "zlib")},
		{[]string{"deflate"}, coded(t, text, "raw")},
		{[]string{"br"}, coded(t, text, "br")},
		{[]string{"zstd"}, coded(t, text, "zstd")},
		{[]string{"gzip, br"}, coded(t, text, "gzip", "br")},
		{[]string{"gzip", "zstd"}, coded(t, text, "gzip", "zstd")},
	} {
		got, err := content.Decode(c.body, c.encodings, 1000)
		if err != nil || string(got) != text {
			t.Errorf("%v: got %q, %v", c.encodings, got, err)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, c := range []struct {
		encoding string
		body     []byte
	}{
		{"gzip", []byte("{}")}, {"br", []byte("{}{}{}{}")}, {"zstd", []byte("{}")}, {"deflate", []byte("{}")},
		{"compress", []byte("{}")}, {"gzip", coded(t, "{}", "gzip")[:12]}, {"gzip,gzip,gzip,gzip,gzip", nil},
	} {
		if got, err := content.Decode(c.body, []string{c.encoding}, 1000); err == nil {
			t.Errorf("%s: %q is read as %q", c.encoding, c.body, got)
		}
	}
}

func TestDecodeIsBounded(t *testing.T) {
	bomb := strings.Repeat("0", 1<<20)
	for encoding, coding := range map[string]string{"gzip": "gzip", "deflate": "raw", "br": "br", "zstd": "zstd"} {
		if _, err := content.Decode(coded(t, bomb, coding), []string{encoding}, 1<<17); !errors.Is(err, content.ErrTooLarge) &&
			!errors.Is(err, zstd.ErrDecoderSizeExceeded) {
			t.Errorf("%s: got %v, want %v", encoding, err, content.ErrTooLarge)
		}
	}
}

func TestForm(t *testing.T) {
	for in, want := range map[string]string{
		"":                                    `{}`,
		"a=1&b=x+y%26":                        `{"a":"1","b":"x y&"}`,
		"a=1&a=2":                             `{"a":["1","2"]}`,
		"a[]=1":                               `{"a":["1"]}`,
		"a[][b]=1&a[][c]=2&a[][b]=3":          `{"a":[{"b":"1","c":"2"},{"b":"3"}]}`,
		"a[][b][]=1&a[][b][]=2&a[][c]=3":      `{"a":[{"b":["1","2"],"c":"3"}]}`,
		"a[][b][c]=1&a[][b][d]=2&a[][b][c]=3": `{"a":[{"b":{"c":"1","d":"2"}},{"b":{"c":"3"}}]}`,
		"a[b]=1&a[c][]=2&a[c][]=3":            `{"a":{"b":"1","c":["2","3"]}}`,
		"a[0]=x&a[1]=y":                       `{"a":["x","y"]}`,
		"a[b=1&a]b=2&flag":                    `{"a[b":"1","a]b":"2","flag":""}`,
	} {
		v, err := content.Form(in)
		if err != nil || string(v.JSON()) != want {
			t.Errorf("%q: got %s, %v, want %s", in, v.JSON(), err, want)
		}
	}
	for _, in := range []string{"a=%zz", strings.Repeat("a=1&", 2000), "a[b][c][d][e][f][g][h][i]=1"} {
		if _, err := content.Form(in); err == nil {
			t.Errorf("%.20q… is read", in)
		}
	}
}

func TestEncodeFormReadsBack(t *testing.T) {
	for _, in := range []string{"a=1&b=x", "a[b]=1&a[c][]=2&a[c][]=3", "a[]=1"} {
		v, err := content.Form(in)
		if err != nil {
			t.Fatal(err)
		}
		again, err := content.Form(content.EncodeForm(v))
		if err != nil || string(again.JSON()) != string(v.JSON()) {
			t.Errorf("%s: got %s, %v", v.JSON(), again.JSON(), err)
		}
	}
}

package caddymodule_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/sidehook/sidehook/caddymodule"
)

// FuzzCaddyfile holds that whatever stands in a Caddyfile either becomes JSON
// that reads back as what it was, or an error with words in it.
func FuzzCaddyfile(f *testing.F) {
	files, err := filepath.Glob("testdata/*.caddyfiletest")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		f.Add(divider.Split(readSeed(f, file), 2)[0])
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, unmarshal := range []func(string) (any, any, error){asHandler, asApp} {
			got, again, err := unmarshal(text)
			if err != nil {
				if err.Error() == "" {
					t.Error("an error without words")
				}
				continue
			}
			first, err := json.Marshal(got)
			if err != nil {
				t.Fatalf("what was adapted has no JSON: %v", err)
			}
			if err := json.Unmarshal(first, again); err != nil {
				t.Fatalf("%v in %s", err, first)
			}
			second, err := json.Marshal(again)
			if err != nil || string(second) != string(first) {
				t.Errorf("reads back differently (%v):\n%s\n%s", err, first, second)
			}
		}
	})
}

func readSeed(f *testing.F, file string) string {
	f.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		f.Fatal(err)
	}
	return string(text)
}

func asHandler(text string) (any, any, error) {
	d, err := dispenser(text)
	if err != nil {
		return nil, nil, err
	}
	h := new(caddymodule.Handler)
	return h, new(caddymodule.Handler), h.UnmarshalCaddyfile(d)
}

func asApp(text string) (any, any, error) {
	d, err := dispenser(text)
	if err != nil {
		return nil, nil, err
	}
	a := new(caddymodule.App)
	return a, new(caddymodule.App), a.UnmarshalCaddyfile(d)
}

// dispenser gives the tokens of text from the first that says sidehook.
func dispenser(text string) (*caddyfile.Dispenser, error) {
	tokens, err := caddyfile.Tokenize([]byte(text), "Caddyfile")
	for i, token := range tokens {
		if token.Text == "sidehook" {
			tokens = tokens[i:]
			break
		}
	}
	return caddyfile.NewDispenser(tokens), err
}

// FuzzExpression holds that an expression without backticks is taken as it was
// typed, but for white space around words, or refused.
func FuzzExpression(f *testing.F) {
	for _, seed := range []string{
		`changed("start_date", "end_date")`, `request.header["X-Space-Id"] == "a"`, `became("archived", true)`,
		`entity.name == "two  words"`, `became("in review", 1)`, `x == "a \" b"`, `entity.tags == ["a b", "c d"]`,
		`any(entity.items, # > 1)`, `entity.a=="b"`, `"a"+"b" == entity.c`, `entity.name matches "^\\d+ a$"`, `'a b' == entity.b`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		if strings.ContainsAny(typed, "#`{}\n\r\\<") {
			return // comments, heredocs and what must stand in backticks
		}
		text := "sidehook {\n\ton POST /a emit a.b when " + typed + "\n}\n"
		got, _, err := asHandler(text)
		if err != nil {
			return
		}
		h := got.(*caddymodule.Handler)
		if kept := h.On[0].When; bare(kept) != bare(typed) {
			t.Errorf("typed   %s\nbecame  %s", typed, kept)
		}
	})
}

// bare returns an expression without the white space outside of texts.
func bare(expression string) string {
	var out strings.Builder
	quoted := false
	for _, r := range expression {
		if r == '"' {
			quoted = !quoted
		}
		if quoted || !strings.ContainsRune(" \t\v\f\u0085\u00a0", r) {
			out.WriteRune(r)
		}
	}
	return out.String()
}

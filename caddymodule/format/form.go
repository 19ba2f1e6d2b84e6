package format

import (
	"fmt"
	"net/url"
	"strings"
)

// decodeForm reads an application/x-www-form-urlencoded body (WHATWG URL §5.1).
// A name that stands once is a text; one that stands more often, or ends in [],
// a list.
func decodeForm(body string) (any, error) {
	values, err := url.ParseQuery(body)
	if err != nil {
		return nil, fmt.Errorf("the form cannot be read: %w", err)
	}
	out := make(map[string]any, len(values))
	for name, texts := range values {
		if strings.HasSuffix(name, "[]") {
			continue
		}
		out[valid(name)] = valid(texts[0])
		if len(texts) > 1 {
			out[valid(name)] = appendTexts(nil, texts)
		}
	}
	for name, texts := range values {
		short, list := strings.CutSuffix(valid(name), "[]")
		if !list {
			continue
		}
		var before []any
		switch was := out[short].(type) {
		case string:
			before = []any{was}
		case []any:
			before = was
		}
		out[short] = appendTexts(before, texts)
	}
	return out, nil
}

func appendTexts(to []any, texts []string) []any {
	for _, text := range texts {
		to = append(to, valid(text))
	}
	return to
}

// valid returns text as the language has texts: in UTF-8.
func valid(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }

package dialect

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/sidehook/sidehook/caddymodule/answer"
	"github.com/sidehook/sidehook/caddymodule/problem"
	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/webhook"
)

// API is our subscription API, as the caller of one call reaches it.
type API interface {
	// Answer answers r, which stands for the call, at a path below the API. Its
	// error is for Problem, if it is none itself.
	Answer(w http.ResponseWriter, r *http.Request, path string) (Answer, error)

	// Numbered returns the id of the subscription that has a number and may be seen;
	// "" if there is none.
	Numbered(number uint64) string

	// Resources returns the names of everything that events can be about.
	Resources() []string

	// Problem returns what the caller is told of an error.
	Problem(err error) *problem.Details
}

// Answer is what our API answers to a call that went well.
type Answer struct {
	Status int // 0: 200
	Body   any // nil: none; of a list one page, an object with data and next
	ETag   string
}

// result is what our API answered.
type result struct {
	Answer
	value any // its body, as a value of the language
}

// ask makes the call of our API, more than one for a list.
func (c *call) ask(a *action, id string, doc map[string]any) (out result, err error) {
	to := strings.ReplaceAll(a.path, "{id}", url.PathEscape(id))
	query := url.Values{}
	if a.pages {
		query.Set("limit", strconv.Itoa(answer.MostOnPage))
	}
	list := []any{}
	for {
		if out.Answer, err = c.api.Answer(c.w, c.inner(a.method, query, doc), to); err != nil {
			return out, err
		}
		if out.Body == nil {
			return out, nil
		}
		if out.value, err = languageOf(out.Body); err != nil || !a.pages {
			return out, err
		}
		page, _ := out.value.(map[string]any)
		data, _ := page["data"].([]any)
		list = append(list, data...)
		next, _ := page["next"].(string)
		if next == "" {
			out.value = a.among(list)
			return out, nil
		}
		query.Set("cursor", next)
	}
}

// among returns those of list that the action is about: of event types, those
// that a wildcard selects.
func (a *action) among(list []any) []any {
	if a.result != "types" {
		return list
	}
	return slices.DeleteFunc(list, func(v any) bool {
		t, _ := v.(map[string]any)
		scope, _ := t["scope"].(string)
		return !webhook.Pattern("**").Match(scope)
	})
}

// inner is the call of our API that stands for this one.
func (c *call) inner(method string, query url.Values, doc map[string]any) *http.Request {
	r := c.r.Clone(c.r.Context())
	r.Method, r.URL = method, &url.URL{Path: "/"}
	if method == http.MethodGet {
		r.URL.RawQuery = query.Encode()
	}
	text := []byte("{}")
	if doc != nil {
		text, _ = lang.Encode(doc) // values of the language can be
	}
	r.Body = io.NopCloser(bytes.NewReader(text))
	r.Header.Set("Content-Type", "application/json")
	return r
}

// languageOf returns v, which is part of an answer, as a value of the language.
func languageOf(v any) (any, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return lang.Decode(text)
}

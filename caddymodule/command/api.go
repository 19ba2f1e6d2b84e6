package command

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/sidehook/sidehook/caddymodule/view"
)

// api is ask for the subscription API, which is under the admin endpoint too.
func (f *adminFlags) api(method, path string, query url.Values, body, v any) error {
	return f.ask(method, strings.TrimSuffix(view.AdminAPI, "/")+path, query, body, v)
}

// all asks for every page of a list of the subscription API, up to max entries.
func (f *adminFlags) all(path string, query url.Values, max int) (list []json.RawMessage, err error) {
	if query == nil {
		query = url.Values{}
	}
	for {
		var page struct {
			Data []json.RawMessage `json:"data"`
			Next string            `json:"next"`
		}
		if err := f.api(http.MethodGet, path, query, nil, &page); err != nil {
			return nil, err
		}
		list = append(list, page.Data...)
		if page.Next == "" || len(list) >= max {
			return list[:min(len(list), max)], nil
		}
		query.Set("cursor", page.Next)
	}
}

// onTerminal reports whether a person looks at w.
func onTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	st, err := f.Stat()
	return err == nil && st.Mode()&os.ModeCharDevice != 0
}

// timeFlag reads a time on the command line: one like those of the API, how long
// ago (2h, 3d), or a position.
func timeFlag(text string, now time.Time) any {
	if isNumber(text) { // before the ages: 0 is one too, and is all there is here
		return json.Number(text)
	}
	if d, err := parseAge(text); err == nil {
		return now.Add(-d).UTC().Format(time.RFC3339)
	}
	for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return t.UTC().Format(time.RFC3339)
		}
	}
	return text // the server says what is wrong with it
}

func isNumber(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}

// parseAge reads 90m, 2h or 3d.
func parseAge(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok && isNumber(days) {
		d, err := time.ParseDuration(days + "h")
		return 24 * d, err
	}
	return time.ParseDuration(text)
}

package seed

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sidehook/sidehook/caddymodule/view"
	"github.com/sidehook/sidehook/rules"
)

// turn finds out what is asked for next: what the page says, by a Link header or
// in its body, or else the next page by its cursor or its number. Nothing is, if the page was
// empty or shows what the one before did.
func (s *seeder) turn(page *rules.Page, h http.Header) {
	st := &s.state
	current := st.Next
	first := ""
	if len(page.Listed) > 0 {
		first = page.Listed[0].ID
	}
	found := len(page.Listed) + page.Unnamed
	st.Next = s.follow(current, nextLink(h))
	if st.Next == "" {
		st.Next = s.follow(current, page.Next)
	}
	switch {
	case st.Next != "":
	case page.Cursor != "":
		st.Next = withParameter(current, st.Request.Cursor, page.Cursor)
	case st.Request.Page != "" && found > 0:
		st.Number++
		st.Next = withNumber(current, &st.Request, st.Number)
	case st.Request.Offset != "" && found > 0:
		st.Number += found
		st.Next = withNumber(current, &st.Request, st.Number)
	}
	switch {
	case st.Next == "" && st.Pages == 1 && found > 0 && !page.Ends:
		st.Note = lonely(&st.Request)
	case st.Next == "":
	case st.Next == current || first != "" && first == st.First:
		st.Next, st.Note = "", "the next page is the same as this one, so the crawl ends here"
	case found == 0 && st.Pages > 1:
		st.Next = ""
	case st.Pages >= maxSeedPages:
		st.Next, st.Note = "", fmt.Sprintf("the crawl ends after %d pages", st.Pages)
	}
	st.First = first
	if st.Done = st.Next == ""; st.Done {
		st.Ended = time.Now().UTC()
	}
}

// lonely says what to write if a first page, which names no second, is not all.
func lonely(q *view.SeedRequest) string {
	if q.CursorAt != "" {
		return fmt.Sprintf("there is nothing at %s of the page, so it was taken for the only one: if there are more, write where it says what comes next, like --cursor %s=meta.next_cursor, and --again", q.CursorAt, q.Cursor)
	}
	return "the page does not say what comes next: if there are more, write how they are asked for, with --page, --offset or --cursor, and --again"
}

// follow returns a link of the page at current as what the origin is asked for:
// a path, with its query. Where the API knows itself under another host, that is
// left out.
func (s *seeder) follow(current, link string) string {
	if link == "" {
		return ""
	}
	at, err := url.Parse(current)
	if err != nil {
		return ""
	}
	u, err := at.Parse(link)
	if err != nil {
		return ""
	}
	out := &url.URL{Path: u.Path, RawPath: u.RawPath, RawQuery: u.RawQuery}
	if base, err := url.Parse(s.h.Origin.Base); err == nil && base.Path != "" && !strings.HasPrefix(at.Path, base.Path+"/") {
		out.Path, out.RawPath = strings.TrimPrefix(out.Path, base.Path), strings.TrimPrefix(out.RawPath, base.Path)
	}
	return out.RequestURI()
}

// linkNext matches a link whose relation is next (RFC 8288).
var linkNext = regexp.MustCompile(`<([^>]*)>((?:\s*;\s*[^,;"=]+(?:=(?:"[^"]*"|[^,;"]*))?)*)`)

// nextLink returns the URL of a Link header whose relation is next, or "".
func nextLink(h http.Header) string {
	for _, value := range h.Values("Link") {
		for _, m := range linkNext.FindAllStringSubmatch(value, -1) {
			for param := range strings.SplitSeq(m[2], ";") {
				name, rel, _ := strings.Cut(strings.TrimSpace(param), "=")
				if strings.EqualFold(strings.TrimSpace(name), "rel") && slices.Contains(strings.Fields(strings.ToLower(strings.Trim(rel, `" `))), "next") {
					return m[1]
				}
			}
		}
	}
	return ""
}

// seedFile is where it is kept how far the crawl of a list has come.
func seedFile(dir, api, resource, path string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q", api, resource, path))
	return filepath.Join(dir, "seeds", hex.EncodeToString(sum[:8])+".json")
}

// load reads how far the crawl has come. Another request, or again, begins anew.
func (s *seeder) load(resource string, q view.SeedRequest, again bool) error {
	text, err := os.ReadFile(s.file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read how far the crawl has come: %w", err)
	}
	if err == nil && !again && json.Unmarshal(text, &s.state) == nil {
		s.state.Request.Pause = q.Pause
		if reflect.DeepEqual(s.state.Request, q) {
			return nil
		}
	}
	s.state = view.SeedState{Request: q, Resource: resource, Began: time.Now().UTC()}
	s.state.Next, s.state.Number = firstPage(&q)
	if q.Full != "auto" {
		s.state.Full = q.Full
	}
	return nil
}

// hashed returns header with hashes for values: they may prove who somebody is,
// and are never kept.
func hashed(header map[string]string) map[string]string {
	if len(header) == 0 {
		return nil
	}
	out := make(map[string]string, len(header))
	for name, value := range header {
		sum := sha256.Sum256([]byte(name + ": " + value))
		out[name] = hex.EncodeToString(sum[:8])
	}
	return out
}

// save keeps how far the crawl has come.
func (s *seeder) save() error {
	text, err := json.Marshal(&s.state)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(s.file), 0o700); err != nil {
		return fmt.Errorf("keep how far the crawl has come: %w", err)
	}
	fresh := s.file + ".new"
	if err := os.WriteFile(fresh, text, 0o600); err != nil {
		return fmt.Errorf("keep how far the crawl has come: %w", err)
	}
	if err := os.Rename(fresh, s.file); err != nil {
		return fmt.Errorf("keep how far the crawl has come: %w", err)
	}
	return nil
}

package seed

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sidehook/sidehook/caddymodule/view"
	"github.com/sidehook/sidehook/rules"
)

// next finds out what is asked for next: what the page says, by a Link header or
// in its body, or else the next page by its cursor or its number. Nothing is, if the page was
// empty or shows what the one before did.
func (s *seeder) next(page *rules.Page, h http.Header) {
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
	case st.Pages >= maxPages:
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

// firstPage returns what is asked for first, and its number: the one in the
// query, else page 1, or offset 0.
func firstPage(q *view.SeedRequest) (page string, number int) {
	values, _ := url.ParseQuery(q.Query)
	if q.Page != "" {
		number = 1
	}
	if n, err := strconv.Atoi(values.Get(q.Numbered())); err == nil {
		number = n
	}
	page = q.Path
	if q.Query != "" {
		page += "?" + q.Query
	}
	return withNumber(page, q, number), number
}

// withNumber sets the parameter that says which page is meant.
func withNumber(page string, q *view.SeedRequest, number int) string {
	return withParameter(page, q.Numbered(), fmt.Sprint(number))
}

func withParameter(page, name, value string) string {
	u, err := url.Parse(page)
	if name == "" || err != nil {
		return page
	}
	values := u.Query()
	values.Set(name, value)
	u.RawQuery = values.Encode()
	return u.RequestURI()
}

package api

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"github.com/sidehook/sidehook/caddymodule/answer"
	"github.com/sidehook/sidehook/caddymodule/problem"
)

// apiList is one page of a list. While Next is there, there may be more, also
// behind a page with little or nothing in it.
type apiList struct {
	Data []any  `json:"data"`
	Next string `json:"next,omitempty"`
}

// defaultLimit is how many entries a page has.
const defaultLimit = 50

// apiPage is what a caller wants of a list.
type apiPage struct {
	cursor
	limit int
}

// cursor is the last thing of a page: of a list, its position, and its id where
// several have that.
type cursor struct {
	position uint64
	id       string
}

// next writes where the page after c begins. It is for the list that is asked for
// only: in another one it would begin anywhere.
func (c *Call) next(at cursor) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%s:%d:%s", c.list, at.position, at.id))
}

// page reads limit and cursor of the query.
func (c *Call) page() (p apiPage, err error) {
	q := c.r.URL.Query()
	p.limit = defaultLimit
	if text := q.Get("limit"); text != "" {
		if p.limit, err = strconv.Atoi(text); err != nil || p.limit < 1 || p.limit > answer.MostOnPage {
			return p, problem.WrongParameter("limit", "write a number from 1 to %d", answer.MostOnPage)
		}
	}
	if text := q.Get("cursor"); text != "" {
		if p.cursor, err = parseCursor(c.list, text); err != nil {
			return p, problem.WrongParameter("cursor", "write what next was in the answer before, of the same list, or leave it out")
		}
	}
	return p, nil
}

func parseCursor(list, text string) (c cursor, err error) {
	plain, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return c, err
	}
	parts := strings.SplitN(string(plain), ":", 3)
	if len(parts) != 3 || parts[0] != list {
		return c, strconv.ErrSyntax
	}
	c.id = parts[2]
	c.position, err = strconv.ParseUint(parts[1], 10, 64)
	return c, err
}

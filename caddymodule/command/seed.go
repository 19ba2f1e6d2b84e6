package command

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sidehook/sidehook/caddymodule/view"
	"github.com/sidehook/sidehook/caddymodule/words"
)

// seedCommand crawls the list of a resource, page by page.
func seedCommand() *cobra.Command {
	var f adminFlags
	var q view.SeedRequest
	var rate float64
	var header, placeholder []string
	var cursor string
	var again bool
	cmd := &cobra.Command{
		Use:   "seed RESOURCE",
		Short: "Crawl the list of a resource once, so that its first updates have a before",
		Long: `The running server asks the API, through origin and with credential, for the
list of RESOURCE, page by page, and keeps each entity as its last known state. It
earns no events, and leaves alone what is known to have changed since the list
was asked for, or to be deleted. What it learns is believed as long as trust says.

The next page is where a Link header (rel=next) or a next in the body says; for
other APIs, name the parameter with --page, --offset or --cursor.

A list counts only if it shows all there is of an entity. With --full auto that is
tried on three: if each has, in the list, all the fields that a GET of it has, the
list counts, else every entity is asked for by itself (slow). --full list and
--full each say it outright.

It may be interrupted: the next time it goes on where it was.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if rate <= 0 || rate > 1000 {
				return fmt.Errorf("--rate %v: write how many GETs a second may be made, like 5", rate)
			}
			if q.Full != "auto" && q.Full != "list" && q.Full != "each" {
				return fmt.Errorf("--full %q: write auto, list or each", q.Full)
			}
			if q.Page != "" && q.Offset != "" || cursor != "" && q.Numbered() != "" {
				return fmt.Errorf("write one of --page, --offset and --cursor")
			}
			if q.Cursor, q.CursorAt, _ = strings.Cut(cursor, "="); (q.Cursor == "" || q.CursorAt == "") && cursor != "" {
				return fmt.Errorf("--cursor %s: write the parameter and where a page has its value, like cursor=meta.next_cursor", cursor)
			}
			q.Pause = time.Duration(float64(time.Second) / rate)
			if q.Header, err = pairs("--header", header, ":"); err != nil {
				return err
			}
			if q.Placeholder, err = pairs("--placeholder", placeholder, "="); err != nil {
				return err
			}
			return f.seed(cmd, args[0], &q, again)
		},
	}
	f.add(cmd)
	fl := cmd.Flags()
	fl.StringVar(&q.API, "api", "", "the api of the resource, if there are several")
	fl.StringVar(&q.Path, "path", "", "path of the list (default: the resource's; needed if that has parameters)")
	fl.StringVar(&q.Query, "query", "", "query of the first page, like per_page=100")
	fl.StringVar(&q.Items, "items", "", "path of the list in a page, like data.items (default: found)")
	fl.StringVar(&q.Page, "page", "", "parameter that numbers the pages, from 1")
	fl.StringVar(&q.Offset, "offset", "", "parameter that says how many entities to leave out")
	fl.StringVar(&cursor, "cursor", "", "parameter that says where the next page begins, and where a page has its value, like cursor=meta.next_cursor")
	fl.StringVar(&q.Full, "full", "auto", "whether a list shows all there is of an entity: list, each (no: ask for each), or auto (find out)")
	fl.Float64Var(&rate, "rate", 5, "how many GETs a second at most")
	fl.StringArrayVar(&header, "header", nil, "header field of each GET, like 'X-Space: acme' (may be repeated)")
	fl.StringArrayVar(&placeholder, "placeholder", nil, "value of a Caddy placeholder that tenant or actor reads, like http.auth.user.id=acme (may be repeated)")
	fl.BoolVar(&again, "again", false, "begin anew, though it was done or interrupted before")
	return cmd
}

// pairs reads flags that are a name, a mark and a value.
func pairs(flag string, list []string, mark string) (map[string]string, error) {
	out := make(map[string]string, len(list))
	for _, text := range list {
		name, value, ok := strings.Cut(text, mark)
		if name = strings.TrimSpace(name); !ok || name == "" {
			return nil, fmt.Errorf("%s %q: write a name, %q and a value", flag, text, mark)
		}
		out[name] = strings.TrimSpace(value)
	}
	return out, nil
}

// seed has the server take one step after the other, and shows how far it is.
func (f *adminFlags) seed(cmd *cobra.Command, resource string, q *view.SeedRequest, again bool) error {
	for {
		st, err := f.seedStep(resource, q, again)
		if err != nil {
			return err
		}
		again = false
		if err := f.printSeed(cmd.OutOrStdout(), &st); err != nil || st.Done {
			return err
		}
		select {
		case <-time.After(st.Wait):
		case <-cmd.Context().Done():
			return nil
		}
	}
}

func (f *adminFlags) seedStep(resource string, q *view.SeedRequest, again bool) (st view.SeedState, err error) {
	body, err := json.Marshal(q)
	if err != nil {
		return st, err
	}
	path := "/sidehook/seed/" + url.PathEscape(resource)
	if again {
		path += "?again=1"
	}
	return st, f.askWith(http.MethodPost, path, body, &st)
}

func (f *adminFlags) printSeed(w io.Writer, st *view.SeedState) error {
	if f.json {
		return printJSON(w, st)
	}
	how := map[string]string{"list": "as the list shows them", "each": "each asked for by itself"}[st.Full]
	text := fmt.Sprintf("%s, %s %s", words.Counted(st.Pages, "page", "pages"), words.Counted(st.Entities, "entity", "entities"), how)
	if st.Unnamed > 0 {
		text += fmt.Sprintf(", %d without an id", st.Unnamed)
	}
	if st.Missing > 0 {
		text += fmt.Sprintf(", %d that no GET showed", st.Missing)
	}
	if st.Wait > 0 {
		text += fmt.Sprintf("; the API asks to wait %s", st.Wait)
	}
	if st.Done {
		text = "done " + words.Clock(st.Ended) + ": " + text
	}
	if st.Note != "" {
		text += "; " + st.Note
	}
	_, err := fmt.Fprintln(w, text)
	return err
}

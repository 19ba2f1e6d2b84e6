package command

import (
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
	f := &seedFlags{}
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
		Args: Arguments(1, 1),
		RunE: f.run,
	}
	f.add(cmd)
	fl := cmd.Flags()
	fl.StringVar(&f.API, "api", "", "the api of the resource, if there are several")
	fl.StringVar(&f.Path, "path", "", "path of the list (default: the resource's; needed if that has parameters)")
	fl.StringVar(&f.Query, "query", "", "query of the first page, like per_page=100")
	fl.StringVar(&f.Items, "items", "", "path of the list in a page, like data.items (default: found)")
	fl.StringVar(&f.Page, "page", "", "parameter that numbers the pages, from 1")
	fl.StringVar(&f.Offset, "offset", "", "parameter that says how many entities to leave out")
	fl.StringVar(&f.cursor, "cursor", "", "parameter that says where the next page begins, and where a page has its value, like cursor=meta.next_cursor")
	fl.StringVar(&f.Full, "full", "auto", "whether a list shows all there is of an entity: list, each (no: ask for each), or auto (find out)")
	fl.Float64Var(&f.rate, "rate", 5, "how many GETs a second at most")
	fl.StringArrayVar(&f.header, "header", nil, "header field of each GET, like 'X-Space: acme' (may be repeated)")
	fl.StringArrayVar(&f.placeholder, "placeholder", nil, "value of a Caddy placeholder that tenant or actor reads, like http.auth.user.id=acme (may be repeated)")
	fl.BoolVar(&f.again, "again", false, "begin anew, though it was done or interrupted before")
	return cmd
}

// seedFlags are what `seed` takes.
type seedFlags struct {
	adminFlags
	view.SeedRequest
	rate                float64
	header, placeholder []string
	cursor              string
	again               bool
}

func (f *seedFlags) run(cmd *cobra.Command, args []string) (err error) {
	if f.rate <= 0 || f.rate > 1000 {
		return fmt.Errorf("--rate %v: write how many GETs a second may be made, like 5", f.rate)
	}
	if f.Full != "auto" && f.Full != "list" && f.Full != "each" {
		return fmt.Errorf("--full %q: write auto, list or each", f.Full)
	}
	if f.Page != "" && f.Offset != "" || f.cursor != "" && f.Numbered() != "" {
		return fmt.Errorf("write one of --page, --offset and --cursor")
	}
	if f.Cursor, f.CursorAt, _ = strings.Cut(f.cursor, "="); (f.Cursor == "" || f.CursorAt == "") && f.cursor != "" {
		return fmt.Errorf("--cursor %s: write the parameter and where a page has its value, like cursor=meta.next_cursor", f.cursor)
	}
	f.Pause = time.Duration(float64(time.Second) / f.rate)
	if f.Header, err = pairs("--header", f.header, ":"); err != nil {
		return err
	}
	if f.Placeholder, err = pairs("--placeholder", f.placeholder, "="); err != nil {
		return err
	}
	return f.crawl(cmd, args[0])
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

// crawl has the server take one step after the other, and shows how far it is.
func (f *seedFlags) crawl(cmd *cobra.Command, resource string) error {
	query := url.Values{}
	if f.again {
		query.Set("again", "1")
	}
	for {
		var st view.SeedState
		if err := f.ask(http.MethodPost, "/sidehook/seed/"+url.PathEscape(resource), query, &f.SeedRequest, &st); err != nil {
			return err
		}
		query = nil
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

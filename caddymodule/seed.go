package caddymodule

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// Bounds of a crawl.
const (
	seedTimeout  = 30 * time.Second // of one GET
	seedQuiet    = time.Minute      // how long calls that were open during a page are waited for
	seedSamples  = 3                // entities that are asked for, to see whether lists show all of them
	seedEntryB   = 4 << 20          // bytes of entities in one journal entry, about
	maxSeedPages = 100_000
)

// seedRequest is what `sidehook seed` asks for.
type seedRequest struct {
	API         string            `json:"api,omitempty"`
	Path        string            `json:"path,omitempty"`  // of the list; "": the resource's
	Query       string            `json:"query,omitempty"` // of the first page
	Items       string            `json:"items,omitempty"` // path of the list in a page; "": found
	Page        string            `json:"page,omitempty"`  // parameter that numbers the pages
	Offset      string            `json:"offset,omitempty"`
	Full        string            `json:"full"` // auto, list, each
	Pause       time.Duration     `json:"pause"`
	Header      map[string]string `json:"header,omitempty"`
	Placeholder map[string]string `json:"placeholder,omitempty"`
}

// seedState is how far a crawl has come. It is kept after each page, so that the
// next step, of this process or a later one, goes on there.
type seedState struct {
	Request  seedRequest   `json:"request"`
	Resource string        `json:"resource"`
	Next     string        `json:"next,omitempty"` // what is to be asked for next
	Number   int           `json:"number"`         // of the page, or the offset, that is next
	Full     string        `json:"full,omitempty"` // list or each, once that is known
	First    string        `json:"first,omitempty"`
	Pages    int           `json:"pages"`
	Entities int           `json:"entities"`
	Unnamed  int           `json:"unnamed"` // elements without an id
	Missing  int           `json:"missing"` // entities of which no GET showed anything
	Done     bool          `json:"done"`
	Note     string        `json:"note,omitempty"`
	Wait     time.Duration `json:"wait,omitempty"` // the API asks for patience
	Began    time.Time     `json:"began"`
	Ended    time.Time     `json:"ended,omitzero"`
}

// seeding is held while a step is taken: one at a time, so that crawls are slow.
type seeding struct{ sync.Mutex }

var errSeedBusy = badRequest{"another step of a seed is being taken: seed one resource at a time"}

// seedStep takes the next step of a crawl: one page.
func seedStep(e *engine, r *http.Request) (any, error) {
	if !e.seeding.TryLock() {
		return nil, errSeedBusy
	}
	defer e.seeding.Unlock()
	var q seedRequest
	body, err := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(body, &q); err != nil {
		return nil, badRequest{"the request is no JSON of a seed: " + err.Error()}
	}
	s, err := newSeeder(e, r.Context(), r.PathValue("resource"), q, r.URL.Query().Get("again") != "")
	if err != nil {
		return nil, err
	}
	if s.state.Done {
		return &s.state, nil
	}
	if err := s.page(); err != nil {
		return nil, err
	}
	return &s.state, s.save()
}

// seeder takes one step of a crawl.
type seeder struct {
	e     *engine
	h     *liveHandler
	ctx   context.Context
	list  *rules.Match
	state seedState
	file  string

	header map[string]string // of each GET, beside the origin's; of state they are hashes
}

// newSeeder finds out who is asked and for what, and how far the crawl has come.
func newSeeder(e *engine, ctx context.Context, resource string, q seedRequest, again bool) (*seeder, error) {
	h, err := e.seedHandler(q.API, resource)
	if err != nil {
		return nil, err
	}
	s := &seeder{e: e, h: h, ctx: ctx, header: q.Header}
	if s.list, err = h.program.MatchList(resource, q.Path); err != nil {
		return nil, badRequest{err.Error()}
	}
	q.API = h.program.API()
	if q.Path == "" {
		q.Path = s.list.ListPath()
	}
	request := s.request(q)
	if s.list.Tenantless(&request, q.Placeholder) {
		return nil, badRequest{"entities of " + resource + " belong to tenants: say whose list this is, with --header or --placeholder as `tenant` reads it"}
	}
	q.Header = hashed(q.Header)
	s.file = seedFile(e.dir, q.API, resource, q.Path)
	return s, s.load(resource, q, again)
}

// seedHandler returns the handler of the api that has the resource, and an
// origin.
func (e *engine) seedHandler(api, resource string) (*liveHandler, error) {
	var found *liveHandler
	known := false
	for _, hs := range e.current().handlers {
		h := hs.live
		if h == nil || api != "" && h.program.API() != api {
			continue
		}
		if _, err := h.program.MatchList(resource, ""); err != nil && !hasResource(h.program, resource) {
			continue
		}
		known = true
		if h.origin == nil {
			continue
		}
		if found != nil && found.program.API() != h.program.API() {
			return nil, badRequest{"several apis have a resource " + resource + ": choose with --api"}
		}
		found = h
	}
	switch {
	case found != nil:
		return found, nil
	case known:
		return nil, badRequest{"nobody may ask the API: add `origin`, and `credential` if it wants one, to the sidehook block of " + resource}
	}
	return nil, badRequest{"no sidehook block has a resource " + resource}
}

func hasResource(p *rules.Program, name string) bool {
	for _, s := range p.Scopes() {
		if s.Resource == name {
			return true
		}
	}
	return false
}

// page reads the next page, journals what it shows, and finds out what is next.
func (s *seeder) page() error {
	st := &s.state
	st.Wait, st.Note = 0, ""
	x := &webhook.Exchange{
		API: s.h.program.API(), Config: s.h.config, Seed: st.Resource, Service: true, Ending: webhook.Completed,
		Started: wallTime(time.Now()), Request: s.request(st.Request), Placeholders: st.Request.Placeholder,
	}
	a, err := s.get(st.Next)
	if err != nil {
		return err
	}
	if a.status == http.StatusTooManyRequests || a.status == http.StatusServiceUnavailable {
		st.Wait = patienceAsked(a.header)
		return nil
	}
	if a.status != http.StatusOK {
		return fmt.Errorf("the API answered GET %s with %d: the crawl is at that page, and goes on there when it is asked to again", st.Next, a.status)
	}
	page, err := s.list.ReadPage(st.Request.Items, a.seen.body(), a.kept)
	if err != nil {
		return badRequest{fmt.Sprintf("GET %s: %v", st.Next, err)}
	}
	shown, err := s.whole(&page)
	if err != nil {
		return err
	}
	if err := s.journal(x, a, shown); err != nil {
		return err
	}
	st.Pages++
	st.Entities += len(page.Listed)
	st.Unnamed += page.Unnamed
	s.turn(&page, a.header)
	return nil
}

// request is what the journaled request of a page says: what tenants and views
// depend on.
func (s *seeder) request(q seedRequest) webhook.Request {
	header := http.Header{}
	for name, value := range s.header {
		header.Set(name, value)
	}
	return webhook.Request{Method: http.MethodGet, Path: q.Path, Header: keepHeader(header, s.h.requestHeaders.names)}
}

// get makes one GET of the origin, after the pause that the API is left.
func (s *seeder) get(target string) (*answer, error) {
	timer := time.NewTimer(s.state.Request.Pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.ctx.Done():
		return nil, s.ctx.Err()
	}
	ctx, cancel := context.WithTimeout(s.ctx, seedTimeout)
	defer cancel()
	names := append([]string{"Link"}, s.h.responseHeaders.names...)
	a := &answer{keep: names, seen: capture{limit: mostBody, budget: s.h.budget}}
	r, err := s.h.origin.request(ctx, target, "")
	if err != nil {
		return nil, badRequest{err.Error()}
	}
	for name, value := range s.header {
		r.Header.Set(name, value)
	}
	o := &webhook.Observation{Requested: time.Now()}
	err = s.h.origin.ask(r, a)
	a.seen.release()
	o.Received, o.Status = time.Now(), a.status
	stats.fetched("seed", o)
	if err != nil {
		return nil, fmt.Errorf("GET %s: %w", target, err)
	}
	return a, nil
}

// whole returns the page's entities as a GET of each shows them: as they are in
// the list if that shows all there is, else by as many GETs.
func (s *seeder) whole(page *rules.Page) ([]json.RawMessage, error) {
	st := &s.state
	if st.Full == "" && len(page.Listed) > 0 {
		full, err := s.listsShowAll(page)
		if err != nil {
			return nil, err
		}
		st.Full = "each"
		if full {
			st.Full = "list"
		}
	}
	shown := make([]json.RawMessage, 0, len(page.Listed))
	for _, l := range page.Listed {
		if st.Full != "each" {
			shown = append(shown, l.Entity)
			continue
		}
		entity, err := s.one(l)
		if err != nil {
			return nil, err
		}
		if entity == nil {
			st.Missing++
			continue
		}
		shown = append(shown, entity)
	}
	return shown, nil
}

// listsShowAll reports whether a few entities of a page have in it all the
// fields that they have by themselves.
func (s *seeder) listsShowAll(page *rules.Page) (bool, error) {
	for _, l := range page.Listed[:min(len(page.Listed), seedSamples)] {
		if l.Path == "" {
			return false, errNoItem
		}
		a, err := s.get(l.Path)
		if err != nil {
			return false, err
		}
		if a.status == http.StatusNotFound {
			continue // deleted meanwhile
		}
		all, err := s.list.ShowsAll(l.Entity, a.seen.body(), a.kept)
		if a.status != http.StatusOK || err != nil {
			return false, badRequest{fmt.Sprintf("GET %s answered %d, so that it cannot be told whether lists show all there is: say so with --full list or --full each", l.Path, a.status)}
		}
		if !all {
			return false, nil
		}
	}
	return true, nil
}

// one returns an entity as a GET shows it, nil if it does not.
func (s *seeder) one(l rules.Listed) (json.RawMessage, error) {
	if l.Path == "" {
		return nil, errNoItem
	}
	a, err := s.get(l.Path)
	if err != nil || a.status != http.StatusOK {
		return nil, err
	}
	return s.list.Shown(l.ID, a.seen.body(), a.kept), nil
}

// journal appends a page, in as many entries as it needs, once all calls have
// ended that were open while it was read: what they did may be in it.
func (s *seeder) journal(x *webhook.Exchange, a *answer, shown []json.RawMessage) error {
	ctx, cancel := context.WithTimeout(s.ctx, seedQuiet)
	defer cancel()
	if err := s.e.traffic.Quiesce(ctx); err != nil {
		return fmt.Errorf("calls that were open while %s was read have not ended in %s, and what they do may be in it: ask again", s.state.Next, seedQuiet)
	}
	x.Ended = wallTime(time.Now())
	x.Response = webhook.Response{Status: http.StatusOK, Header: webhook.Header{"Content-Type": {"application/json"}}}
	for _, name := range []string{"Vary", "Content-Language"} {
		if v := a.kept[name]; len(v) > 0 {
			x.Response.Header[name] = v
		}
	}
	for len(shown) > 0 {
		n, size := 0, 0
		for n < len(shown) && (n == 0 || size+len(shown[n]) < seedEntryB) {
			size += len(shown[n])
			n++
		}
		entry := *x
		entry.ID = webhook.NewExchangeID(time.Now())
		entry.Response.Body.Bytes = slicesJoin(shown[:n])
		if s.list.Redacts() {
			entry.Response.Body = s.list.Redact(entry.Response.Body, entry.Response.Header)
		}
		if err := s.e.journal.End(s.ctx, &entry, false); err != nil {
			return err
		}
		shown = shown[n:]
	}
	return nil
}

// slicesJoin returns values as a JSON array.
func slicesJoin(values []json.RawMessage) []byte {
	var b bytes.Buffer
	b.WriteByte('[')
	for i, v := range values {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(v)
	}
	b.WriteByte(']')
	return b.Bytes()
}

// patienceAsked returns how long an answer asks to wait, within bounds.
func patienceAsked(h http.Header) time.Duration {
	const least, most = 5 * time.Second, 5 * time.Minute
	seconds, err := time.ParseDuration(h.Get("Retry-After") + "s")
	if err != nil {
		return least
	}
	return min(max(seconds, least), most)
}

// firstTarget returns what is asked for first, and its number: the one in the
// query, else page 1, or offset 0.
func firstTarget(q *seedRequest) (target string, number int) {
	values, _ := url.ParseQuery(q.Query)
	if q.Page != "" {
		number = 1
	}
	if n, err := strconv.Atoi(values.Get(q.numbered())); err == nil {
		number = n
	}
	target = q.Path
	if q.Query != "" {
		target += "?" + q.Query
	}
	return withNumber(target, q, number), number
}

// numbered returns the parameter that says which page is meant, "" if none does.
func (q *seedRequest) numbered() string {
	if q.Page != "" {
		return q.Page
	}
	return q.Offset
}

// withNumber sets the parameter that says which page is meant.
func withNumber(target string, q *seedRequest, number int) string {
	name := q.numbered()
	u, err := url.Parse(target)
	if name == "" || err != nil {
		return target
	}
	values := u.Query()
	values.Set(name, fmt.Sprint(number))
	u.RawQuery = values.Encode()
	return u.RequestURI()
}

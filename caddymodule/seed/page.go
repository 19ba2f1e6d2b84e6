package seed

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/sidehook/sidehook/caddymodule/capture"
	"github.com/sidehook/sidehook/caddymodule/metrics"
	"github.com/sidehook/sidehook/caddymodule/problem"
	"github.com/sidehook/sidehook/caddymodule/view"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// page reads the next page, journals what it shows, and finds out what is next.
func (s *seeder) page() error {
	st := &s.state
	st.Wait, st.Note = 0, ""
	x := &webhook.Exchange{
		API: s.h.Program.API(), Config: s.h.Config, Seed: st.Resource, Service: true, Ending: webhook.Completed,
		Started: capture.WallTime(time.Now()), Request: s.request(st.Request), Placeholders: st.Request.Placeholder,
	}
	a, err := s.get(st.Next)
	if err != nil {
		return err
	}
	if a.Status == http.StatusTooManyRequests || a.Status == http.StatusServiceUnavailable {
		st.Wait = patienceAsked(a.Header())
		return nil
	}
	if a.Status != http.StatusOK {
		return fmt.Errorf("the API answered GET %s with %d: the crawl is at that page, and goes on there when it is asked to again", st.Next, a.Status)
	}
	page, err := s.list.ReadPage(st.Request.Items, st.Request.CursorAt, a.Captured(), a.Kept)
	if err != nil {
		return problem.New(http.StatusBadRequest, "GET %s: %v", st.Next, err)
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
	s.next(&page, a.Header())
	return nil
}

// request is what the journaled request of a page says: what tenants and views
// depend on.
func (s *seeder) request(q view.SeedRequest) webhook.Request {
	header := http.Header{}
	for name, value := range s.header {
		header.Set(name, value)
	}
	return webhook.Request{Method: http.MethodGet, Path: q.Path, Header: s.h.KeepRequest(header)}
}

// get makes one GET of the origin, after the pause that the API is left.
func (s *seeder) get(path string) (*capture.Answer, error) {
	timer := time.NewTimer(s.state.Request.Pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.ctx.Done():
		return nil, s.ctx.Err()
	}
	ctx, cancel := context.WithTimeout(s.ctx, getTimeout)
	defer cancel()
	names := append([]string{"Link"}, s.h.KeptOfResponses()...)
	a := capture.NewAnswer(names, capture.MostBody, s.h.Budget)
	r, err := s.h.Origin.Request(ctx, path, "")
	if err != nil {
		return nil, problem.New(http.StatusBadRequest, "%s", err)
	}
	for name, value := range s.header {
		r.Header.Set(name, value)
	}
	o := &webhook.Observation{Requested: time.Now()}
	err = s.h.Origin.Ask(r, a)
	a.Release()
	o.Received, o.Status = time.Now(), a.Status
	metrics.Process.Fetched("seed", o)
	if err != nil {
		return nil, fmt.Errorf("GET %s: %w", path, err)
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
	for _, l := range page.Listed[:min(len(page.Listed), samples)] {
		if l.Path == "" {
			return false, capture.ErrNoItem
		}
		a, err := s.get(l.Path)
		if err != nil {
			return false, err
		}
		if a.Status == http.StatusNotFound {
			continue // deleted meanwhile
		}
		all, err := s.list.ShowsAll(l.Entity, a.Captured(), a.Kept)
		if a.Status != http.StatusOK || err != nil {
			return false, problem.New(http.StatusBadRequest, "GET %s answered %d, so that it cannot be told whether lists show all there is: say so with --full list or --full each", l.Path, a.Status)
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
		return nil, capture.ErrNoItem
	}
	a, err := s.get(l.Path)
	if err != nil || a.Status != http.StatusOK {
		return nil, err
	}
	return s.list.Shown(l.ID, a.Captured(), a.Kept), nil
}

// journal appends a page, in as many entries as it needs, once all calls have
// ended that were open while it was read: what they did may be in it.
func (s *seeder) journal(x *webhook.Exchange, a *capture.Answer, shown []json.RawMessage) error {
	ctx, cancel := context.WithTimeout(s.ctx, quietTime)
	defer cancel()
	if err := s.e.Traffic().Quiesce(ctx); err != nil {
		return fmt.Errorf("calls that were open while %s was read have not ended in %s, and what they do may be in it: ask again", s.state.Next, quietTime)
	}
	x.Ended = capture.WallTime(time.Now())
	x.Response = webhook.Response{Status: http.StatusOK, Header: webhook.Header{"Content-Type": {"application/json"}}}
	for _, name := range []string{"Vary", "Content-Language"} {
		if v := a.Kept[name]; len(v) > 0 {
			x.Response.Header[name] = v
		}
	}
	for len(shown) > 0 {
		n, size := 0, 0
		for n < len(shown) && (n == 0 || size+len(shown[n]) < entryBytes) {
			size += len(shown[n])
			n++
		}
		entry := *x
		entry.ID = webhook.NewExchangeID(time.Now())
		entry.Response.Body.Bytes = jsonArray(shown[:n])
		if s.list.Redacts() {
			entry.Response.Body = s.list.Redact(entry.Response.Body, entry.Response.Header)
		}
		if err := s.e.Journal.End(s.ctx, &entry, false); err != nil {
			return err
		}
		shown = shown[n:]
	}
	return nil
}

// jsonArray returns values as one array.
func jsonArray(values []json.RawMessage) []byte {
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

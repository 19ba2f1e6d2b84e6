package cases

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// read makes the exchange of a case's call, which takes 20 ms.
func (r *runner) read(e *exchange) (*webhook.Exchange, error) {
	words := strings.Fields(e.request.first)
	if len(words) < 2 {
		return nil, fmt.Errorf("a request begins with its method and path, like PATCH /orders/o-1; got %q", e.request.first)
	}
	path, query, _ := strings.Cut(words[1], "?")
	later, err := e.request.duration("later")
	if err != nil {
		return nil, err
	}
	earlier, err := e.request.duration("earlier")
	if err != nil {
		return nil, err
	}
	r.n++
	x := &webhook.Exchange{
		API: r.p.API(), Started: r.now.Add(later + time.Second), Overlapped: e.request.has("overlapped"),
		Placeholders: map[string]string{},
	}
	binary.BigEndian.PutUint64(x.ID[8:], uint64(r.n))
	x.Ended = x.Started.Add(20 * time.Millisecond)
	x.Started = x.Started.Add(-earlier)
	for _, text := range e.request.options["placeholder"] {
		name, value, _ := strings.Cut(text, " ")
		x.Placeholders[name] = value
	}
	x.Request = webhook.Request{
		Method: words[0], Path: path, Query: query,
		SkipKey: e.request.header.Get(r.p.SkipHeader()),
	}
	if e.request.has("caller") {
		x.Request.Caller = []byte(e.request.option("caller"))
	}
	if x.Request.Body, err = e.request.captured(); err != nil {
		return nil, err
	}
	if x.Response.Status, x.Ending, err = e.answer.status(); err != nil {
		return nil, err
	}
	if x.Response.Body, err = e.answer.captured(); err != nil {
		return nil, err
	}
	x.Request.Header = kept(e.request.header, r.p.RequestHeaders())
	x.Response.Header = kept(e.answer.header, r.p.ResponseHeaders())
	if x.Ending != webhook.Completed {
		x.Response.Body = webhook.Body{Missing: webhook.CutOff}
	}
	if e.getBefore != nil {
		x.Before, err = observation(e.getBefore, x.Started)
	}
	return x, err
}

func observation(p *part, at time.Time) (*webhook.Observation, error) {
	status, _, err := p.status()
	if err != nil {
		return nil, err
	}
	took, err := p.duration("took")
	if err != nil {
		return nil, err
	}
	body, err := p.captured()
	return &webhook.Observation{Requested: at.Add(-took), Received: at, Service: p.has("service"), Status: status, Header: p.header, Body: body}, err
}

// kept returns what a capture keeps of h: its fields of those names.
func kept(h webhook.Header, names []string) webhook.Header {
	out := webhook.Header{}
	for _, name := range names {
		if v := h[name]; len(v) > 0 {
			out[name] = v
		}
	}
	return out
}

// seed makes the before section the snapshot of the first entity.
func (r *runner) seed(plan *rules.Plan, x *webhook.Exchange) error {
	if r.before == nil || len(plan.Subjects) == 0 {
		return nil
	}
	p := r.before
	r.before = nil
	s := webhook.Snapshot{
		Key: plan.Subjects[0].Key, Sequence: 1, Seen: x.Started.Add(-time.Second), Via: webhook.FromFetch,
		View: "get", ETag: p.option("etag"), Version: p.option("version"),
	}
	if v := p.option("view"); v != "" {
		s.View = v
	}
	if n := p.option("sequence"); n != "" {
		var err error
		if s.Sequence, err = strconv.ParseUint(n, 10, 64); err != nil {
			return fmt.Errorf("before: %w", err)
		}
	}
	later, err := p.duration("later")
	if err != nil {
		return fmt.Errorf("before: %w", err)
	}
	s.Seen = s.Seen.Add(-later)
	if s.Deleted = p.has("deleted"); !s.Deleted && strings.TrimSpace(p.body) != "" {
		s.Body = []byte(strings.TrimSpace(p.body))
	}
	if p.has("stale") {
		s.Stale = s.Seen
	}
	if u := p.option("unknown"); u != "" {
		s.Unknown = strings.Fields(u)
	}
	r.snapshots[s.Key] = s
	r.order = append(r.order, s.Key)
	return nil
}

package look

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sidehook/sidehook/caddymodule/capture"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// Origin is an origin as subscribers' own GETs ask it: over connections of
// its own, so that those which hang take none from the GETs that calls wait for.
type Origin struct {
	*capture.Origin
	service http.Header // for what the operator expands without a credential
	maxBody int64
	budget  *capture.Budget
	logger  *slog.Logger
	said    atomic.Int64 // when it was last logged that the API was not reached, in unix seconds
}

// NewOrigin returns the origin at base, for a handler with options o. What the
// operator expands without a credential is asked for with the header service.
func NewOrigin(base string, service http.Header, o *capture.Options) *Origin {
	return &Origin{Origin: capture.NewOrigin(base, nil, looksOfAPI), service: service, maxBody: o.MaxBody, budget: o.Budget, logger: o.Logger}
}

// Close closes the connections that no GET uses. A nil origin has none.
func (o *Origin) Close() {
	if o != nil {
		o.Origin.Close()
	}
}

var (
	errTime  = errors.New("no answer within " + getTimeout.String())
	errReach = errors.New("the API could not be reached")
	errBroke = errors.New("the answer broke off")
	errFull  = errors.New("there was no memory for the answer")
)

// get makes one GET of target with c, or as the service if c is none. Its error
// says nothing of where the origin is. Of the body it reads as much as max_body
// allows, or if it is not wanted whole what lets the connection be used again.
//
// It carries of, which says about which tenant's entity it is.
func (o *Origin) get(ctx context.Context, target string, c webhook.Credential, whole bool, of webhook.Header) (a answer) {
	ctx, cancel := context.WithTimeout(ctx, getTimeout)
	defer cancel()
	r, err := o.Request(ctx, target, "")
	if err != nil {
		a.err = errReach
		return a
	}
	maps.Copy(r.Header, of)
	if c.IsZero() {
		maps.Copy(r.Header, o.service)
	} else {
		r.Header[c.Header] = []string{c.Value.Reveal()}
	}
	res, err := o.Do(r)
	if err != nil {
		if a.err = errReach; ctx.Err() != nil {
			a.err = errTime
		}
		o.say(err)
		return a
	}
	defer res.Body.Close()
	a.status, a.header = res.StatusCode, res.Header
	if !whole || a.status < 200 || a.status > 299 {
		_, _ = io.CopyN(io.Discard, res.Body, maxDrain) // an answer that breaks off has said yes or no
		return a
	}
	kept := capture.NewBody(o.maxBody, res.ContentLength, o.budget)
	defer kept.Release()
	_, err = io.Copy(kept, res.Body)
	switch a.body = kept.Captured(); {
	case a.body.Missing == webhook.TooLarge:
	case a.body.Missing != webhook.NotMissing:
		a.err = errFull
	case err != nil && ctx.Err() != nil:
		a.err = errTime
	case err != nil:
		a.err = errBroke
	}
	return a
}

// say logs, once a minute at most, why the API was not reached. Subscribers are not
// told: it says where the origin is.
func (o *Origin) say(err error) {
	now, last := time.Now().Unix(), o.said.Load()
	if o.logger == nil || now-last < 60 || !o.said.CompareAndSwap(last, now) {
		return
	}
	if of := new(url.Error); errors.As(err, &of) {
		err = of.Err
	}
	o.logger.Warn("the API did not answer a GET as a subscriber at its origin: what waits for that is not delivered", "error", err)
}

// maxDrain is how much of an answer is read that is not wanted, in bytes.
const maxDrain = 64 << 10

// Item is the entity of ev behind o: m is the match of path, its own, in which it is
// called name.
func (o *Origin) Item(ev *webhook.Event, m *rules.Match, path, name string) *Item {
	of := m.TenantNamed(ev.Tenant)
	get := func(ctx context.Context, target string, c webhook.Credential, whole bool) answer {
		return o.get(ctx, target, c, whole, of)
	}
	return &Item{api: ev.Key.API, match: m, path: path, name: name, get: get}
}

// Path is path with the parameters that s wants in its GET.
func Path(path string, s *webhook.Subscription) string {
	parameters := s.Query
	if len(s.Expand) > 0 {
		parameters = append([]webhook.QueryParameter{{Name: "expand", Values: s.Expand}}, s.Query...)
	}
	var parts []string
	for _, q := range parameters {
		var values []string
		for _, v := range q.Values {
			values = append(values, url.QueryEscape(v))
		}
		between := ","
		if strings.HasSuffix(q.Name, "[]") { // each has a parameter of its own
			between = "&" + url.QueryEscape(q.Name) + "="
		}
		parts = append(parts, url.QueryEscape(q.Name)+"="+strings.Join(values, between))
	}
	if len(parts) == 0 {
		return path
	}
	return path + "?" + strings.Join(parts, "&")
}

package capture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sidehook/sidehook/internal/version"
	"github.com/sidehook/sidehook/webhook"
)

// originDialTime bounds what is left of a GET of the origin that nobody waits
// for any more: its connection.
const originDialTime = 5 * time.Second

// Origin is where GETs go that cannot be made as the caller, and as whom: the
// service whose credential the operator gave.
type Origin struct {
	Base   string      // without a slash at its end
	header http.Header // of every GET; never changed
	client *http.Client
}

// NewOrigin returns the origin at base, which is asked with the header service
// on at most so many connections. The environment names no proxy for it.
func NewOrigin(base string, service http.Header, connections int) *Origin {
	header := http.Header{
		"Accept":          {"application/json"},
		"Accept-Encoding": {"identity"},
		"Cache-Control":   {"no-cache"},
		"User-Agent":      {"sidehook/" + version.Number},
	}
	maps.Copy(header, service)
	return &Origin{
		Base: strings.TrimRight(base, "/"), header: header,
		client: &http.Client{
			Transport: &http.Transport{
				DialContext:         (&net.Dialer{Timeout: originDialTime}).DialContext,
				TLSHandshakeTimeout: originDialTime,
				ForceAttemptHTTP2:   true,
				DisableCompression:  true,
				MaxConnsPerHost:     connections, MaxIdleConnsPerHost: connections,
				IdleConnTimeout:        time.Minute,
				MaxResponseHeaderBytes: 1 << 20,
			},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// Close closes the connections that no GET uses, and the others once their
// GETs end. A nil origin has none.
func (o *Origin) Close() {
	if o != nil {
		o.client.CloseIdleConnections()
	}
}

// Do makes a request of its own. A redirect is an answer.
func (o *Origin) Do(r *http.Request) (*http.Response, error) { return o.client.Do(r) }

// prepare returns what sends the GET of target, on the condition that it is not
// what etag validates, and writes the answer to a. of says about which tenant's;
// what the operator has the origin sent counts more.
func (o *Origin) prepare(ctx context.Context, a *Answer, target, etag string, of webhook.Header) (send func() error, err error) {
	r, err := o.Request(ctx, target, etag)
	if err != nil {
		return nil, err
	}
	for name, values := range of {
		if _, said := o.header[name]; !said {
			r.Header[name] = slices.Clone(values)
		}
	}
	return func() error { return o.Ask(r, a) }, nil
}

// Request returns the GET of target. A stranger wrote parts of target: it may not
// climb out of where it points.
func (o *Origin) Request(ctx context.Context, target, etag string) (*http.Request, error) {
	if !PlainPath(target) {
		return nil, fmt.Errorf("fetch %s from the origin: it is no plain path", target)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, o.Base+target, nil)
	if err != nil {
		return nil, fmt.Errorf("fetch %s from the origin: %w", target, err)
	}
	r.Header = o.header.Clone()
	if etag != "" {
		r.Header.Set("If-None-Match", etag)
	}
	return r, nil
}

// PlainPath reports whether target, a path and perhaps a query, is one of which a
// GET can be made: no part of the path means another one.
func PlainPath(target string) bool {
	u, err := url.ParseRequestURI(target)
	if err != nil || !strings.HasPrefix(target, "/") {
		return false
	}
	return !slices.ContainsFunc(strings.Split(u.Path, "/"), func(part string) bool { return part == "." || part == ".." })
}

// Ask sends r and writes the answer to a.
func (o *Origin) Ask(r *http.Request, a *Answer) error {
	res, err := o.client.Do(r)
	if err != nil {
		if outer, ok := errors.AsType[*url.Error](err); ok {
			err = outer.Err // the outer one says the URL, which the exchange tells
		}
		return fmt.Errorf("ask the origin: %w", err)
	}
	defer res.Body.Close()
	a.header = res.Header
	a.WriteHeader(res.StatusCode)
	if a.seen.missing != webhook.NotMissing {
		return nil
	}
	if _, err := io.Copy(struct{ io.Writer }{a}, res.Body); err != nil {
		return a.brokeOff()
	}
	return nil
}

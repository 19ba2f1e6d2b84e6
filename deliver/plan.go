package deliver

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// plan is a subscription compiled: what every attempt has in common.
type plan struct {
	sub         *webhook.Subscription
	request     *http.Request // the template of every request; has no body
	shown       string        // scheme and host of the URL: the rest may be a secret
	headers     []headerLine
	fixed       int // how many headers every request has, about
	signer      signer
	transport   http.RoundTripper
	timeout     time.Duration
	concurrency int
	userAgent   []string
	masks       []string // headers whose values records do not show
	looks       bool     // a GET as the subscriber decides what is sent
	shows       bool     // such a GET shows what is sent

	of      map[string]*plan // what it is for some resources, where that is something else
	longest time.Duration    // the timeout, or that of one of these
}

// Check returns an error that says why nothing could be delivered to s, or nil:
// its URL, its secrets, or a header or a signature that we cannot make.
func Check(s *webhook.Subscription) error {
	_, err := compile(s, "")
	return err
}

// compile makes the plan of s, without a transport.
func compile(s *webhook.Subscription, version string) (*plan, error) {
	p := &plan{
		sub:         s,
		timeout:     s.Timeout,
		concurrency: s.Concurrency,
		userAgent:   []string{"sidehook/" + version},
	}
	if p.timeout <= 0 {
		p.timeout = defaultTimeout
	}
	if p.concurrency <= 0 {
		p.concurrency = defaultConcurrency
	}
	u, err := checkURL(s.URL)
	if err != nil {
		return nil, err
	}
	p.shown = webhook.OriginOf(s.URL)
	if p.headers, err = compileHeaders(s.Headers); err != nil {
		return nil, err
	}
	if u.User != nil {
		p.headers = append(p.headers, basicAuth(u.User))
		u.User = nil
	}
	if p.signer, err = newSigner(s); err != nil {
		return nil, err
	}
	p.request = &http.Request{
		Method: http.MethodPost, URL: u, Host: u.Host,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	p.fixed = 7 + len(p.headers)
	p.masks = masks(p.headers, s.Sign)
	p.shows = s.Shows()
	if p.longest, p.looks = p.timeout, s.Looks(); p.looks {
		p.concurrency = min(p.concurrency, webhook.MaxLooks)
	}
	for resource, v := range s.For {
		if p.of == nil {
			p.of = make(map[string]*plan, len(s.For))
		}
		of, err := compile(v, version)
		if err != nil {
			return nil, fmt.Errorf("for %s: %w", resource, err)
		}
		p.of[resource], p.longest = of, max(p.longest, of.timeout)
		p.looks, p.shows, p.concurrency = p.looks || of.looks, p.shows || of.shows, min(p.concurrency, of.concurrency)
	}
	return p, nil
}

// through makes p and what it is for some resources use a transport.
func (p *plan) through(t http.RoundTripper) {
	p.transport = t
	for _, of := range p.of {
		of.transport = t
	}
}

// as returns what p is for the events of a resource.
func (p *plan) as(resource string) *plan {
	if p.of == nil {
		return p
	}
	if of := p.of[resource]; of != nil {
		return of
	}
	return p
}

// checkURL reads the URL of a subscription.
func checkURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, errors.New("the URL cannot be read; write one like https://crm.example.com/hooks")
	case u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		return nil, errors.New("the URL has no http:// or https:// with a host; write one like https://crm.example.com/hooks")
	}
	u.Fragment, u.RawFragment = "", ""
	return u, nil
}

// basicAuth is the header for a URL's user and password (RFC 7617).
func basicAuth(user *url.Userinfo) headerLine {
	password, _ := user.Password()
	value := "Basic " + base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password))
	return headerLine{name: "Authorization", fixed: []string{value}, secret: true}
}

package subscription

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"

	"github.com/sidehook/sidehook/caddymodule/source"
	"github.com/sidehook/sidehook/deliver"
	"github.com/sidehook/sidehook/webhook"
)

// Egress says how receivers are reached, where that is not straight over the
// Internet. Nothing of it is read from the environment by itself.
type Egress struct {
	// Proxy is the URL of an HTTP proxy, http:// or https://, that all requests go
	// through. A user and a password in it are for the proxy, best given as
	// {env.NAME}. In a subscription, none is none. Receivers of subscriptions that
	// may not be at private addresses are looked up here, and the proxy is asked
	// for the address that was looked at.
	Proxy string `json:"proxy,omitempty"`

	// Resolvers are the addresses of the DNS servers that are asked for receivers'
	// names, with a port or 53. Default: the system's.
	Resolvers []string `json:"resolvers,omitempty"`

	// TrustedCA are files with certificates (PEM) of authorities that are trusted
	// beside the system's. They are read when the configuration is loaded.
	TrustedCA []string `json:"trusted_ca,omitempty"`

	// ClientCertificate is what receivers are shown that ask who we are.
	ClientCertificate *ClientCertificate `json:"client_certificate,omitempty"`
}

// ClientCertificate is two files, read when the configuration is loaded.
type ClientCertificate struct {
	// Certificate (PEM), with those between it and its authority behind it.
	Certificate string `json:"certificate"`

	// Key (PEM) of the certificate.
	Key string `json:"key"`
}

// over returns e with what it leaves out as all has it; both may be nil.
func (e *Egress) over(all *Egress) *Egress {
	if e == nil || all == nil {
		return cmp.Or(e, all)
	}
	out := *e
	out.Proxy = cmp.Or(e.Proxy, all.Proxy)
	out.ClientCertificate = cmp.Or(e.ClientCertificate, all.ClientCertificate)
	if len(e.Resolvers) == 0 {
		out.Resolvers = all.Resolvers
	}
	if len(e.TrustedCA) == 0 {
		out.TrustedCA = all.TrustedCA
	}
	return &out
}

// build returns e with its files read; nil is nil.
func (e *Egress) build() (*webhook.Egress, error) {
	if e == nil {
		return nil, nil
	}
	out := new(webhook.Egress)
	if err := checkProxy(e.Proxy); err != nil && e.Proxy != "" {
		return nil, err
	}
	if e.Proxy != None {
		proxy, err := source.Read(e.Proxy)
		if err != nil {
			return nil, fmt.Errorf("proxy: %w", err)
		}
		if err := checkProxy(proxy); err != nil && proxy != "" {
			return nil, err
		}
		out.Proxy = webhook.NewSecret(proxy)
	}
	for _, r := range e.Resolvers {
		address, err := resolverAddress(r)
		if err != nil {
			return nil, err
		}
		out.Resolvers = append(out.Resolvers, address)
	}
	for _, name := range e.TrustedCA {
		text, err := source.File(name)
		if err != nil {
			return nil, fmt.Errorf("trusted_ca: %w", err)
		}
		if err := deliver.CheckEgress(&webhook.Egress{TrustedCA: []byte(text)}); err != nil {
			return nil, fmt.Errorf("%w: %s", err, name)
		}
		out.TrustedCA = append(append(out.TrustedCA, text...), '\n')
	}
	if c := e.ClientCertificate; c != nil {
		certificate, err := source.File(c.Certificate)
		if err != nil {
			return nil, fmt.Errorf("client_certificate: %w", err)
		}
		key, err := source.File(c.Key)
		if err != nil {
			return nil, fmt.Errorf("client_certificate: %w", err)
		}
		out.Certificate, out.Key = []byte(certificate), webhook.NewSecret(key)
	}
	return out, deliver.CheckEgress(out)
}

// BuildEgress returns how receivers are reached where a subscription does not say
// otherwise, with its files read; nil: straight.
func (c Common) BuildEgress() (*webhook.Egress, error) {
	if c.Egress != nil && c.Egress.Proxy == None {
		return nil, errors.New("egress: proxy none: leave it out: no proxy is used that is not written here")
	}
	return c.readEgress(c.Egress)
}

// egressOf returns how the receiver of s is reached; nil: as all.
func (c Common) egressOf(s *Subscription) (*webhook.Egress, error) {
	if s.Egress == nil {
		return nil, nil
	}
	return c.readEgress(s.Egress.over(c.Egress))
}

// readEgress returns e with its files read; nil is nil.
func (c Common) readEgress(e *Egress) (*webhook.Egress, error) {
	if e != nil && !source.In(e.Proxy) {
		if u, err := url.Parse(e.Proxy); err == nil && u.User != nil {
			c.warn("a proxy's password stands in the configuration itself, where everybody sees it who can read that; write proxy {env.NAME}")
		}
	}
	out, err := e.build()
	if err != nil {
		return nil, fmt.Errorf("egress: %w", err)
	}
	return out, nil
}

// checkProxy says what is wrong with the URL of a proxy; "none" is one.
func checkProxy(text string) error {
	if text == None || source.In(text) {
		return nil
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || !strings.Contains(text, "://"):
		return errors.New("proxy: write its URL, like http://proxy.internal:3128")
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("proxy: %s:// is none that is known: write an HTTP proxy, like http://proxy.internal:3128", u.Scheme)
	case u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return errors.New("proxy: write a host and a port and nothing behind them, like http://proxy.internal:3128")
	}
	return nil
}

// checkResolver says what is wrong with the address of a DNS server.
func checkResolver(text string) error {
	_, err := resolverAddress(text)
	return err
}

// resolverAddress returns text with a port.
func resolverAddress(text string) (string, error) {
	if a, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil {
		return net.JoinHostPort(a.String(), "53"), nil
	}
	if a, err := netip.ParseAddrPort(text); err == nil && a.Port() > 0 {
		return a.String(), nil
	}
	return "", fmt.Errorf("resolvers %q: write addresses like 10.0.0.53 or 10.0.0.53:53: a name would have to be looked up itself", text)
}

// Said returns how receivers are reached that e is written for, where all is written
// for all of them; both may be nil. A password is in no line; {env.NAME} and
// {file./path} stand as they are written.
func (e *Egress) Said(all *Egress) (lines []string) {
	if e = e.over(all); e == nil {
		return nil
	}
	if e.Proxy != "" {
		lines = append(lines, "proxy "+shownProxy(e.Proxy))
	}
	for _, list := range []struct {
		name   string
		values []string
	}{{"resolvers", e.Resolvers}, {"trusted_ca", e.TrustedCA}} {
		if len(list.values) > 0 {
			lines = append(lines, list.name+" "+strings.Join(list.values, " "))
		}
	}
	if c := e.ClientCertificate; c != nil {
		lines = append(lines, "client_certificate "+c.Certificate+" "+c.Key)
	}
	return lines
}

// shownProxy returns the URL of a proxy without a password that stands in it.
func shownProxy(text string) string {
	if u, err := url.Parse(text); err == nil && !source.In(text) {
		return u.Redacted()
	}
	return text
}

package caddymodule

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/caddymodule/directive"
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

// egressOptions are the words of the block of egress.
var egressOptions = directive.Options[*Egress]{
	"proxy":              {Usage: "proxy http://proxy.internal:3128", Parse: func(l *directive.Line, e *Egress) error { return l.Checked(&e.Proxy, checkProxy) }},
	"resolvers":          {Usage: "resolvers 10.0.0.53 10.0.0.54:53", Parse: func(l *directive.Line, e *Egress) error { return l.CheckedList(&e.Resolvers, checkResolver) }},
	"trusted_ca":         {Usage: "trusted_ca /etc/ssl/company.pem", Parse: func(l *directive.Line, e *Egress) error { return l.List(&e.TrustedCA) }, Many: true},
	"client_certificate": {Usage: "client_certificate /etc/ssl/client.pem /etc/ssl/client.key", Parse: parseClientCertificate},
}

// parseEgress reads
//
//	egress {
//		…
//	}
func parseEgress(l *directive.Line, to **Egress, where string) error {
	if args := l.Args(); len(args) > 0 {
		return args[0].Errf("unexpected %q: egress has only a block: write its options there, like proxy http://proxy.internal:3128", args[0].Text)
	}
	if len(l.Block) == 0 {
		return l.Errf("egress says nothing: write proxy, resolvers, trusted_ca or client_certificate in its block")
	}
	*to = new(Egress)
	return egressOptions.Parse(l.Block, *to, "egress "+where)
}

func parseClientCertificate(l *directive.Line, e *Egress) error {
	args, err := l.Take(2, 2)
	if err != nil {
		return err
	}
	e.ClientCertificate = &ClientCertificate{Certificate: args[0].Text, Key: args[1].Text}
	return nil
}

// checkProxy says what is wrong with the URL of a proxy; "none" is one.
func checkProxy(text string) error {
	if text == none || sources.MatchString(text) {
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
	if _, err := resolverAddress(text); err != nil {
		return err
	}
	return nil
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

// over returns e with what it leaves out as all has it; both may be nil.
func (e *Egress) over(all *Egress) *Egress {
	if e == nil || all == nil {
		if e == nil {
			return all
		}
		return e
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
	if e.Proxy != none {
		proxy, err := resolve(e.Proxy)
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
		text, err := readSource("file", name)
		if err != nil {
			return nil, fmt.Errorf("trusted_ca: %w", err)
		}
		if err := deliver.CheckEgress(&webhook.Egress{TrustedCA: []byte(text)}); err != nil {
			return nil, fmt.Errorf("%w: %s", err, name)
		}
		out.TrustedCA = append(append(out.TrustedCA, text...), '\n')
	}
	if c := e.ClientCertificate; c != nil {
		certificate, err := readSource("file", c.Certificate)
		if err != nil {
			return nil, fmt.Errorf("client_certificate: %w", err)
		}
		key, err := readSource("file", c.Key)
		if err != nil {
			return nil, fmt.Errorf("client_certificate: %w", err)
		}
		out.Certificate, out.Key = []byte(certificate), webhook.NewSecret(key)
	}
	return out, deliver.CheckEgress(out)
}

// buildEgress returns how receivers are reached, of all subscriptions, or of s.
func (a *App) buildEgress(s *Subscription) (*webhook.Egress, error) {
	e := a.Egress
	if s != nil {
		if s.Egress == nil {
			return nil, nil // as all
		}
		e = s.Egress.over(a.Egress)
	} else if e != nil && e.Proxy == none {
		return nil, errors.New("egress: proxy none: leave it out: no proxy is used that is not written here")
	}
	if e != nil && !sources.MatchString(e.Proxy) && a.run.logger != nil {
		if u, err := url.Parse(e.Proxy); err == nil && u.User != nil {
			a.run.logger.Warn("a proxy's password stands in the configuration itself, where everybody sees it who can read that; write proxy {env.NAME}")
		}
	}
	out, err := e.build()
	if err != nil {
		return nil, fmt.Errorf("egress: %w", err)
	}
	return out, nil
}

// summary lists the options of e, for `sidehook check`; nothing secret.
func (e *Egress) summary() string {
	if e == nil {
		return ""
	}
	var parts []string
	if e.Proxy != "" {
		proxy := e.Proxy
		if u, err := url.Parse(e.Proxy); err == nil && u.User != nil {
			proxy = u.Scheme + "://" + u.Host
		}
		parts = append(parts, "proxy "+proxy)
	}
	if len(e.Resolvers) > 0 {
		parts = append(parts, "resolvers "+strings.Join(e.Resolvers, " "))
	}
	parts = slices.Concat(parts, prefixed("trusted_ca ", e.TrustedCA))
	if e.ClientCertificate != nil {
		parts = append(parts, "client_certificate "+e.ClientCertificate.Certificate)
	}
	return strings.Join(parts, ", ")
}

func prefixed(prefix string, all []string) (out []string) {
	for _, s := range all {
		out = append(out, prefix+s)
	}
	return out
}

package deliver

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"net/url"
	"strings"

	"github.com/sidehook/sidehook/webhook"
)

// egress is a [webhook.Egress], read.
type egress struct {
	id       string // equal for equal ones
	proxy    *url.URL
	resolver *net.Resolver
	roots    *x509.CertPool // nil: the system's
	shown    []tls.Certificate
}

// CheckEgress says what is wrong with e, or nil. What is secret in it is not
// told.
func CheckEgress(e *webhook.Egress) error {
	_, err := newEgress(e)
	return err
}

// Resolver returns what looks up names as e says; nil is the system's.
func Resolver(e *webhook.Egress) *net.Resolver {
	if e == nil || len(e.Resolvers) == 0 {
		return net.DefaultResolver
	}
	servers := e.Resolvers
	return &net.Resolver{
		PreferGo: true,
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			d := net.Dialer{Timeout: connectTimeout}
			return d.DialContext(ctx, network, servers[rand.IntN(len(servers))])
		},
	}
}

// newEgress reads e; nil is straight over the Internet.
func newEgress(e *webhook.Egress) (*egress, error) {
	out := &egress{resolver: Resolver(e)}
	if e == nil {
		return out, nil
	}
	for _, r := range e.Resolvers {
		if _, err := netip.ParseAddrPort(r); err != nil {
			return nil, fmt.Errorf("resolvers: %q is no address with a port: write one like 10.0.0.53:53", r)
		}
	}
	if text := e.Proxy.Reveal(); text != "" {
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
			return nil, errors.New("proxy: write where an HTTP proxy is, like http://proxy.internal:3128")
		}
		out.proxy = u
	}
	if len(e.TrustedCA) > 0 {
		roots, err := x509.SystemCertPool()
		if err != nil {
			roots = x509.NewCertPool()
		}
		if !roots.AppendCertsFromPEM(e.TrustedCA) {
			return nil, errors.New("trusted_ca: there is no certificate (PEM) in it")
		}
		out.roots = roots
	}
	if len(e.Certificate) > 0 || !e.Key.IsZero() {
		pair, err := tls.X509KeyPair(e.Certificate, []byte(e.Key.Reveal()))
		if err != nil {
			return nil, fmt.Errorf("client_certificate: %s", plain(err))
		}
		out.shown = []tls.Certificate{pair}
	}
	out.id = egressID(e)
	return out, nil
}

func egressID(e *webhook.Egress) string {
	hash := sha256.New()
	for _, part := range []string{e.Proxy.Reveal(), strings.Join(e.Resolvers, " "), string(e.TrustedCA), string(e.Certificate), e.Key.Reveal()} {
		fmt.Fprintf(hash, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(hash.Sum(nil))
}

// tls returns the settings of connections to receivers.
func (e *egress) tls(insecure bool) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: insecure, RootCAs: e.roots, Certificates: e.shown}
}

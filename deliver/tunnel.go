package deliver

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"
)

// proxyError says that a proxy did not let us through.
type proxyError struct {
	status int   // of its answer; 0: there was none
	err    error // then
}

func (e *proxyError) Error() string {
	switch {
	case e.status == http.StatusProxyAuthRequired:
		return "the proxy wants another user or password (it answered 407)"
	case e.status != 0:
		return fmt.Sprintf("the proxy answered %d to CONNECT", e.status)
	}
	var number syscall.Errno
	switch {
	case errors.As(e.err, &number):
		return "the proxy could not be reached: " + number.Error()
	case isTimeout(e.err):
		return fmt.Sprintf("the proxy did not answer within %s", connectTimeout)
	}
	return "the proxy could not be reached" // its address is nobody's business
}

func (e *proxyError) Unwrap() error { return e.err }

// connected looks at a proxy's answer to CONNECT.
func connected(_ context.Context, _ *url.URL, _ *http.Request, res *http.Response) error {
	if res.StatusCode != http.StatusOK {
		return &proxyError{status: res.StatusCode}
	}
	return nil
}

// tunnel dials through a proxy, for who must not reach private addresses. A proxy
// dials what it is asked for, so it is not asked for a name, which may lead
// elsewhere a moment later: the name is looked up here, and the proxy asked for an
// address that was looked at.
type tunnel struct {
	egress *egress
	dialer *net.Dialer // to the proxy
}

// maxTunnels is how many addresses of one name are tried.
const maxTunnels = 4

func (t *tunnel) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	public, err := t.lookUp(ctx, host)
	if err != nil {
		return nil, err
	}
	for _, a := range public[:min(len(public), maxTunnels)] {
		var conn net.Conn
		if conn, err = t.connect(ctx, network, net.JoinHostPort(a.String(), port)); err == nil {
			return conn, nil
		}
	}
	return nil, err
}

// lookUp returns the public addresses of host; there is at least one.
func (t *tunnel) lookUp(ctx context.Context, host string) (public []netip.Addr, err error) {
	found := []netip.Addr{}
	if a, err := netip.ParseAddr(host); err == nil {
		found = append(found, a)
	} else if found, err = t.egress.resolver.LookupNetIP(ctx, "ip", host); err != nil {
		return nil, err
	}
	for _, a := range found {
		if CheckAddress(a) == nil {
			public = append(public, a.Unmap())
		}
	}
	if len(public) == 0 {
		return nil, ErrNotPublic
	}
	return public, nil
}

// connect opens a connection to address through the proxy.
func (t *tunnel) connect(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	raw, err := t.dialer.DialContext(ctx, network, proxyAddress(t.egress.proxy))
	if err != nil {
		return nil, &proxyError{err: err}
	}
	conn := raw
	stop := context.AfterFunc(ctx, func() { raw.SetDeadline(time.Unix(1, 0)) })
	if t.egress.proxy.Scheme == "https" {
		settings := t.egress.tls(false)
		settings.ServerName = t.egress.proxy.Hostname()
		conn = tls.Client(conn, settings)
	}
	err = t.ask(conn, address)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		conn.Close()
		if _, ok := errors.AsType[*proxyError](err); !ok {
			err = &proxyError{err: err}
		}
		return nil, err
	}
	return conn, nil
}

// maxConnectAnswer bounds a proxy's answer to CONNECT, in bytes.
const maxConnectAnswer = 16 << 10

func (t *tunnel) ask(conn net.Conn, address string) error {
	req := &http.Request{
		Method: http.MethodConnect, URL: &url.URL{Opaque: address}, Host: address,
		Header: http.Header{}, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	if u := t.egress.proxy.User; u != nil {
		password, _ := u.Password()
		req.Header.Set("Proxy-Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(u.Username()+":"+password)))
	}
	if err := req.Write(conn); err != nil {
		return err
	}
	r := bufio.NewReader(io.LimitReader(conn, maxConnectAnswer))
	res, err := http.ReadResponse(r, req)
	if err != nil {
		return err
	}
	if res.StatusCode == http.StatusOK && r.Buffered() > 0 {
		return errors.New("it sent something before the receiver was asked")
	}
	return connected(nil, nil, nil, res)
}

// proxyAddress returns host and port of a proxy.
func proxyAddress(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

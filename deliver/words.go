package deliver

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"
)

// errTimeout is the cause of an attempt's context when its time is over.
var errTimeout = errors.New("the attempt's time is over")

// words says why there was no answer, for a person who reads it at night and
// knows neither Go nor our code. host is the receiver's.
func words(err error, host string, timeout time.Duration) string {
	var dns *net.DNSError
	var dial *net.OpError
	var proxy *proxyError
	switch {
	case errors.Is(err, ErrNotPublic):
		return "connect to " + host + ": " + ErrNotPublic.Error()
	case errors.As(err, &proxy):
		return "connect to " + host + ": " + proxy.Error()
	case errors.As(err, &dial) && dial.Op == "proxyconnect":
		return "connect to " + host + ": " + (&proxyError{err: dial.Err}).Error()
	case errors.As(err, &dns):
		return dnsWords(dns)
	case errors.As(err, &dial) && dial.Op == "dial":
		return dialWords(dial, host)
	}
	if text := tlsWords(err, host); text != "" {
		return text
	}
	switch {
	case isTimeout(err):
		return fmt.Sprintf("no answer within %s", timeout)
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "the receiver reset the connection before it answered"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the receiver closed the connection before it answered"
	case strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return "TLS: the receiver speaks plain HTTP; the URL says https"
	case strings.Contains(err.Error(), "server response headers exceeded"):
		return fmt.Sprintf("the headers of the answer are longer than %d bytes", maxAnswerHeaders)
	}
	return plain(err)
}

func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.Is(err, errTimeout) || errors.Is(err, context.DeadlineExceeded) ||
		errors.As(err, &timeout) && timeout.Timeout()
}

func dnsWords(err *net.DNSError) string {
	switch {
	case err.IsNotFound:
		return "DNS: no such host " + err.Name
	case err.IsTimeout:
		return "DNS: no answer for " + err.Name
	}
	return fmt.Sprintf("DNS: %s: %s", err.Name, err.Err)
}

func dialWords(err *net.OpError, host string) string {
	to := host
	if err.Addr != nil {
		to = err.Addr.String()
	}
	var number syscall.Errno
	switch {
	case isTimeout(err):
		return fmt.Sprintf("connect to %s: no answer within %s", to, connectTimeout)
	case errors.As(err, &number):
		return fmt.Sprintf("connect to %s: %s", to, number)
	}
	return fmt.Sprintf("connect to %s: %s", to, plain(err.Err))
}

// tlsWords returns "" if err is not about TLS.
func tlsWords(err error, host string) string {
	var name x509.HostnameError
	var authority x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	var verify *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert *net.OpError // an alert, received or sent (RFC 8446, 6)
	switch {
	case errors.As(err, &name):
		return "TLS: certificate is not valid for " + name.Host
	case errors.As(err, &authority):
		return "TLS: certificate of " + host + " is signed by an authority that is not trusted here"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "TLS: certificate of " + host + " has expired or is not yet valid"
	case errors.As(err, &verify):
		return "TLS: certificate of " + host + " is not valid: " + plain(verify.Err)
	case errors.As(err, &record) && string(record.RecordHeader[:]) == "HTTP/":
		return "TLS: the receiver speaks plain HTTP; the URL says https"
	case errors.As(err, &record):
		return "TLS: the receiver does not speak TLS on this port"
	case errors.As(err, &alert) && alert.Op == "remote error":
		return "TLS: the receiver refused the connection: " + plain(alert.Err)
	case errors.As(err, &alert) && alert.Op == "local error":
		return "TLS: the connection was refused here: " + plain(alert.Err)
	case strings.Contains(err.Error(), "TLS handshake timeout"):
		return fmt.Sprintf("TLS: no handshake within %s", connectTimeout)
	}
	return ""
}

// maxWords is how much of an error from elsewhere is kept.
const maxWords = 300

// plain returns err's text without what names our libraries, in one short line.
func plain(err error) string {
	text := err.Error()
	for _, prefix := range []string{"net/http: ", "http: ", "http2: ", "tls: ", "x509: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
	if len(text) > maxWords {
		text = strings.ToValidUTF8(text[:maxWords], "") + "…"
	}
	return text
}

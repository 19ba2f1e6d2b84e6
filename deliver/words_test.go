package deliver

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What a person reads at night.
func TestWords(t *testing.T) {
	addr := &net.TCPAddr{IP: net.IPv4(10, 0, 0, 7), Port: 443}
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Addr: addr, Err: err} }
	for want, err := range map[string]error{
		"connect to 10.0.0.7:443: connection refused":             dial(os.NewSyscallError("connect", syscall.ECONNREFUSED)),
		"connect to 10.0.0.7:443: no route to host":               dial(os.NewSyscallError("connect", syscall.EHOSTUNREACH)),
		"connect to 10.0.0.7:443: no answer within 5s":            dial(os.ErrDeadlineExceeded),
		"no answer within 10s":                                    fmt.Errorf("net/http: %w", context.DeadlineExceeded),
		"DNS: no such host crm.example.com":                       dial(&net.DNSError{Err: "no such host", Name: "crm.example.com", IsNotFound: true}),
		"DNS: no answer for crm.example.com":                      dial(&net.DNSError{Err: "i/o timeout", Name: "crm.example.com", IsTimeout: true}),
		"TLS: certificate is not valid for crm.example.com":       x509.HostnameError{Host: "crm.example.com", Certificate: &x509.Certificate{}},
		"TLS: certificate of crm has expired or is not yet valid": x509.CertificateInvalidError{Reason: x509.Expired},
		"the receiver reset the connection before it answered":    &net.OpError{Op: "read", Err: syscall.ECONNRESET},
		"malformed HTTP response \"garbage\"":                     errors.New("net/http: malformed HTTP response \"garbage\""),
		"two lines":                                               errors.New("two\nlines"),
		"the receiver closed the connection before it answered":   &url.Error{Op: "Post", Err: io.EOF},
	} {
		if got := words(err, "crm", 10*time.Second); got != want {
			t.Errorf("%v\n got %q\nwant %q", err, got, want)
		}
	}
	if got := words(errors.New(strings.Repeat("é", 1000)), "crm", time.Second); len(got) > maxWords+3 {
		t.Errorf("%d bytes are kept of a long error", len(got))
	}
}

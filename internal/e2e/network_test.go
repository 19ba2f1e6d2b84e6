package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// nameServer is a DNS server of the test's own: each name leads where it says.
type nameServer struct {
	addr string

	mu    sync.Mutex
	hosts map[string][]string // addresses, or one name that it is another name of
	asked map[string]int
}

func startNameServer(t *testing.T) *nameServer {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	n := &nameServer{addr: conn.LocalAddr().String(), hosts: map[string][]string{}, asked: map[string]int{}}
	go func() {
		buf := make([]byte, 1500)
		for {
			size, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			if reply := n.reply(buf[:size]); reply != nil {
				conn.WriteTo(reply, from)
			}
		}
	}()
	return n
}

// lead makes a name lead to addresses, or to another name.
func (n *nameServer) lead(name string, to ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hosts[name] = to
}

func (n *nameServer) reply(query []byte) []byte {
	var m dnsmessage.Message
	if m.Unpack(query) != nil || len(m.Questions) != 1 {
		return nil
	}
	q := m.Questions[0]
	m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
	n.mu.Lock()
	defer n.mu.Unlock()
	name := strings.TrimSuffix(strings.ToLower(q.Name.String()), ".")
	n.asked[name]++
	for to, known := n.hosts[name]; ; to, known = n.hosts[name] {
		if !known {
			m.RCode = dnsmessage.RCodeNameError
			break
		}
		if _, err := netip.ParseAddr(to[0]); err == nil {
			for _, text := range to {
				m.Answers = append(m.Answers, record(name, q.Type, netip.MustParseAddr(text))...)
			}
			break
		}
		m.Answers = append(m.Answers, dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName(name + "."), Class: dnsmessage.ClassINET},
			Body:   &dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName(to[0] + ".")},
		})
		name = to[0]
	}
	out, err := m.Pack()
	if err != nil {
		return nil
	}
	return out
}

func record(name string, want dnsmessage.Type, a netip.Addr) []dnsmessage.Resource {
	h := dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName(name + "."), Class: dnsmessage.ClassINET}
	switch {
	case want == dnsmessage.TypeA && a.Is4():
		return []dnsmessage.Resource{{Header: h, Body: &dnsmessage.AResource{A: a.As4()}}}
	case want == dnsmessage.TypeAAAA && a.Is6():
		return []dnsmessage.Resource{{Header: h, Body: &dnsmessage.AAAAResource{AAAA: a.As16()}}}
	}
	return nil
}

// authority signs certificates, and keeps files of them.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir()}
	a.key, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	a.cert = a.sign("ca", &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}, &a.key.PublicKey)
	return a
}

// sign signs a certificate and keeps it as NAME.pem.
func (a *authority) sign(name string, c *x509.Certificate, key *ecdsa.PublicKey) *x509.Certificate {
	a.t.Helper()
	c.SerialNumber, c.Subject = big.NewInt(time.Now().UnixNano()), pkix.Name{CommonName: name}
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent := a.cert
	if parent == nil {
		parent = c
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	a.write(name+".pem", "CERTIFICATE", der)
	signed, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return signed
}

func (a *authority) write(name, kind string, der []byte) {
	a.t.Helper()
	if err := os.WriteFile(a.path(name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		a.t.Fatal(err)
	}
}

func (a *authority) path(name string) string { return filepath.Join(a.dir, name) }

// pair makes a certificate for hosts, or of a client, with its key in files.
func (a *authority) pair(name string, hosts ...string) tls.Certificate {
	a.t.Helper()
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	a.sign(name, &x509.Certificate{
		DNSNames: hosts, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, &key.PublicKey)
	der, _ := x509.MarshalPKCS8PrivateKey(key)
	a.write(name+".key", "PRIVATE KEY", der)
	pair, err := tls.LoadX509KeyPair(a.path(name+".pem"), a.path(name+".key"))
	if err != nil {
		a.t.Fatal(err)
	}
	return pair
}

// secured puts TLS in front of a receiver: it shows a certificate for hosts, wants
// one of a's, and takes each connection for one request.
func (a *authority) secured(r *receiver, hosts ...string) (addr string) {
	a.t.Helper()
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	s := httptest.NewUnstartedServer(r.Config.Handler)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{a.pair("receiver", hosts...)}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}
	s.Config.SetKeepAlivesEnabled(false)
	s.Config.ErrorLog = nil
	s.StartTLS()
	a.t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// forward is an HTTP proxy that leads wherever it is asked for to one address.
type forward struct {
	*httptest.Server
	to string

	mu     sync.Mutex
	asked  []string // for which addresses
	header []http.Header
	refuse int
}

func startForward(t *testing.T, to string) *forward {
	f := &forward{to: to}
	f.Server = serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		f.asked, f.header = append(f.asked, r.Method+" "+r.Host), append(f.header, r.Header)
		refuse := f.refuse
		f.mu.Unlock()
		if refuse != 0 {
			w.WriteHeader(refuse)
			return
		}
		out, err := net.Dial("tcp", f.to)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer out.Close()
		in, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer in.Close()
		io.WriteString(in, "HTTP/1.1 200 OK\r\n\r\n")
		go io.Copy(out, in)
		io.Copy(in, out)
	}))
	return f
}

func (f *forward) got() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.asked...)
}

func (f *forward) answers(status int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refuse = status
}

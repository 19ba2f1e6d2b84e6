package api

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/sidehook/sidehook/caddymodule/subscription"
	"github.com/sidehook/sidehook/deliver"
)

// nowhere looks nothing up.
var nowhere = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
	return nil, errors.New("there is no network here")
}}

// accepted reports whether a stranger may have webhooks sent to a URL.
func accepted(text string) bool {
	if subscription.CheckURL(text) != nil {
		return false
	}
	u, err := url.Parse(text)
	return err == nil && u.Scheme == "https" && checkHost(context.Background(), u.Hostname(), nowhere) == nil
}

// A private address is refused in whatever way it is written, before anything is
// looked up.
func TestEncodedHostsAreRefused(t *testing.T) {
	for _, host := range []string{
		"127.0.0.1", "127.0.0.1.", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0x7f.1", "0177.0.0.1", "0177.1", "017700000001",
		"127.0.0.0x1", "127.000.000.001", "0", "0.0.0.0", "1.1", "169.254.169.254", "169.254.43518", "0xa9fea9fe", "2852039166", "10.0.0.7", "010.0.0.7", "192.168.257",
		"[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[0:0:0:0:0:ffff:7f00:1]", "[64:ff9b::7f00:1]", "[64:ff9b::10.0.0.7]",
		"[64:ff9b:1::808:808]", "[2002:7f00:1::]", "[2001:0:4136:e378:8000:63bf:3fff:fdd2]", "[fe80::1%25eth0]", "[fe80::1%25lo]", "[2606:4700:4700::1111%25eth0]",
		"[fd00:ec2::254]", "[fec0::1]", "[ff02::1]", "[4000::1]", "localhost", "localhost.", "LOCALHOST", "foo.localhost", "intranet", "metadata", "a..", "..",
		"①②⑦.⓪.⓪.①", "127。0。0。1", "１２７.０.０.１", "127.0.0.①", "ｌocalhost", "loc\u00adalhost", "1.2.3.4.5", "256.256.256.256", "1.1.1.1e",
		"example.0x7f", "example.1", "xn--", "user@127.0.0.1", "user:pw@example.com", "example.com@127.0.0.1", "127.0.0.1#.example.com",
		"[127.0.0.1]", "[::1", "exa mple.com", "%31%32%37.0.0.1", "",
	} {
		if accepted("https://" + host + "/hook") {
			t.Errorf("https://%s/hook is accepted", host)
		}
	}
	for _, host := range []string{
		"1.1.1.1", "93.184.216.34:8443", "[2606:4700:4700::1111]", "[::ffff:8.8.8.8]", "[64:ff9b::8.8.8.8]", "crm.example.com", "crm.example.com.",
		"CRM.Example.Com:8443", "bücher.example", "xn--bcher-kva.example", "a_b.example.com", "10.example.com", "127.0.0.1.nip.example",
	} {
		if !accepted("https://" + host + "/hook") {
			t.Errorf("https://%s/hook is refused", host)
		}
	}
	for _, text := range []string{
		"http://crm.example.com/", "ftp://crm.example.com/", "//crm.example.com/", "crm.example.com", "file:///etc/passwd", "https:crm.example.com", "https:///hook",
		"https://crm.example.com/\r\nX-A: b", "https://crm.example.com\r\n.example.com/", "gopher://crm.example.com/", "unix:///run/x.sock", "HTTPS://127.0.0.1/", "https://\\127.0.0.1/",
		"https://crm.example.com/#a",
	} {
		if accepted(text) {
			t.Errorf("%q is accepted", text)
		}
	}
}

// Whatever URL is accepted, it names a public address or a name that is looked up.
func FuzzReceivers(f *testing.F) {
	for _, seed := range []string{
		"https://127.0.0.1/", "https://0x7f.1/", "https://[::ffff:7f00:1]/", "https://①②⑦.⓪.⓪.①/", "https://crm.example.com/a?b=c", "https://a@b/",
		"https://[fe80::1%25lo]:443/", "https://2130706433", "https://127。0。0。1/", "https://1.1.1.1./",
	} {
		f.Add(seed, uint32(0x7f000001))
	}
	f.Fuzz(func(t *testing.T, text string, n uint32) {
		if accepted(text) {
			u, err := url.Parse(text)
			if err != nil || u.User != nil || u.Scheme != "https" || strings.ContainsAny(text, "\r\n\x00") {
				t.Fatalf("%q is accepted", text)
			}
			host, err := asciiHost(strings.TrimSuffix(u.Hostname(), "."))
			if a, parsed := netip.ParseAddr(host); err != nil || parsed == nil && deliver.CheckAddress(a) != nil {
				t.Fatalf("%q is accepted: %s, %v", text, host, err)
			}
			last := host[strings.LastIndexByte(host, '.')+1:]
			if _, literal := netip.ParseAddr(host); literal != nil && (last == host || last == "" || last[0] >= '0' && last[0] <= '9') {
				t.Fatalf("%q is accepted, which some read as a number", text)
			}
		}
		a := netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
		b := a.As4()
		public := deliver.CheckAddress(a) == nil
		for _, form := range []string{a.String(), "[::ffff:" + a.String() + "]", "[64:ff9b::" + a.String() + "]"} {
			if accepted("https://"+form+"/") != public {
				t.Errorf("%s: public is %t", form, public)
			}
		}
		for _, form := range []string{
			fmt.Sprint(n), fmt.Sprintf("0x%x", n), fmt.Sprintf("0%o", n), fmt.Sprintf("%d.%d", b[0], n&0xffffff), fmt.Sprintf("0x%x.0x%x.0x%x.0x%x", b[0], b[1], b[2], b[3]),
			fmt.Sprintf("0%o.0%o.0%o.0%o", b[0], b[1], b[2], b[3]), fmt.Sprintf("[2002:%02x%02x:%02x%02x::1]", b[0], b[1], b[2], b[3]), "[" + a.String() + "]", fmt.Sprintf("[::%d.%d.%d.%d]", b[0], b[1], b[2], b[3]),
		} {
			if accepted("https://" + form + "/") {
				t.Errorf("%s, which is %s, is accepted", form, a)
			}
		}
	})
}

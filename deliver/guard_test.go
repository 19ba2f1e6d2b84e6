package deliver_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/sidehook/sidehook/deliver"
)

func TestOnlyPublicAddressesAreDelivered(t *testing.T) {
	for _, text := range []string{
		"0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.8.9.1",
		"169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.1.1",
		"198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.7", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255",
		"::", "::1", "::2", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:a9fe:a9fe", "::ffff:0:127.0.0.1",
		"64:ff9b::127.0.0.1", "64:ff9b::10.1.2.3", "64:ff9b::169.254.169.254", "64:ff9b:1::8.8.8.8", "100::1",
		"2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:db8::1", "2002:7f00:1::", "2002:a00:1::1", "3fff::1", "5f00::1",
		"fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1",
	} {
		if err := deliver.CheckAddress(netip.MustParseAddr(text)); !errors.Is(err, deliver.ErrNotPublic) {
			t.Errorf("%s passes", text)
		}
	}
	for _, text := range []string{
		"1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
		"172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255",
		"::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2606:4700:4700::1111", "2a00:1450:4001::1", "2001:4860:4860::8888",
	} {
		if err := deliver.CheckAddress(netip.MustParseAddr(text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	if deliver.CheckAddress(netip.Addr{}) == nil {
		t.Error("no address passes")
	}
}

// registry is every entry of IANA's registries of special addresses (IPv4 and IPv6
// Special-Purpose Address Registry), multicast, and what was special once. A few
// are reachable from everywhere, as an anycast service of somebody's: that is no
// receiver's either.
var registry = strings.Fields(`
	0.0.0.0/8 0.0.0.0/32 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.0.0/29 192.0.0.8/32
	192.0.0.9/32 192.0.0.10/32 192.0.0.170/32 192.0.0.171/32 192.0.2.0/24 192.31.196.0/24 192.52.193.0/24 192.88.99.0/24
	192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 240.0.0.0/4 255.255.255.255/32 224.0.0.0/4
	::1/128 ::/128 ::ffff:0:0/104 ::ffff:10.0.0.0/104 ::/96 ::ffff:0:0:0/96 64:ff9b:1::/48 100::/64 100:0:0:1::/64 2001::/23 2001::/32 2001:1::1/128
	2001:1::2/128 2001:1::3/128 2001:2::/48 2001:3::/32 2001:4:112::/48 2001:10::/28 2001:20::/28 2001:30::/28 2001:db8::/32
	2002::/16 2620:4f:8000::/48 3fff::/20 5f00::/16 fc00::/7 fe80::/10 fec0::/10 ff00::/8`)

// ends returns the first and the last address of p.
func ends(p netip.Prefix) (first, last netip.Addr) {
	first = p.Masked().Addr()
	b := first.AsSlice()
	for i := p.Bits(); i < 8*len(b); i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	last, _ = netip.AddrFromSlice(b)
	return first, last
}

// From its first address to its last, no special range is delivered to.
func TestEverySpecialRangeIsRefused(t *testing.T) {
	for _, text := range registry {
		p := netip.MustParsePrefix(text)
		first, last := ends(p)
		for _, a := range []netip.Addr{first, last} {
			if err := deliver.CheckAddress(a); !errors.Is(err, deliver.ErrNotPublic) {
				t.Errorf("%s of %s passes", a, text)
			}
			if a.Is4() {
				for _, prefix := range []string{"::ffff:", "64:ff9b::", "::", "2002:"} {
					dressed := prefix + a.String()
					if prefix == "2002:" {
						b := a.As4()
						dressed = fmt.Sprintf("2002:%02x%02x:%02x%02x::1", b[0], b[1], b[2], b[3])
					}
					if deliver.CheckAddress(netip.MustParseAddr(dressed)) == nil {
						t.Errorf("%s of %s passes as %s", a, text, dressed)
					}
				}
			}
		}
	}
}

// And at the moment of dialling too, where the URL names it.
func TestNoSpecialRangeIsDialled(t *testing.T) {
	for _, text := range registry {
		first, _ := ends(netip.MustParsePrefix(text))
		if first.Is6() {
			continue // a machine without IPv6 says that first
		}
		s := subscribe("crm", "https://"+first.String()+"/")
		s.AllowPrivate = false
		if a, _ := attemptAt(t, s); !strings.Contains(a.Error, deliver.ErrNotPublic.Error()) || a.Latency > time.Second {
			t.Errorf("%s: %q", first, a.Error)
		}
	}
}

// However an IPv4 address is dressed as IPv6, it is as private as it is bare.
func FuzzDressedAddresses(f *testing.F) {
	for _, seed := range []uint32{0x7f000001, 0x0a000001, 0xa9fea9fe, 0x08080808} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, n uint32) {
		var four [4]byte
		binary.BigEndian.PutUint32(four[:], n)
		bare := deliver.CheckAddress(netip.AddrFrom4(four))
		mapped, nat := [16]byte{10: 0xff, 11: 0xff}, [16]byte{1: 0x64, 2: 0xff, 3: 0x9b}
		copy(mapped[12:], four[:])
		copy(nat[12:], four[:])
		for _, dressed := range [][16]byte{mapped, nat} {
			if got := deliver.CheckAddress(netip.AddrFrom16(dressed)); got != bare {
				t.Errorf("%v: %v, bare %v", netip.AddrFrom16(dressed), got, bare)
			}
		}
	})
}

// A name may have led elsewhere when it was looked at: what counts is the address
// that is dialled.
func TestAPrivateAddressIsNotDialled(t *testing.T) {
	reached := false
	s := serve(t, func(http.ResponseWriter, *http.Request) { reached = true })
	for _, host := range []string{"127.0.0.1", "localhost"} {
		private := *s
		private.AllowPrivate = false
		private.URL = strings.Replace(s.URL, "127.0.0.1", host, 1)
		a, _ := attemptAt(t, &private)
		if reached || !strings.Contains(a.Error, deliver.ErrNotPublic.Error()) {
			t.Errorf("%s: reached: %t, %q", host, reached, a.Error)
		}
		if host == "localhost" && strings.Contains(a.Error, "127.") {
			t.Errorf("the error tells what the name leads to: %q", a.Error)
		}
	}
}

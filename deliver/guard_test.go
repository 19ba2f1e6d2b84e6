package deliver_test

import (
	"encoding/binary"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"testing"

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

package deliver

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"syscall"
)

// ErrNotPublic says that an address is not one of the public Internet. It does
// not say which: a stranger who chose the name must not learn what it leads to.
var ErrNotPublic = errors.New("its address is private or special, and is not delivered to; allow_private permits it")

// special are the ranges that no receiver on the public Internet is in (IANA
// special-purpose registries, RFC 6890 and its followers). Those of IPv6 that
// carry an IPv4 address are here whole, but for NAT64's own, which is judged by
// the address that it carries.
var special = prefixes(`
	0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12
	192.0.0.0/24 192.0.2.0/24 192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24
	198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4
	::/8 64:ff9b:1::/48 100::/64 100:0:0:1::/64 2001::/23 2001:db8::/32 2002::/16 2620:4f:8000::/48
	3fff::/20 5f00::/16 fc00::/7 fe80::/10 fec0::/10 ff00::/8`)

// nat64 carries an IPv4 address in its last four bytes (RFC 6052).
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

// unicast6 is what IANA gives out of IPv6: outside of it nobody is, whatever may
// become special there one day.
var unicast6 = netip.MustParsePrefix("2000::/3")

func prefixes(list string) (all []netip.Prefix) {
	for text := range strings.FieldsSeq(list) {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

// CheckAddress returns [ErrNotPublic] unless a is an address of the public
// Internet.
func CheckAddress(a netip.Addr) error {
	if !a.IsValid() || a.Zone() != "" {
		return ErrNotPublic
	}
	if a = a.Unmap(); nat64.Contains(a) {
		b := a.As16()
		a = netip.AddrFrom4([4]byte(b[12:]))
	}
	if a.Is6() && !unicast6.Contains(a) {
		return ErrNotPublic
	}
	for _, p := range special {
		if p.Contains(a) {
			return ErrNotPublic
		}
	}
	return nil
}

// guard is asked for each address that is really about to be dialled, after any
// name was resolved: what a name led to before does not count.
func guard(_ context.Context, network, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil || !strings.HasPrefix(network, "tcp") {
		return fmt.Errorf("dial %s: %w", network, ErrNotPublic)
	}
	return CheckAddress(to.Addr())
}

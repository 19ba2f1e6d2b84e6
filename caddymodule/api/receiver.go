package api

import (
	"context"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"github.com/sidehook/sidehook/caddymodule/problem"
	"github.com/sidehook/sidehook/caddymodule/subscription"
	"github.com/sidehook/sidehook/deliver"
	"github.com/sidehook/sidehook/webhook"
)

// checkReceiver says what is wrong with where s wants its webhooks, for a caller
// who may not reach everything.
func checkReceiver(ctx context.Context, s *subscription.Subscription, e *webhook.Egress) error {
	u, err := url.Parse(s.URL)
	if err != nil {
		return problem.WrongField("/url", "url cannot be read: write one like https://crm.example.com/hooks")
	}
	if s.AllowPrivate {
		return nil
	}
	if u.Scheme != "https" {
		return problem.WrongField("/url", "url: begin it with https://")
	}
	return checkHost(ctx, u.Hostname(), deliver.Resolver(e))
}

// lookUpTime bounds how long a host's addresses are looked up for.
const lookUpTime = 3 * time.Second

// checkHost refuses a host of which an address is not public. One that cannot be
// found is not refused: what counts is the address that will be dialled.
func checkHost(ctx context.Context, host string, resolver *net.Resolver) error {
	private := problem.WrongField("/url", "url: its host is at a private or special address, or at none: write one on the public Internet")
	host, err := asciiHost(strings.TrimSuffix(host, "."))
	if err != nil {
		return private
	}
	if a, err := netip.ParseAddr(host); err == nil {
		if deliver.CheckAddress(a) != nil {
			return private
		}
		return nil
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	if last == host || last == "localhost" || last == "" || last[0] >= '0' && last[0] <= '9' {
		return private // a name within a network, or a number in disguise
	}
	ctx, cancel := context.WithTimeout(ctx, lookUpTime)
	defer cancel()
	found, _ := resolver.LookupNetIP(ctx, "ip", host)
	for _, a := range found {
		if deliver.CheckAddress(a) != nil {
			return private
		}
	}
	return nil
}

// asciiHost returns host as it is looked up: letters that stand for others, as
// circled digits and wide dots do, are those others there (UTS 46).
func asciiHost(host string) (string, error) {
	for i := range len(host) {
		if host[i] >= utf8.RuneSelf {
			return idna.Lookup.ToASCII(host)
		}
	}
	return host, nil
}

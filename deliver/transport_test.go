package deliver

import (
	"crypto/tls"
	"net/http"
	"strings"
	"testing"

	"github.com/sidehook/sidehook/webhook"
)

// A proxy of the environment would see what is delivered; and it is read once
// in a process, so only the setting itself can be looked at.
func TestTransportSettings(t *testing.T) {
	all := newTransports(Options{InFlight: 256})
	to := func(s *webhook.Subscription) *http.Transport {
		t.Helper()
		transport, err := all.to(s)
		if err != nil {
			t.Fatal(err)
		}
		return transport.(*http.Transport)
	}
	shared := to(&webhook.Subscription{URL: "https://a"})
	if shared.Proxy != nil || shared.TLSClientConfig.MinVersion < tls.VersionTLS12 || shared.TLSClientConfig.InsecureSkipVerify {
		t.Errorf("proxy %t, TLS %+v", shared.Proxy != nil, shared.TLSClientConfig)
	}
	if to(&webhook.Subscription{URL: "https://b"}) != shared {
		t.Error("equal subscriptions do not share a transport")
	}
	key, certificate := "hunter2", []byte("-----BEGIN")
	if err := CheckEgress(&webhook.Egress{Certificate: certificate, Key: webhook.NewSecret(key)}); err == nil || strings.Contains(err.Error(), key) {
		t.Errorf("half a certificate: %v", err)
	}
	lax := to(&webhook.Subscription{InsecureSkipVerify: true})
	if lax == shared || !lax.TLSClientConfig.InsecureSkipVerify {
		t.Error("insecure_skip_verify of one is that of all")
	}
}

// Connections outlive a reload that leaves how a receiver is reached as it is;
// what nobody uses any more is let go of.
func TestTransportsFollowTheConfiguration(t *testing.T) {
	d := New(Options{})
	given := func(subs ...*webhook.Subscription) (all []http.RoundTripper) {
		t.Helper()
		if err := d.Configure(subs, nil); err != nil {
			t.Fatal(err)
		}
		for _, s := range subs {
			all = append(all, d.roster.subs[s.ID].plan.transport)
		}
		return all
	}
	sub := func(id webhook.SubscriptionID, e *webhook.Egress) *webhook.Subscription {
		return &webhook.Subscription{ID: id, URL: "https://a/", Sign: webhook.Signing{Scheme: webhook.SignNone}, Egress: e}
	}
	proxy := func(url string) *webhook.Egress { return &webhook.Egress{Proxy: webhook.NewSecret(url)} }
	d.Through(proxy("http://one:1"))
	first := given(sub("a", nil), sub("b", proxy("http://two:2")), sub("c", proxy("http://one:1")))
	if first[0] == first[1] || first[0] != first[2] {
		t.Error("one proxy is used for another, or a proxy twice")
	}
	if again := given(sub("a", nil), sub("b", proxy("http://two:2"))); again[0] != first[0] || again[1] != first[1] || len(d.transports.all) != 2 {
		t.Errorf("a reload that changes nothing leaves %d transports", len(d.transports.all))
	}
	d.Through(nil)
	if now := given(sub("a", nil)); now[0] == first[0] || len(d.transports.all) != 1 {
		t.Errorf("without a proxy there are %d transports", len(d.transports.all))
	}
	if err := d.Configure([]*webhook.Subscription{sub("a", proxy("ftp://x")), sub("b", nil)}, nil); err == nil || d.roster.subs["b"].plan == nil {
		t.Errorf("a way that is none: %v", err)
	}
}

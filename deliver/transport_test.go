package deliver

import (
	"crypto/tls"
	"net/http"
	"testing"

	"github.com/sidehook/sidehook/webhook"
)

// A proxy of the environment would see what is delivered; and it is read once
// in a process, so only the setting itself can be looked at.
func TestTransportSettings(t *testing.T) {
	all := newTransports(Options{InFlight: 256})
	shared := all.to(&webhook.Subscription{URL: "https://a"}).(*http.Transport)
	if shared.Proxy != nil || shared.TLSClientConfig.MinVersion < tls.VersionTLS12 || shared.TLSClientConfig.InsecureSkipVerify {
		t.Errorf("proxy %t, TLS %+v", shared.Proxy != nil, shared.TLSClientConfig)
	}
	if all.to(&webhook.Subscription{URL: "https://b"}) != http.RoundTripper(shared) {
		t.Error("equal subscriptions do not share a transport")
	}
	lax := all.to(&webhook.Subscription{InsecureSkipVerify: true}).(*http.Transport)
	if lax == shared || !lax.TLSClientConfig.InsecureSkipVerify {
		t.Error("insecure_skip_verify of one is that of all")
	}
}

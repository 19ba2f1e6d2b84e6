package webhook_test

import (
	"testing"

	"github.com/sidehook/sidehook/webhook"
)

func TestOriginOf(t *testing.T) {
	for text, want := range map[string]string{
		"https://crm.example.com/hooks/s3cret?token=t": "https://crm.example.com/…",
		"http://me:pw@crm.example.com:8080":            "http://crm.example.com:8080/…",
		"https://[::1]:9/x":                            "https://[::1]:9/…",
		"/hooks?token=t":                               "",
		"https://a b/?token=t":                         "",
		"":                                             "",
	} {
		if got := webhook.OriginOf(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

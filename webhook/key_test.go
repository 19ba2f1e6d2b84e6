package webhook_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/sidehook/sidehook/webhook"
)

func TestSigningKeys(t *testing.T) {
	seed := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("s", 32)))
	whole := webhook.NewSigningKey([]byte(strings.Repeat("s", 32)))
	other := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("s", 64)))
	for text, want := range map[string]string{
		"whsk_" + seed:  "",
		whole:           "",
		"whsec_" + seed: "openssl rand -base64 32",
		"whsk_!":        "not base64",
		"whsk_c2hvcnQ=": "5 bytes",
		"whsk_" + other: "not the public key",
		"":              "whsk_",
	} {
		key, err := webhook.NewSecret(text).SigningKey()
		switch {
		case want == "" && (err != nil || len(key) != ed25519.PrivateKeySize):
			t.Errorf("%s: %v", text, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v, want %q", text, err, want)
		case want != "" && text != "" && strings.Contains(err.Error(), text):
			t.Errorf("the error shows the key: %v", err)
		}
	}
	short, _ := webhook.NewSecret("whsk_" + seed).PublicKey()
	long, _ := webhook.NewSecret(whole).PublicKey()
	if short != long || !strings.HasPrefix(short, "whpk_") {
		t.Errorf("public keys %s and %s", short, long)
	}
}

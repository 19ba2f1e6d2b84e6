package deliver

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sidehook/sidehook/webhook"
)

// The public test vector of Standard Webhooks' first implementation.
func TestStandardVector(t *testing.T) {
	s, err := newStandard([]webhook.Secret{webhook.NewSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")})
	if err != nil {
		t.Fatal(err)
	}
	p := &webhook.Payload{ID: "msg_p5jXN8AQM9LWM0D4loKWxJek", Body: []byte(`{"test": 2432232314}`)}
	for range 2 { // the second uses the HMAC state of the first again
		h := http.Header{}
		if err := s.sign(h, p, "1614265330", make([]string, 1)); err != nil {
			t.Fatal(err)
		}
		if got, want := h.Get("Webhook-Signature"), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// The public test vector of the same implementation for public keys.
func TestAsymmetricVector(t *testing.T) {
	secret := webhook.NewSecret("whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==")
	s, err := newAsymmetric([]webhook.Secret{secret})
	if err != nil {
		t.Fatal(err)
	}
	p := &webhook.Payload{ID: "msg_p5jXN8AQM9LWM0D4loKWxJek", Body: []byte(`{"test": 2432232314}`)}
	h := http.Header{}
	if err := s.sign(h, p, "1614265330", make([]string, 1)); err != nil {
		t.Fatal(err)
	}
	if got, want := h.Get("Webhook-Signature"), "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, err := secret.PublicKey(); err != nil || got != "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=" {
		t.Errorf("public key %s, %v", got, err)
	}
}

// All keys sign, newest first, as each would alone.
func TestAllAsymmetricKeysSign(t *testing.T) {
	var secrets []webhook.Secret
	var alone []string
	signed := func(secrets ...webhook.Secret) string {
		s, err := newAsymmetric(secrets)
		if err != nil {
			t.Fatal(err)
		}
		h := http.Header{}
		if err := s.sign(h, &webhook.Payload{ID: "evt_1", Body: []byte(`{}`)}, "1614265330", make([]string, 1)); err != nil {
			t.Fatal(err)
		}
		return h.Get("Webhook-Signature")
	}
	for _, seed := range []string{"a", "b", "c"} {
		secret := webhook.NewSecret(webhook.NewSigningKey([]byte(strings.Repeat(seed, 32))))
		secrets, alone = append(secrets, secret), append(alone, signed(secret))
	}
	if got, want := signed(secrets...), strings.Join(alone, " "); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

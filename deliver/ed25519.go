package deliver

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"net/http"

	"github.com/sidehook/sidehook/webhook"
)

// asymmetric signs as Standard Webhooks 1.0.0 says for public keys:
// webhook-signature is "v1a," and the base64 of the ed25519 signature of
// id.timestamp.body, once for each key, newest first, separated by spaces.
type asymmetric struct{ keys []ed25519.PrivateKey }

func newAsymmetric(secrets []webhook.Secret) (*asymmetric, error) {
	a := &asymmetric{}
	for i, secret := range secrets {
		key, err := secret.SigningKey()
		if err != nil {
			return nil, fmt.Errorf("secret %d: %w", i+1, err)
		}
		a.keys = append(a.keys, key)
	}
	if len(a.keys) == 0 {
		return nil, errNoSecret
	}
	return a, nil
}

func (a *asymmetric) sign(h http.Header, payload *webhook.Payload, stamp string, room []string) error {
	signed := make([]byte, 0, len(payload.ID)+len(stamp)+len(payload.Body)+2)
	signed = append(append(append(append(signed, payload.ID...), '.'), stamp...), '.')
	signed = append(signed, payload.Body...)
	var out []byte
	for i, key := range a.keys {
		if i > 0 {
			out = append(out, ' ')
		}
		out = append(out, "v1a,"...)
		out = base64.StdEncoding.AppendEncode(out, ed25519.Sign(key, signed))
	}
	room[0] = string(out)
	h[headerSignature] = room
	return nil
}

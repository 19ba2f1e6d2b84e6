package webhook

import (
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

// Secret is a signing secret or a credential. It prints as [secret] in logs,
// %v and JSON; only Reveal yields it.
type Secret struct{ text string }

const secretMask = "[secret]"

// NewSecret returns text as a Secret.
func NewSecret(text string) Secret { return Secret{text} }

// CheckFor returns an error that says why s cannot sign as scheme says, or nil.
func (s Secret) CheckFor(scheme string) (err error) {
	switch scheme {
	case SignStandard:
		_, err = s.StandardKey()
	case SignEd25519:
		_, err = s.SigningKey()
	}
	return err
}

// Reveal returns the secret itself. Only signing, sending and the store's
// codec call it.
func (s Secret) Reveal() string { return s.text }

// IsZero reports whether s is empty.
func (s Secret) IsZero() bool { return s.text == "" }

// String returns "[secret]".
func (s Secret) String() string { return secretMask }

// GoString returns "[secret]", for %#v.
func (s Secret) GoString() string { return secretMask }

// LogValue implements [slog.LogValuer].
func (s Secret) LogValue() slog.Value { return slog.StringValue(secretMask) }

// MarshalText masks the secret in JSON.
func (s Secret) MarshalText() ([]byte, error) { return []byte(secretMask), nil }

// Bounds of a Standard Webhooks secret, in bytes
// (Standard Webhooks 1.0.0, "Signature scheme").
const (
	minSecretBytes = 24
	maxSecretBytes = 64
	secretPrefix   = "whsec_"
)

// StandardKey returns the key bytes of s for a Standard Webhooks signature:
// the decoded base64 behind "whsec_" (24 to 64 bytes), or any other text of at
// least 24 bytes as it is.
func (s Secret) StandardKey() ([]byte, error) {
	if s.text == "" {
		return nil, errors.New("the secret is empty")
	}
	coded, ok := strings.CutPrefix(s.text, secretPrefix)
	if !ok {
		if len(s.text) < minSecretBytes {
			return nil, fmt.Errorf("the secret has %d bytes: a standard signature wants whsec_ and base64 of 24 to 64 bytes, or a text of at least 24 bytes", len(s.text))
		}
		return []byte(s.text), nil
	}
	key, err := base64.StdEncoding.DecodeString(coded)
	if err != nil {
		return nil, errors.New("the secret begins with whsec_ but what follows is not base64")
	}
	if len(key) < minSecretBytes || len(key) > maxSecretBytes {
		return nil, fmt.Errorf("the secret's base64 holds %d bytes, and 24 to 64 are wanted: `openssl rand -base64 32` prints what may stand behind whsec_", len(key))
	}
	return key, nil
}

package caddymodule

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/sidehook/sidehook/webhook"
)

// minEncryptionKey is the least length of encryption_key, in bytes.
const minEncryptionKey = 24

// How a sealed text begins.
const (
	sealedPlain = 0 // what follows is not encrypted: there was no key
	sealedGCM   = 1 // AES-256-GCM: nonce, ciphertext, tag; the subscription's id is authenticated too
)

// EncryptionKeys are keys, newest first. Their JSON is a text, or a list of texts.
type EncryptionKeys []string

// MarshalJSON implements [json.Marshaler].
func (k EncryptionKeys) MarshalJSON() ([]byte, error) {
	if len(k) == 1 {
		return json.Marshal(k[0])
	}
	return json.Marshal([]string(k))
}

// UnmarshalJSON implements [json.Unmarshaler].
func (k *EncryptionKeys) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*k = EncryptionKeys{one}
		return nil
	}
	if json.Unmarshal(b, (*[]string)(k)) != nil {
		return errors.New("encryption_key: write a text, or a list of them, newest first")
	}
	return nil
}

// sealer keeps what is on disk from who reads the disk. Without a key it seals
// nothing.
type sealer struct {
	key     [sha256.Size]byte
	aead    cipher.AEAD // nil: no key
	earlier []*sealer   // what was sealed by these is opened too
}

// newSealer returns the sealer of encryption_key: what the first of keys seals, all
// of them open. None seals nothing.
func newSealer(keys ...string) (*sealer, error) {
	var s *sealer
	for _, key := range keys {
		one, err := sealerOf(key)
		switch {
		case err != nil:
			return nil, err
		case s == nil:
			s = one
		default:
			s.earlier = append(s.earlier, one)
		}
	}
	if s == nil {
		s = &sealer{}
	}
	return s, nil
}

// sealerOf returns the sealer of one key.
func sealerOf(key string) (*sealer, error) {
	if len(key) < minEncryptionKey {
		return nil, fmt.Errorf("encryption_key has %d bytes: give at least %d, as `openssl rand -base64 32` prints them", len(key), minEncryptionKey)
	}
	derived, err := hkdf.Key(sha256.New, []byte(key), nil, "sidehook subscriptions", 32)
	if err != nil {
		return nil, fmt.Errorf("encryption_key: %w", err)
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		return nil, fmt.Errorf("encryption_key: %w", err)
	}
	s := &sealer{key: sha256.Sum256(derived)}
	s.aead, err = cipher.NewGCM(block)
	return s, err
}

// same reports whether what s seals is what t seals.
func (s *sealer) same(t *sealer) bool { return s.key == t.key }

// seal returns text as it is kept for a subscription.
func (s *sealer) seal(id webhook.SubscriptionID, text []byte) []byte {
	if s.aead == nil {
		return append([]byte{sealedPlain}, text...)
	}
	out := make([]byte, 1+s.aead.NonceSize(), 1+s.aead.NonceSize()+len(text)+s.aead.Overhead())
	out[0] = sealedGCM
	rand.Read(out[1:])
	return s.aead.Seal(out, out[1:], text, []byte(id))
}

// open undoes [sealer.seal]; again says that s would seal it otherwise.
func (s *sealer) open(id webhook.SubscriptionID, sealed []byte) (text []byte, again bool, err error) {
	if len(sealed) == 0 {
		return nil, false, errors.New("there is nothing")
	}
	switch rest := sealed[1:]; {
	case sealed[0] == sealedPlain:
		return rest, s.aead != nil, nil
	case sealed[0] != sealedGCM:
		return nil, false, errors.New("it is kept in a way that this sidehook does not know: run the one that wrote it")
	case s.aead == nil:
		return nil, false, errors.New("its secrets are encrypted: encryption_key is missing in the configuration")
	case len(rest) < s.aead.NonceSize():
		return nil, false, errors.New("it is damaged")
	default:
		n := s.aead.NonceSize()
		for i, with := range append([]*sealer{s}, s.earlier...) {
			if text, err = with.aead.Open(nil, rest[:n], rest[n:], []byte(id)); err == nil {
				return text, i > 0, nil
			}
		}
		return nil, false, errors.New("its secrets are encrypted with another encryption_key: give that one too, behind the new one: encryption_key {env.NEW} {env.OLD}; if it is lost, see `subscriptions forget`")
	}
}

package kept

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
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

// Sealer keeps what is on disk from who reads the disk. Without a key it seals
// nothing.
type Sealer struct {
	key     [sha256.Size]byte
	aead    cipher.AEAD // nil: no key
	earlier []*Sealer   // what was sealed by these is opened too
}

// NewSealer returns the sealer of encryption_key: what the first of keys seals, all
// of them open. None seals nothing.
func NewSealer(keys ...string) (*Sealer, error) {
	var s *Sealer
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
		s = &Sealer{}
	}
	return s, nil
}

// sealerOf returns the sealer of one key.
func sealerOf(key string) (*Sealer, error) {
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
	s := &Sealer{key: sha256.Sum256(derived)}
	s.aead, err = cipher.NewGCM(block)
	return s, err
}

// Encrypts reports whether s has a key.
func (s *Sealer) Encrypts() bool { return s.aead != nil }

// Same reports whether what s seals is what t seals.
func (s *Sealer) Same(t *Sealer) bool { return s.key == t.key }

// seal returns text as it is kept for a subscription.
func (s *Sealer) seal(id webhook.SubscriptionID, text []byte) []byte {
	if s.aead == nil {
		return append([]byte{sealedPlain}, text...)
	}
	out := make([]byte, 1+s.aead.NonceSize(), 1+s.aead.NonceSize()+len(text)+s.aead.Overhead())
	out[0] = sealedGCM
	rand.Read(out[1:])
	return s.aead.Seal(out, out[1:], text, []byte(id))
}

// Open undoes [Sealer.seal]; again says that s would seal it otherwise.
func (s *Sealer) Open(id webhook.SubscriptionID, sealed []byte) (text []byte, again bool, err error) {
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
		for i, with := range append([]*Sealer{s}, s.earlier...) {
			if text, err = with.aead.Open(nil, rest[:n], rest[n:], []byte(id)); err == nil {
				return text, i > 0, nil
			}
		}
		return nil, false, errors.New("its secrets are encrypted with another encryption_key: give that one too, behind the new one: encryption_key {env.NEW} {env.OLD}; if it is lost, see `subscriptions forget`")
	}
}

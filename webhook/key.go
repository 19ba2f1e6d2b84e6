package webhook

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// Prefixes of the keys of asymmetric signatures (Standard Webhooks 1.0.0,
// "Signature scheme").
const (
	privatePrefix = "whsk_"
	publicPrefix  = "whpk_"
)

// SigningKey returns the ed25519 key that s is for an asymmetric signature:
// "whsk_" and the base64 of 32 bytes (the seed) or 64 (the seed and the public
// key that follows from it).
func (s Secret) SigningKey() (ed25519.PrivateKey, error) {
	coded, ok := strings.CutPrefix(s.text, privatePrefix)
	if !ok {
		return nil, errors.New("sign ed25519 wants a private key: whsk_ and base64 of 32 bytes (a seed), or of 64 (seed and public key); one is made by: echo whsk_$(openssl rand -base64 32)")
	}
	raw, err := base64.StdEncoding.DecodeString(coded)
	if err != nil {
		return nil, errors.New("the key begins with whsk_ but what follows is not base64")
	}
	switch len(raw) {
	case ed25519.SeedSize:
		return ed25519.NewKeyFromSeed(raw), nil
	case ed25519.PrivateKeySize:
		key := ed25519.NewKeyFromSeed(raw[:ed25519.SeedSize])
		if !bytes.Equal(key, raw) {
			return nil, errors.New("the key's last 32 bytes are not the public key of its first 32, the seed: leave them out")
		}
		return key, nil
	}
	return nil, fmt.Errorf("the key's base64 holds %d bytes: want 32 (a seed), or 64 (seed and public key)", len(raw))
}

// PublicKey returns what verifies what s signs, "whpk_" and base64, if s is a key
// for asymmetric signatures. It is no secret.
func (s Secret) PublicKey() (string, error) {
	key, err := s.SigningKey()
	if err != nil {
		return "", err
	}
	return publicPrefix + base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey)), nil
}

// NewSigningKey returns the text of the key with a seed of 32 bytes.
func NewSigningKey(seed []byte) string {
	return privatePrefix + base64.StdEncoding.EncodeToString(ed25519.NewKeyFromSeed(seed))
}

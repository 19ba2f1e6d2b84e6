package deliver

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"net/http"
	"slices"
	"sync"

	"github.com/sidehook/sidehook/webhook"
)

var errNoSecret = errors.New("there is no secret to sign with; add one, or write sign none")

// signer adds a signature to the headers h of one attempt; stamp is its
// webhook-timestamp. What it adds is in room, which has one element.
type signer interface {
	sign(h http.Header, payload *webhook.Payload, stamp string, room []string) error
}

func newSigner(s *webhook.Subscription) (signer, error) {
	switch s.Sign.Scheme {
	case webhook.SignNone:
		return unsigned{}, nil
	case webhook.SignStandard, "":
		return newStandard(s.Secrets)
	case webhook.SignEd25519:
		return newAsymmetric(s.Secrets)
	case webhook.SignHMAC:
		return newPlainHMAC(s)
	}
	return nil, fmt.Errorf("sign %q: write standard, ed25519, hmac HEADER hex|base64, or none", s.Sign.Scheme)
}

type unsigned struct{}

func (unsigned) sign(http.Header, *webhook.Payload, string, []string) error { return nil }

// standard signs as Standard Webhooks 1.0.0 says: webhook-signature is
// "v1," and the base64 of HMAC-SHA256 over id.timestamp.body, once for each
// secret, newest first, separated by spaces.
type standard struct{ keys keyring }

func newStandard(secrets []webhook.Secret) (*standard, error) {
	var keys [][]byte
	for i, secret := range secrets {
		key, err := secret.StandardKey()
		if err != nil {
			return nil, fmt.Errorf("secret %d: %w", i+1, err)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, errNoSecret
	}
	return &standard{keys: newKeyring(keys)}, nil
}

func (s *standard) sign(h http.Header, payload *webhook.Payload, stamp string, room []string) error {
	k := s.keys.get()
	defer s.keys.put(k)
	k.head = append(k.head[:0], payload.ID...)
	k.head = append(k.head, '.')
	k.head = append(k.head, stamp...)
	k.head = append(k.head, '.')
	k.out = k.out[:0]
	for i, mac := range k.macs {
		if i > 0 {
			k.out = append(k.out, ' ')
		}
		mac.Reset()
		mac.Write(k.head)
		mac.Write(payload.Body)
		k.sum = mac.Sum(k.sum[:0])
		k.out = append(k.out, "v1,"...)
		k.out = base64.StdEncoding.AppendEncode(k.out, k.sum)
	}
	room[0] = string(k.out)
	h[headerSignature] = room
	return nil
}

// plainHMAC signs as many products before Standard Webhooks did: HMAC-SHA256
// over a text (by default the body) in a header of its own.
//
// Code that verifies such a header compares it with the one signature that it
// computes: with a second one in it, or in a second header (RFC 9110, 5.3, makes
// one of both), it finds neither. So one secret signs, unless join says what the
// receivers expect between several: v0=<hex>,<hex> or t=<time>,v1=<hex>,v1=<hex>.
type plainHMAC struct {
	header string
	encode func(dst, sum []byte) []byte
	over   *webhook.Template // nil: the body
	as     *webhook.Template // nil: the signature
	join   string            // between signatures
	keys   keyring
}

func newPlainHMAC(s *webhook.Subscription) (*plainHMAC, error) {
	p := &plainHMAC{header: http.CanonicalHeaderKey(s.Sign.Header), join: s.Sign.Join}
	if p.header != headerSignature {
		if err := checkHeaderName(p.header); err != nil {
			return nil, fmt.Errorf("sign hmac: %w", err)
		}
	}
	switch s.Sign.Encoding {
	case "hex":
		p.encode = hex.AppendEncode
	case "base64":
		p.encode = base64.StdEncoding.AppendEncode
	default:
		return nil, fmt.Errorf("sign hmac %s %q: write hex or base64", p.header, s.Sign.Encoding)
	}
	var err error
	if p.over, err = signTemplate("over", s.Sign.Over, "{body}"); err != nil {
		return nil, err
	}
	if p.over != nil && slices.Contains(p.over.Names(), "signature") {
		return nil, fmt.Errorf("sign hmac over %q: what is signed cannot hold the signature; name body, webhook_id or timestamp", s.Sign.Over)
	}
	if p.as, err = signTemplate("as", s.Sign.As, "{signature}"); err != nil {
		return nil, err
	}
	if p.as != nil && !slices.Contains(p.as.Names(), "signature") {
		return nil, fmt.Errorf("sign hmac as %q: it has no {signature}; write one like sha256={signature}", s.Sign.As)
	}
	var keys [][]byte
	for _, secret := range s.Signs() {
		if !secret.IsZero() {
			keys = append(keys, []byte(secret.Reveal()))
		}
	}
	if len(keys) == 0 {
		return nil, errNoSecret
	}
	p.keys = newKeyring(keys)
	return p, nil
}

// mostBeside is how much more than the body may be signed, in bytes.
const mostBeside = 64 << 10

// signTemplate returns nil for the usual text, which needs no template.
func signTemplate(word, text, usual string) (*webhook.Template, error) {
	if text == "" || text == usual {
		return nil, nil
	}
	t, err := webhook.ParseTemplate(text)
	if err != nil {
		return nil, fmt.Errorf("sign hmac %s: %w", word, err)
	}
	return &t, nil
}

func (p *plainHMAC) sign(h http.Header, payload *webhook.Payload, stamp string, room []string) error {
	signed := payload.Body
	names := signNames{payload: payload, stamp: stamp}
	if p.over != nil {
		text, err := p.over.Execute(len(payload.Body)+mostBeside, names.resolve)
		if err != nil {
			return fmt.Errorf("sign hmac over: %w", err)
		}
		signed = []byte(text)
	}
	value := p.signatures(signed)
	if p.as != nil {
		names.signature = value
		text, err := p.as.Execute(mostHeader, names.resolve)
		if err != nil {
			return fmt.Errorf("sign hmac as: %w", err)
		}
		value = text
	}
	if err := checkHeaderValue(value); err != nil {
		return fmt.Errorf("sign hmac as: %w", err)
	}
	room[0] = value
	h[p.header] = room
	return nil
}

func (p *plainHMAC) signatures(signed []byte) string {
	k := p.keys.get()
	defer p.keys.put(k)
	k.out = k.out[:0]
	for i, mac := range k.macs {
		if i > 0 {
			k.out = append(k.out, p.join...)
		}
		mac.Reset()
		mac.Write(signed)
		k.sum = mac.Sum(k.sum[:0])
		k.out = p.encode(k.out, k.sum)
	}
	return string(k.out)
}

// signNames resolves the names in a signing template: ours, then the payload's.
type signNames struct {
	payload   *webhook.Payload
	stamp     string
	signature string
}

func (n *signNames) resolve(name string) (string, error) {
	switch name {
	case "body":
		return string(n.payload.Body), nil
	case "webhook_id":
		return n.payload.ID, nil
	case "timestamp":
		return n.stamp, nil
	case "signature":
		return n.signature, nil
	}
	return resolver(n.payload)(name)
}

// keyring keeps HMAC states ready: their keys are hashed once, not for each
// signature.
type keyring struct{ pool *sync.Pool }

type keyed struct {
	macs           []hash.Hash // one for each secret, newest first
	head, sum, out []byte      // scratch
}

func newKeyring(keys [][]byte) keyring {
	return keyring{&sync.Pool{New: func() any {
		k := &keyed{}
		for _, key := range keys {
			k.macs = append(k.macs, hmac.New(sha256.New, key))
		}
		return k
	}}}
}

func (r keyring) get() *keyed  { return r.pool.Get().(*keyed) }
func (r keyring) put(k *keyed) { r.pool.Put(k) }

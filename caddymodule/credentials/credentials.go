// Package credentials tells what in a request proves who made it, so that it is
// never kept: which fields and parameters, whether they may serve once more, and by
// which keyed hash a caller is known again.
package credentials

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// credentialHeaders are fields that prove who somebody is, in canonical form.
// They are never kept. The caller's hash is made of those of a request.
var credentialHeaders = []string{
	"Authorization", "Cookie", "X-Api-Key", "Api-Key", "Apikey", "X-Auth-Token", "X-Access-Token",
	"X-Auth-Key", "X-Session-Token", "X-Goog-Api-Key", "Ocp-Apim-Subscription-Key", "Private-Token",
	"Proxy-Authorization", "Cookie2", "Dpop", "X-Amz-Security-Token", "X-Forwarded-Client-Cert",
	"Set-Cookie", "Set-Cookie2", "Authentication-Info", "Proxy-Authentication-Info",
}

// Is reports whether the field of that canonical name may carry a
// credential.
func Is(name string) bool {
	if slices.Contains(credentialHeaders, name) {
		return true
	}
	for _, end := range []string{"-Token", "-Secret", "-Password", "-Api-Key", "-Apikey", "-Signature"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}

// Hash makes the keyed hashes by which callers are known again. It is
// safe for concurrent use.
type Hash struct{ pool sync.Pool }

// maxCallerText is the largest buffer that is used again.
const maxCallerText = 16 << 10

type callerState struct {
	mac  hash.Hash
	text []byte // what is hashed; cleared after use
}

func NewHash(key []byte) *Hash {
	return &Hash{sync.Pool{New: func() any { return &callerState{mac: hmac.New(sha256.New, key)} }}}
}

// Of returns the keyed hash of the credentials in h and in the query parameters
// secret; nil if there are none.
func (c *Hash) Of(h http.Header, secret string) []byte {
	if secret == "" && !hasCredential(h) {
		return nil
	}
	s := c.pool.Get().(*callerState)
	defer c.pool.Put(s)
	for i, name := range credentialHeaders {
		for _, v := range h[name] {
			s.text = AppendPart(s.text, uint32(i), v)
		}
	}
	s.text = AppendPart(s.text, ^uint32(0), secret)
	s.mac.Reset()
	s.mac.Write(s.text)
	clear(s.text)
	s.text = s.text[:0]
	if cap(s.text) > maxCallerText {
		s.text = nil
	}
	return s.mac.Sum(nil)
}

// hasCredential reports whether one of [credentialHeaders] is in h, which mostly
// has fewer fields than there are of those.
func hasCredential(h http.Header) bool {
	for name, values := range h {
		if len(values) > 0 && slices.Contains(credentialHeaders, name) {
			return true
		}
	}
	return false
}

// AppendPart appends one part so that no two lists of parts read the same.
func AppendPart(to []byte, kind uint32, v string) []byte {
	to = binary.BigEndian.AppendUint32(to, kind)
	to = binary.BigEndian.AppendUint32(to, uint32(len(v)))
	return append(to, v...)
}

// Reusable reports whether the credentials of a request may serve for a GET of
// ours: not if they are bound to the one request that they came with, by a proof
// or a signature over it.
func Reusable(h http.Header, secret string) bool {
	for name := range h {
		if signsRequest(name) {
			return false
		}
	}
	for _, v := range h["Authorization"] {
		scheme, rest, _ := strings.Cut(v, " ")
		if boundSchemes[strings.ToLower(scheme)] || isSigned(scheme) || strings.Contains(strings.ToLower(rest), "signature=") {
			return false
		}
	}
	for part := range strings.SplitSeq(secret, "&") {
		name, _, _ := strings.Cut(part, "=")
		if name = unescapeName(name); name == "sig" || strings.HasSuffix(name, "signature") {
			return false
		}
	}
	return true
}

// signsRequest reports whether a field of that canonical name proves one request
// only: DPoP (RFC 9449), message signatures (RFC 9421), and what vendors make up,
// like X-Hub-Signature-256.
func signsRequest(name string) bool {
	switch name {
	case "Dpop", "Signature", "Signature-Input", "X-Amz-Content-Sha256", "X-Nonce":
		return true
	}
	for _, mark := range []string{"-Signature", "-Hmac", "-Sign", "-Nonce"} {
		if _, after, ok := strings.Cut(name, mark); ok && (after == "" || after[0] == '-') {
			return true
		}
	}
	return false
}

// isSigned reports whether a scheme of Authorization names a way to sign, like
// AWS4-HMAC-SHA256, GOOG4-RSA-SHA256 or TC3-HMAC-SHA256.
func isSigned(scheme string) bool {
	scheme = strings.ToUpper(scheme)
	return strings.HasPrefix(scheme, "AWS") || strings.HasPrefix(scheme, "GOOG") || strings.Contains(scheme, "HMAC") ||
		strings.HasSuffix(scheme, "-SHA256")
}

// boundSchemes are other schemes of Authorization that prove one request only.
var boundSchemes = map[string]bool{
	"dpop": true, "digest": true, "hawk": true, "negotiate": true, "ntlm": true, "signature": true,
	"mac": true, "bewit": true, "gnap": true, "pop": true, "sharedkey": true, "sharedkeylite": true,
	"scram-sha-1": true, "scram-sha-256": true, "mutual": true, "escher": true,
}

// secretParameters are query parameters that carry credentials, in lower case.
var secretParameters = map[string]bool{
	"access_token": true, "api_key": true, "apikey": true, "api-key": true, "x-api-key": true,
	"auth_token": true, "authorization": true, "token": true, "private_token": true, "id_token": true,
	"refresh_token": true, "client_secret": true, "password": true, "jwt": true, "sig": true, "signature": true,
	"x-amz-signature": true, "x-amz-credential": true, "x-amz-security-token": true, "x-goog-signature": true,
}

// SplitQuery parts a raw query into what may be kept and what is secret.
func SplitQuery(raw string) (kept, secret string) {
	if !mayBeSecret(raw) {
		return raw, ""
	}
	var keep, hide []string
	for part := range strings.SplitSeq(raw, "&") {
		if mayBeSecret(part) {
			hide = append(hide, part)
		} else {
			keep = append(keep, part)
		}
	}
	return strings.Join(keep, "&"), strings.Join(hide, "&")
}

// mayBeSecret reports whether one of the parameters in raw is secret. A name
// written with escapes is compared as it reads without them.
func mayBeSecret(raw string) bool {
	for part := range strings.SplitSeq(raw, "&") {
		name, _, _ := strings.Cut(part, "=")
		if secretParameters[unescapeName(name)] {
			return true
		}
	}
	return false
}

func unescapeName(name string) string {
	if strings.ContainsAny(name, "%+") {
		if plain, err := url.QueryUnescape(name); err == nil {
			name = plain
		}
	}
	return strings.ToLower(name)
}

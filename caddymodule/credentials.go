package caddymodule

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"net/http"
	"net/url"
	"strings"
)

// credentialHeaders are fields that prove who somebody is, in canonical form.
// They are never kept. The caller's hash is made of those of a request.
var credentialHeaders = []string{
	"Authorization", "Cookie", "X-Api-Key", "Api-Key", "Apikey", "X-Auth-Token", "X-Access-Token",
	"X-Auth-Key", "X-Session-Token", "X-Goog-Api-Key", "Ocp-Apim-Subscription-Key", "Private-Token",
	"Proxy-Authorization", "Cookie2", "Dpop", "X-Amz-Security-Token", "X-Forwarded-Client-Cert",
	"Set-Cookie", "Set-Cookie2", "Authentication-Info", "Proxy-Authentication-Info",
}

// isCredential reports whether the field of that canonical name may carry a
// credential.
func isCredential(name string) bool {
	for _, c := range credentialHeaders {
		if name == c {
			return true
		}
	}
	for _, end := range []string{"-Token", "-Secret", "-Password", "-Api-Key", "-Apikey", "-Signature"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}

// callerOf returns the keyed hash of the credentials in h and in the query
// parameters secret; nil if there are none.
func callerOf(key []byte, h http.Header, secret string) []byte {
	if secret == "" && !hasCredential(h) {
		return nil
	}
	mac := hmac.New(sha256.New, key)
	for i, name := range credentialHeaders {
		for _, v := range h[name] {
			writePart(mac.Write, uint32(i), v)
		}
	}
	writePart(mac.Write, ^uint32(0), secret)
	return mac.Sum(nil)
}

func hasCredential(h http.Header) bool {
	for _, name := range credentialHeaders {
		if len(h[name]) > 0 {
			return true
		}
	}
	return false
}

// writePart writes one part so that no two lists of parts read the same.
func writePart(write func([]byte) (int, error), kind uint32, v string) {
	var head [8]byte
	binary.BigEndian.PutUint32(head[:4], kind)
	binary.BigEndian.PutUint32(head[4:], uint32(len(v)))
	write(head[:])
	write([]byte(v))
}

// reusable reports whether the credentials of a request may serve for a GET of
// ours: not if they are bound to the one request that they came with.
func reusable(h http.Header, secret string) bool {
	if len(h["Dpop"]) > 0 || len(h["Signature"]) > 0 || len(h["Signature-Input"]) > 0 {
		return false
	}
	scheme, rest, _ := strings.Cut(h.Get("Authorization"), " ")
	switch strings.ToLower(scheme) {
	case "dpop", "digest", "hawk", "oauth", "negotiate", "ntlm", "signature", "hmac":
		return false
	}
	if strings.HasPrefix(scheme, "AWS4-") || strings.HasPrefix(scheme, "GOOG4-") || strings.Contains(rest, "Signature=") {
		return false
	}
	return !strings.Contains(strings.ToLower(secret), "signature=")
}

// secretParameters are query parameters that carry credentials, in lower case.
var secretParameters = map[string]bool{
	"access_token": true, "api_key": true, "apikey": true, "api-key": true, "x-api-key": true,
	"auth_token": true, "authorization": true, "token": true, "private_token": true, "id_token": true,
	"refresh_token": true, "client_secret": true, "password": true, "jwt": true, "sig": true, "signature": true,
	"x-amz-signature": true, "x-amz-credential": true, "x-amz-security-token": true, "x-goog-signature": true,
}

// splitQuery parts a raw query into what may be kept and what is secret.
func splitQuery(raw string) (kept, secret string) {
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

package command

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// signedRequest is a request whose signature is to be judged.
type signedRequest struct {
	header    http.Header
	body      []byte
	secrets   []string
	now       time.Time
	tolerance time.Duration
}

// verdict is what comes of it.
type verdict struct {
	Valid  bool   `json:"valid"`
	Detail string `json:"detail"`
}

func invalid(format string, args ...any) verdict {
	return verdict{Detail: fmt.Sprintf(format, args...)}
}

// otherSchemes are headers of signatures that are not Standard Webhooks'.
var otherSchemes = []string{
	"Svix-Signature", "X-Hub-Signature-256", "X-Hub-Signature", "Stripe-Signature", "X-Signature", "X-Signature-256",
	"X-Webhook-Signature", "X-Shopify-Hmac-Sha256", "X-Gitlab-Token",
}

// verify judges r (Standard Webhooks 1.0.0).
func (r *signedRequest) verify() verdict {
	id, stamp, given := r.header.Get("webhook-id"), r.header.Get("webhook-timestamp"), r.header.Get("webhook-signature")
	if given == "" {
		for _, name := range otherSchemes {
			if r.header.Get(name) != "" {
				return invalid("it has no webhook-signature, but %s: it is signed by another scheme (`sign hmac %s …`); that is HMAC-SHA256 over what the subscription's `over` says", name, name)
			}
		}
	}
	var missing []string
	for name, value := range map[string]string{"webhook-id": id, "webhook-timestamp": stamp, "webhook-signature": given} {
		if value == "" {
			missing = append(missing, name)
		}
	}
	if slices.Sort(missing); len(missing) > 0 {
		return invalid("the request has no %s: these headers are signed, and what is in between may have dropped them", strings.Join(missing, ", "))
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return invalid("webhook-timestamp %q is no number of seconds", stamp)
	}
	which, ok, why := r.match(id, stamp, given, r.body)
	if !ok {
		return invalid("%s", why)
	}
	if age := r.now.Sub(time.Unix(seconds, 0)); age.Abs() > r.tolerance {
		side := "ago: the clock of one side is wrong, or it is a replay of an old request, or it waited in between"
		if age < 0 {
			side = "ahead: the clock of one side is wrong"
		}
		return invalid("it was signed with this secret, but %s %s; allowed are %s", age.Abs().Round(time.Second), side, r.tolerance)
	}
	return verdict{true, fmt.Sprintf("secret %d, signed %s", which+1, time.Unix(seconds, 0).UTC().Format(time.RFC3339))}
}

// match finds the secret that signed; why says, if none did, what is the
// likeliest reason.
func (r *signedRequest) match(id, stamp, given string, body []byte) (which int, ok bool, why string) {
	schemes := map[string]bool{}
	for sig := range strings.FieldsSeq(given) {
		scheme, _, _ := strings.Cut(sig, ",")
		schemes[scheme] = true
	}
	for i, secret := range r.secrets {
		signs, scheme, err := verifier(secret)
		if err != nil {
			return 0, false, fmt.Sprintf("secret %d: %s", i+1, err)
		}
		if !schemes[scheme] {
			why = wrongScheme(schemes, scheme)
			continue
		}
		try := func(id string, body []byte) bool { return signs(id+"."+stamp+"."+string(body), given) }
		if try(id, body) {
			return i, true, ""
		}
		if changed := changedBody(body, func(b []byte) bool { return try(id, b) }); changed != "" {
			return 0, false, changed
		}
	}
	if why == "" {
		why = "no signature fits: it was made with another secret (is this the one of that subscription, or was it rotated?), or for another body, id or time; verify the bytes as they came, before they are parsed"
	}
	return 0, false, why
}

func wrongScheme(there map[string]bool, want string) string {
	switch {
	case want == "v1" && there["v1a"]:
		return "it is signed with ed25519 (v1a): give the public key (whpk_…), not a secret"
	case want == "v1a" && there["v1"]:
		return "it is signed with a secret (v1): give that (whsec_…), not a public key"
	}
	return "webhook-signature has neither v1 nor v1a: it is of another scheme"
}

// changedBody says what was done to a body, if without that it is the one that
// was signed.
func changedBody(body []byte, signed func([]byte) bool) string {
	var compact bytes.Buffer
	tries := []struct {
		body []byte
		what string
	}{
		{bytes.TrimRight(body, "\r\n"), "a line end was added to the body"},
		{append(slices.Clone(body), '\n'), "a line end was taken from the end of the body"},
		{bytes.ReplaceAll(body, []byte("\r\n"), []byte("\n")), "the line ends of the body were changed"},
		{bytes.TrimSpace(body), "space was added around the body"},
	}
	if json.Compact(&compact, body) == nil {
		tries = append(tries, struct {
			body []byte
			what string
		}{compact.Bytes(), "the body was parsed and written anew: JSON with other spaces"})
	}
	for _, t := range tries {
		if !bytes.Equal(t.body, body) && signed(t.body) {
			return "it was signed with this secret, but " + t.what + "; verify the bytes as they came"
		}
	}
	return ""
}

// verifier returns what reports whether one of the signatures of a header is of
// text, and their scheme.
func verifier(secret string) (signs func(text, header string) bool, scheme string, err error) {
	if coded, ok := strings.CutPrefix(secret, "whpk_"); ok {
		key, err := base64.StdEncoding.DecodeString(coded)
		if err != nil || len(key) != ed25519.PublicKeySize {
			return nil, "", fmt.Errorf("it begins with whpk_ but is no public key: want base64 of %d bytes", ed25519.PublicKeySize)
		}
		return func(text, header string) bool {
			return eachSignature(header, "v1a", func(sig []byte) bool { return ed25519.Verify(key, []byte(text), sig) })
		}, "v1a", nil
	}
	if strings.HasPrefix(secret, "whsk_") {
		return nil, "", errors.New("it begins with whsk_, and so is the private key, which signs: give the public key (whpk_…), which `subscriptions show` has")
	}
	key, err := webhook.NewSecret(secret).StandardKey()
	if err != nil {
		return nil, "", err
	}
	return func(text, header string) bool {
		want := standardMAC(key, text)
		return eachSignature(header, "v1", func(sig []byte) bool { return hmac.Equal(sig, want) })
	}, "v1", nil
}

// standardMAC returns the bytes of a v1 signature.
func standardMAC(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

func eachSignature(header, scheme string, fits func([]byte) bool) bool {
	for sig := range strings.FieldsSeq(header) {
		if coded, ok := strings.CutPrefix(sig, scheme+","); ok {
			if raw, err := base64.StdEncoding.DecodeString(coded); err == nil && fits(raw) {
				return true
			}
		}
	}
	return false
}

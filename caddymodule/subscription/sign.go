package subscription

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/sidehook/sidehook/webhook"
)

// Signing returns how s signs, with the defaults filled in.
func (s *Subscription) Signing() webhook.Signing {
	if s.Sign == nil {
		return webhook.Signing{Scheme: webhook.SignStandard}
	}
	out := webhook.Signing{Scheme: s.Sign.Scheme}
	if out.Scheme == webhook.SignHMAC {
		out.Header, out.Encoding = s.Sign.Header, s.Sign.Encoding
		out.Over, out.As = cmp.Or(s.Sign.Over, "{body}"), cmp.Or(s.Sign.As, "{signature}")
		out.Join = s.Sign.Join
	}
	return out
}

// checkSign says what is wrong with how s signs.
func (s *Subscription) checkSign() error {
	if s.Sign == nil {
		return nil
	}
	g := s.Sign
	switch g.Scheme {
	case webhook.SignStandard, webhook.SignEd25519, webhook.SignNone:
		if g.Header != "" || g.Encoding != "" || g.Over != "" || g.As != "" || g.Join != "" {
			return fmt.Errorf("sign %s takes nothing more: header, encoding, over, as and join are for hmac", g.Scheme)
		}
		return nil
	case webhook.SignHMAC:
	default:
		return fmt.Errorf("sign %q: write standard, ed25519, hmac or none", g.Scheme)
	}
	switch {
	case !httpguts.ValidHeaderFieldName(g.Header):
		return &advised{
			what:       fmt.Sprintf("sign hmac %q: write the header that carries the signature, like ", g.Header),
			configured: "sign hmac X-Signature hex",
			called:     `{"scheme": "hmac", "header": "X-Signature", "encoding": "hex"}`,
		}
	case g.Encoding != "hex" && g.Encoding != "base64":
		return fmt.Errorf("sign hmac %s %q: write hex or base64", g.Header, g.Encoding)
	}
	if _, err := webhook.ParseTemplate(g.Over); err != nil {
		return fmt.Errorf("sign … over: %w", err)
	}
	as, err := webhook.ParseTemplate(cmp.Or(g.As, "{signature}"))
	if err != nil {
		return fmt.Errorf("sign … as: %w", err)
	}
	if !slices.Contains(as.Names(), "signature") {
		return fmt.Errorf("sign … as %q does not hold {signature}", g.As)
	}
	if strings.ContainsFunc(g.Join, func(r rune) bool { return r < ' ' || r > '~' }) {
		return fmt.Errorf("sign … join %q: write what may stand in a header, like \",\"", g.Join)
	}
	return nil
}

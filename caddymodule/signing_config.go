package caddymodule

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/textproto"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/caddymodule/directive"
	"github.com/sidehook/sidehook/webhook"
)

// signing returns how s signs, with the defaults filled in.
func (s *Subscription) signing() webhook.Signing {
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
	case !headerName.MatchString(g.Header):
		return fmt.Errorf("sign hmac %q: write the header that carries the signature, like sign hmac X-Signature hex", g.Header)
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

// checkSecrets says what is wrong with how many secrets a subscription of the
// configuration has.
func (s *Subscription) checkSecrets() error {
	sign := s.signing()
	switch n := len(s.Secrets); {
	case n == 0 && sign.Scheme != webhook.SignNone:
		return errors.New("a secret is missing: write secret {env.NAME} or {file./path}, or sign none")
	case n > maxSecrets:
		return fmt.Errorf("%d secrets: write up to %d, newest first", n, maxSecrets)
	case n > 1 && sign.Scheme == webhook.SignNone:
		return fmt.Errorf("%d secrets, and sign none: a body has room for one, as subscription.secret", n)
	case n > 1 && sign.One():
		return fmt.Errorf(`%d secrets, and one signature in %s, as its receivers expect: write the one that they have now; or, if they take several, what stands between these, like join ","`, n, sign.Header)
	}
	return nil
}

// own are the headers that Sidehook, or HTTP itself, sets.
var own = []string{
	"Host", "Content-Length", "Transfer-Encoding", "Connection", "Trailer", "Te", "Upgrade",
	"Webhook-Id", "Webhook-Timestamp", "Webhook-Signature", "Webhook-Attempt", "Content-Type",
}

// checkHeader says what is wrong with a header of a subscription.
func checkHeader(h Header) error {
	if !headerName.MatchString(h.Name) {
		if name := strings.TrimSuffix(h.Name, ":"); headerName.MatchString(name) {
			return fmt.Errorf("header %q is no header name: write it without the colon, %s", h.Name, name)
		}
		return fmt.Errorf("header %q is no header name: write letters, digits and -, like X-Topic", h.Name)
	}
	if name := textproto.CanonicalMIMEHeaderKey(h.Name); slices.Contains(own, name) {
		return fmt.Errorf("header %s is set by Sidehook itself: leave it out", name)
	}
	if strings.ContainsAny(h.Value, "\r\n\x00") {
		return fmt.Errorf("header %s has a line break in its value", h.Name)
	}
	if _, err := webhook.ParseTemplate(sources.ReplaceAllString(h.Value, "")); err != nil {
		return fmt.Errorf("header %s: %w", h.Name, err)
	}
	return nil
}

func checkHeaders(headers []Header) error {
	for _, h := range headers {
		if err := checkHeader(h); err != nil {
			return err
		}
	}
	return nil
}

// buildHeaders returns headers with what they take from the environment and
// from files read.
func buildHeaders(headers []Header) ([]webhook.HeaderTemplate, error) {
	var out []webhook.HeaderTemplate
	for _, h := range headers {
		if err := checkHeader(h); err != nil {
			return nil, err
		}
		value, err := resolveWith(h.Value, doubleBraces.Replace)
		if err != nil {
			return nil, fmt.Errorf("header %s: %w", h.Name, err)
		}
		if strings.ContainsAny(value, "\r\n\x00") {
			return nil, fmt.Errorf("header %s: what it takes from the environment or a file has a line break in it", h.Name)
		}
		out = append(out, webhook.HeaderTemplate{
			Name: textproto.CanonicalMIMEHeaderKey(h.Name), Value: value, Secret: sources.MatchString(h.Value),
		})
	}
	return out, nil
}

// doubleBraces makes text what a template yields again.
var doubleBraces = strings.NewReplacer("{", "{{", "}", "}}")

// readSecrets reads the secrets of s and checks them by how they sign.
func (a *App) readSecrets(s *Subscription) ([]webhook.Secret, error) {
	scheme := s.signing().Scheme
	if err := s.checkSecrets(); err != nil {
		return nil, err
	}
	var out []webhook.Secret
	for i, text := range s.Secrets {
		secret, err := readSecret(text)
		if err != nil {
			return nil, err
		}
		if err := secret.CheckFor(scheme); err != nil {
			return nil, fmt.Errorf("secret %s: %w", nameOf(text, i), err)
		}
		if !sources.MatchString(text) && a.run.logger != nil {
			a.run.logger.Warn("a secret stands in the configuration itself, where everybody sees it who can read that; write {env.NAME} or {file./path}",
				"subscription", s.Name)
		}
		if slices.Contains(out, secret) {
			return nil, fmt.Errorf("secret %s stands twice", nameOf(text, i))
		}
		out = append(out, secret)
	}
	return out, nil
}

// nameOf names a secret in errors, without showing a literal one.
func nameOf(text string, i int) string {
	if sources.MatchString(text) {
		return text
	}
	return fmt.Sprintf("number %d", i+1)
}

func readSecret(text string) (webhook.Secret, error) {
	if directive.IsPlaceholder(text) && !sources.MatchString(text) {
		return webhook.Secret{}, fmt.Errorf("secret %s is a placeholder that is not known when Caddy starts: write {env.NAME} or {file./path}", text)
	}
	value, err := resolve(text)
	if err == nil && value == "" {
		err = errors.New("it is empty")
	}
	if err != nil {
		return webhook.Secret{}, fmt.Errorf("secret: %w", err)
	}
	return webhook.NewSecret(value), nil
}

// sources matches what is read when a configuration is loaded.
var sources = regexp.MustCompile(`\{(env|file)\.([^{}]+)\}`)

// maxSource bounds a file that a secret is read from.
const maxSource = 64 << 10

// resolve returns text with {env.NAME} and {file./path} replaced by what they
// hold; missing or empty is an error that names it.
func resolve(text string) (string, error) {
	return resolveWith(text, func(s string) string { return s })
}

// resolveWith is [resolve]; quote is applied to each value.
func resolveWith(text string, quote func(string) string) (string, error) {
	var first error
	out := sources.ReplaceAllStringFunc(text, func(found string) string {
		m := sources.FindStringSubmatch(found)
		value, err := readSource(m[1], m[2])
		if err != nil && first == nil {
			first = err
		}
		return quote(value)
	})
	return out, first
}

func readSource(kind, name string) (string, error) {
	if kind == "env" {
		value, ok := os.LookupEnv(name)
		switch {
		case !ok:
			return "", fmt.Errorf("{env.%s}: the environment variable %s is not set", name, name)
		case strings.TrimSpace(value) == "":
			return "", fmt.Errorf("{env.%s}: the environment variable %s is empty", name, name)
		}
		return value, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return "", fmt.Errorf("{file.%s}: %w", name, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSource+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("{file.%s}: %w", name, err)
	case len(b) > maxSource:
		return "", fmt.Errorf("{file.%s} has more than %d bytes: is that the right file?", name, maxSource)
	case strings.TrimSpace(string(b)) == "":
		return "", fmt.Errorf("{file.%s}: the file is empty", name)
	}
	return strings.TrimRight(string(b), "\r\n"), nil
}

package api

import (
	"net/textproto"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/caddymodule/credentials"
	"github.com/sidehook/sidehook/caddymodule/problem"
	"github.com/sidehook/sidehook/caddymodule/subscription"
)

// checkLooks says what is wrong with how a caller's s asks the API itself.
func (c *Call) checkLooks(s *subscription.Subscription) error {
	by := s.Looks()
	switch {
	case by != "" && s.Credential == nil:
		return problem.WrongField("/credential", `credential is missing: %s asks the API as you; write one like {"header": "Authorization", "value": "Bearer …"}`, by)
	case by == "" && s.Credential == nil:
		return nil
	case by == "":
		return problem.WrongField("/credential", "credential has no effect: write view_check, expand, query or related too, or leave it out")
	case !c.Operator && !ownerCredential(s.Credential.Header):
		return problem.WrongField("/credential/header", "credential: %s is no header of a credential: write Authorization, Cookie or one like X-Api-Key", s.Credential.Header)
	case !c.e.Current().Sealer.Encrypts():
		return problem.WrongField("/credential", "credential: this server has no encryption_key to keep it under: the operator must give it one")
	}
	asked := s.Literally()
	if err := c.e.Current().Handlers.CheckRelated(asked); err != nil {
		return problem.WrongField("/related", "%s", strings.TrimPrefix(err.Error(), "subscription : "))
	}
	if err := c.e.Current().Handlers.CheckOrigins(asked); err != nil {
		return problem.WrongField("/"+by, "%s: the API cannot be asked here: the operator must write origin", by)
	}
	return nil
}

// ownerCredential reports whether a caller of the API may give a credential in a
// header. An API trusts others, like X-Forwarded-User, because of who is in front
// of it; and that would be us.
func ownerCredential(header string) bool {
	name := textproto.CanonicalMIMEHeaderKey(header)
	if slices.Contains([]string{"Proxy-Authorization", "X-Forwarded-Client-Cert", "Dpop", "Cookie2"}, name) || strings.HasPrefix(name, "Set-") ||
		strings.HasSuffix(name, "-Info") || strings.HasSuffix(name, "-Signature") || strings.HasPrefix(name, "X-Forwarded-") {
		return false
	}
	return credentials.Is(name)
}

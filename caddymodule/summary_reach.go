package caddymodule

import "github.com/sidehook/sidehook/caddymodule/subscription"

// reach adds how receivers are reached, where that is not straight and with
// certificates verified.
func (s *summary) reach(of, all *subscription.Egress, anyCertificate bool) {
	lines := of.Said(all)
	if anyCertificate {
		lines = append(lines, "whatever certificate its receiver has (insecure_skip_verify)")
	}
	s.scopes("    over   ", lines)
}

// api adds who may subscribe by themselves, and where to.
func (s *summary) api(a *API, all *subscription.Egress) {
	s.WriteString("subscriptions made through sidehook_api\n")
	switch {
	case a.Owner != "":
		s.scopes("    by     ", []string{"each caller its own, told by " + a.Owner})
	case a.AllowUnauthenticated:
		s.scopes("    by     ", []string{"everybody who can reach it (allow_unauthenticated)"})
	default:
		s.scopes("    by     ", []string{"whoever is authenticated in front of it; all see the same"})
	}
	if a.Tenant != "" {
		s.scopes("    of     ", []string{"the tenant told by " + a.Tenant})
	} else {
		s.scopes("    of     ", []string{"no tenant: they get the events that are of none"})
	}
	to := []string{"https:// URLs at public addresses"}
	if a.AllowPrivate {
		to[0] = "private addresses too, and http:// URLs (allow_private)"
	}
	if a.AllowInsecureSkipVerify {
		to = append(to, "receivers with any certificate, if they ask for that (allow_insecure_skip_verify)")
	}
	if a.Dialect != "" {
		to = append(to, "in dialect "+a.Dialect)
	}
	s.scopes("    to     ", to)
	s.reach(nil, all, false)
}

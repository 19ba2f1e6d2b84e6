package subscription

import (
	"net/url"
	"strings"

	"github.com/sidehook/sidehook/caddymodule/source"
)

// Said returns how receivers are reached that e is written for, where all is written
// for all of them; both may be nil. A password is in no line; {env.NAME} and
// {file./path} stand as they are written.
func (e *Egress) Said(all *Egress) (lines []string) {
	if e = e.over(all); e == nil {
		return nil
	}
	if e.Proxy != "" {
		lines = append(lines, "proxy "+shownProxy(e.Proxy))
	}
	for _, list := range []struct {
		name   string
		values []string
	}{{"resolvers", e.Resolvers}, {"trusted_ca", e.TrustedCA}} {
		if len(list.values) > 0 {
			lines = append(lines, list.name+" "+strings.Join(list.values, " "))
		}
	}
	if c := e.ClientCertificate; c != nil {
		lines = append(lines, "client_certificate "+c.Certificate+" "+c.Key)
	}
	return lines
}

// shownProxy returns the URL of a proxy without a password that stands in it.
func shownProxy(text string) string {
	if u, err := url.Parse(text); err == nil && !source.In(text) {
		return u.Redacted()
	}
	return text
}

package rules

import (
	"github.com/sidehook/sidehook/rules/redact"
	"github.com/sidehook/sidehook/webhook"
)

// Redacts reports whether bodies must go through [Match.Redact] before anything
// of them is kept.
func (m *Match) Redacts() bool { return m.e.res.redact.Any() }

// Redact returns body without the redacted paths, as [redact.Paths.Body] says it.
func (m *Match) Redact(body webhook.Body, h webhook.Header) webhook.Body {
	return m.e.res.redact.Body(body, h, nil)
}

// Redactions redact for one configuration, and remember which of its redacted paths
// were ever found: one that is written otherwise than the API writes it takes
// nothing out, and nobody would know. They are safe for concurrent use.
type Redactions struct{ *redact.Memory }

// NewRedactions returns those of p, which have seen nothing yet.
func (p *Program) NewRedactions() *Redactions {
	all := make([]*redact.Paths, len(p.resources))
	for i, r := range p.resources {
		all[i] = &r.redact
	}
	return &Redactions{redact.NewMemory(all)}
}

// Redact is [Match.Redact] for a call of m.
func (rs *Redactions) Redact(m *Match, body webhook.Body, h webhook.Header) webhook.Body {
	return m.e.res.redact.Body(body, h, rs.Of(&m.e.res.redact))
}

// RedactQuery returns the raw query of a call of m without the parameters that have a
// redacted path for a name: some APIs take fields there, too.
func (rs *Redactions) RedactQuery(m *Match, query string) string {
	return m.e.res.redact.Query(query, rs.Of(&m.e.res.redact))
}

// Unfound returns the paths that were in none of so many bodies of m's resource, nor
// of any other that has them; each once, to whoever asks first.
func (rs *Redactions) Unfound(m *Match, bodies int64) []string {
	return rs.Of(&m.e.res.redact).Missing(bodies)
}

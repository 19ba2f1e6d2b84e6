package capture

import (
	"log/slog"
	"strings"
	"sync/atomic"

	"github.com/sidehook/sidehook/caddymodule/metrics"
	"github.com/sidehook/sidehook/rules"
)

// enoughBodies is how many bodies of a resource are looked through before it is
// said that a redacted path was in none of them.
const enoughBodies = 200

// redactions redact, count the paths that were found, and say which were not.
type redactions struct {
	*rules.Redactions
	api    string
	logger *slog.Logger

	counted atomic.Int32 // paths found that the metric shows
}

func newRedactions(p *rules.Program, logger *slog.Logger) *redactions {
	rs := &redactions{Redactions: p.NewRedactions(), api: p.API(), logger: logger}
	for path := range rs.Paths {
		metrics.Process.Redacted.WithLabelValues(rs.api, path) // shown from the start, as 0
	}
	return rs
}

// look is called when a call of m is over: it shows which paths were found since the
// last time, and logs, once, those that were not found in enough bodies.
func (rs *redactions) look(m *rules.Match) {
	if found := rs.Found(); rs.counted.Swap(found) != found {
		for path, found := range rs.Paths {
			if found {
				metrics.Process.Redacted.WithLabelValues(rs.api, path).Set(1)
			}
		}
	}
	if paths := rs.Unfound(m, enoughBodies); len(paths) > 0 {
		rs.logger.Warn("what is to be redacted was in no body so far: if the API writes it otherwise, it is kept and sent",
			"api", rs.api, "resource", m.Resource(), "redact", strings.Join(paths, " "), "bodies", enoughBodies)
	}
}

package rules

import (
	"slices"
	"sync/atomic"

	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/webhook"
)

// Redactions redact for one configuration, and remember which of its redacted paths
// were ever found: one that is written otherwise than the API writes it takes
// nothing out, and nobody would know. They are safe for concurrent use.
type Redactions struct {
	of    map[*resource]*pathsFound // never changed
	found atomic.Int32
}

// NewRedactions returns those of p, which have seen nothing yet.
func (p *Program) NewRedactions() *Redactions {
	rs := &Redactions{of: make(map[*resource]*pathsFound)}
	paths := make(map[string]*pathFound)
	for _, r := range p.resources {
		if len(r.redact) == 0 {
			continue
		}
		f := &pathsFound{found: &rs.found}
		for _, g := range r.redact {
			if text := g.String(); !slices.ContainsFunc(f.paths, func(p *pathFound) bool { return p.text == text }) {
				if paths[text] == nil {
					paths[text] = &pathFound{text: text}
				}
				f.paths, paths[text].of = append(f.paths, paths[text]), append(paths[text].of, f)
			}
		}
		rs.of[r] = f
	}
	return rs
}

// pathsFound is what is known of the paths of one resource. The same path in two of
// them is one: most such are written for all. A nil one takes no notes.
type pathsFound struct {
	paths  []*pathFound
	bodies atomic.Int64
	judged atomic.Bool   // there were enough of them
	all    atomic.Bool   // each path was found
	found  *atomic.Int32 // of all resources
}

type pathFound struct {
	text  string
	of    []*pathsFound
	found atomic.Bool
	told  atomic.Bool // that it was not
}

// Redact is [Match.Redact] for a call of m.
func (rs *Redactions) Redact(m *Match, body webhook.Body, h webhook.Header) webhook.Body {
	return m.redact(body, h, rs.of[m.e.res])
}

// RedactQuery is [Match.RedactQuery] for a call of m.
func (rs *Redactions) RedactQuery(m *Match, query string) string {
	return m.redactQuery(query, rs.of[m.e.res])
}

// Paths returns every path once, and whether it was found in any resource.
func (rs *Redactions) Paths(yield func(path string, found bool) bool) {
	seen := make(map[*pathFound]bool)
	for _, f := range rs.of {
		for _, p := range f.paths {
			if !seen[p] && !yield(p.text, p.found.Load()) {
				return
			}
			seen[p] = true
		}
	}
}

// Found returns how many of the paths were found.
func (rs *Redactions) Found() int32 { return rs.found.Load() }

// Unfound returns the paths that were in none of so many bodies of m's resource, nor
// of any other that has them; each once, to whoever asks first.
func (rs *Redactions) Unfound(m *Match, bodies int64) (paths []string) {
	f := rs.of[m.e.res]
	if f == nil || f.bodies.Load() < bodies || f.judged.Swap(true) {
		return nil
	}
	for _, p := range f.paths {
		judged := !slices.ContainsFunc(p.of, func(f *pathsFound) bool { return !f.judged.Load() })
		if judged && !p.found.Load() && !p.told.Swap(true) {
			paths = append(paths, p.text)
		}
	}
	return paths
}

func (f *pathsFound) looked() {
	if f != nil {
		f.bodies.Add(1)
	}
}

// note notes which of globs select name, as stepInto and writtenNames read it.
func (f *pathsFound) note(globs lang.Globs, name string) {
	if f == nil || f.all.Load() {
		return
	}
	f.noteAt(globs, []string{name})
	f.noteAt(globs, writtenNames(name))
}

// noteAt notes which of globs select what is at names.
func (f *pathsFound) noteAt(globs lang.Globs, names []string) {
	if f == nil || f.all.Load() {
		return
	}
	for i := range globs {
		if selects(globs[i:i+1], names) {
			f.mark(globs[i].String())
		}
	}
}

func (f *pathsFound) mark(path string) {
	all := true
	for _, p := range f.paths {
		if p.text == path && !p.found.Swap(true) {
			f.found.Add(1)
		}
		all = all && p.found.Load()
	}
	f.all.Store(all)
}

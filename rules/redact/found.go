package redact

import (
	"slices"
	"sync/atomic"

	"github.com/sidehook/sidehook/rules/lang"
)

// Memory remembers which of the redacted paths of all resources were ever found. It
// is safe for concurrent use.
type Memory struct {
	of    map[*Paths]*Found // never changed
	found atomic.Int32
}

// NewMemory returns one of all, of which nothing was found yet.
func NewMemory(all []*Paths) *Memory {
	rs := &Memory{of: make(map[*Paths]*Found)}
	paths := make(map[string]*pathFound)
	for _, r := range all {
		if !r.Any() {
			continue
		}
		f := &Found{found: &rs.found}
		for _, g := range r.Globs {
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

// Of returns where is noted what is found of r, nil if it has no paths.
func (rs *Memory) Of(r *Paths) *Found { return rs.of[r] }

// Found is what is known of the paths of one resource. The same path in two of
// them is one: most such are written for all. A nil one takes no notes.
type Found struct {
	paths  []*pathFound
	bodies atomic.Int64
	judged atomic.Bool   // there were enough of them
	all    atomic.Bool   // each path was found
	found  *atomic.Int32 // of all resources
}

type pathFound struct {
	text  string
	of    []*Found
	found atomic.Bool
	told  atomic.Bool // that it was not
}

// Paths returns every path once, and whether it was found in any resource.
func (rs *Memory) Paths(yield func(path string, found bool) bool) {
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
func (rs *Memory) Found() int32 { return rs.found.Load() }

// Missing returns the paths that were in none of so many bodies of the resource, nor
// of any other that has them; each once, to whoever asks first.
func (f *Found) Missing(bodies int64) (paths []string) {
	if f == nil || f.bodies.Load() < bodies || f.judged.Swap(true) {
		return nil
	}
	for _, p := range f.paths {
		judged := !slices.ContainsFunc(p.of, func(f *Found) bool { return !f.judged.Load() })
		if judged && !p.found.Load() && !p.told.Swap(true) {
			paths = append(paths, p.text)
		}
	}
	return paths
}

func (f *Found) looked() {
	if f != nil {
		f.bodies.Add(1)
	}
}

// note notes which of globs select name, as stepInto and writtenNames read it.
func (f *Found) note(globs lang.Globs, name string) {
	if f == nil || f.all.Load() {
		return
	}
	f.noteAt(globs, []string{name})
	f.noteAt(globs, writtenNames(name))
}

// noteAt notes which of globs select what is at names.
func (f *Found) noteAt(globs lang.Globs, names []string) {
	if f == nil || f.all.Load() {
		return
	}
	for i := range globs {
		if selects(globs[i:i+1], names) {
			f.mark(globs[i].String())
		}
	}
}

func (f *Found) mark(path string) {
	all := true
	for _, p := range f.paths {
		if p.text == path && !p.found.Swap(true) {
			f.found.Add(1)
		}
		all = all && p.found.Load()
	}
	f.all.Store(all)
}

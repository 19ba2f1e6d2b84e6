package payload

import (
	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/rules/tree"
	"github.com/sidehook/sidehook/webhook"
)

// maxDiffers bounds how many paths are told that differ.
const maxDiffers = 100

// Viewed returns v as it tells of what e did to an entity, of which a later GET
// by the subscriber showed entity: which of what e tells is otherwise there.
func Viewed(e *webhook.Event, entity []byte, v webhook.Viewed) *webhook.Viewed {
	note := func(path string) {
		if len(v.Differs) < maxDiffers {
			v.Differs = append(v.Differs, path)
		}
	}
	if e.Operation == webhook.Updated {
		for _, c := range e.Changes {
			p, err := lang.ParsePath(c.Path)
			if err != nil || inArray(p, entity) {
				continue // an element by its key, which the path does not find
			}
			if raw, ok := p.Get(entity); ok != (c.New != nil) || ok && !sameOrExpanded(c.New, raw) {
				note(c.Path)
			}
		}
		return &v
	}
	after, err := tree.ParseShared(e.After)
	shown, err2 := tree.ParseShared(entity)
	if err != nil || err2 != nil || !after.IsObject() || !shown.IsObject() {
		return &v
	}
	for m := range tree.Each(after.Members()) {
		if now := shown.Get(m.Name); now != nil && !sameOrExpanded(m.Value.JSON(), now.JSON()) {
			note(lang.Path{}.Child(m.Name).String())
		}
	}
	return &v
}

// inArray reports whether p leads into an array of doc.
func inArray(p lang.Path, doc []byte) bool {
	var at lang.Path
	for _, name := range p.Names() {
		if raw, ok := at.Get(doc); ok && len(raw) > 0 && raw[0] == '[' {
			return true
		}
		at = at.Child(name)
	}
	return false
}

// sameOrExpanded reports whether shown says the same as told, or has an object
// or a list where told has what stands for it.
func sameOrExpanded(told, shown []byte) bool {
	was, err := lang.Decode(told)
	now, err2 := lang.Decode(shown)
	if err != nil || err2 != nil {
		return false
	}
	if lang.Equal(was, now) {
		return true
	}
	return was != nil && !isContainer(was) && isContainer(now)
}

func isContainer(v any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return true
	}
	return false
}

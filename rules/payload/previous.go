package payload

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/webhook"
)

// Previous returns the old values of changes, nested as the entity nests them:
// {"owner":{"email":"a@example.com"}}. What was absent before is null; an
// element of an array that is compared by key stands under its key.
func Previous(changes []webhook.FieldChange) json.RawMessage {
	return appendPrevious(nil, changes, nil)
}

// appendPrevious appends [Previous], limited to globs unless they are nil.
func appendPrevious(dst []byte, changes []webhook.FieldChange, globs lang.Globs) []byte {
	if inOrder(changes) {
		return appendInOrder(dst, changes, globs)
	}
	var root branch
	for _, c := range changes {
		p, err := lang.ParsePath(c.Path)
		if err != nil {
			continue // the whole document: nothing to nest it under
		}
		if c, ok := limitChange(c, globs); ok {
			root.put(p, old(&c))
		}
	}
	return root.append(dst)
}

func old(c *webhook.FieldChange) json.RawMessage {
	if c.Old == nil {
		return json.RawMessage("null")
	}
	return c.Old
}

// fewChanges is up to how many changes each is compared with all before it.
const fewChanges = 16

// inOrder reports whether changes can be nested one after the other, as those of
// a diff can: all are plain names between dots, none is below another, and those
// of one object come together. It may be false where that is so, but costly to see.
func inOrder(changes []webhook.FieldChange) bool {
	sorted := slices.IsSortedFunc(changes, func(a, b webhook.FieldChange) int { return strings.Compare(a.Path, b.Path) })
	if !sorted && len(changes) > fewChanges {
		return false
	}
	for i := range changes {
		path := changes[i].Path
		switch {
		case !plainNames(path):
			return false
		case !sorted && !follows(changes[:i], path):
			return false
		case sorted && (i > 0 && changes[i-1].Path == path || belowOne(changes[:i], path)):
			return false
		}
	}
	return true
}

func plainNames(path string) bool {
	return path != "" && path[0] != '.' && path[len(path)-1] != '.' && !strings.ContainsAny(path, `\*`) && !strings.Contains(path, "..")
}

// belowOne reports whether path is below one of sorted changes.
func belowOne(sorted []webhook.FieldChange, path string) bool {
	for i := range len(path) {
		if path[i] != '.' {
			continue
		}
		_, found := slices.BinarySearchFunc(sorted, path[:i], func(c webhook.FieldChange, path string) int {
			return strings.Compare(c.Path, path)
		})
		if found {
			return true
		}
	}
	return false
}

// follows reports whether path can come after changes.
func follows(changes []webhook.FieldChange, path string) bool {
	if len(changes) == 0 {
		return true
	}
	open := sameObject(changes[len(changes)-1].Path, path)
	for i := range changes {
		other := changes[i].Path
		if other == path || sameObject(other, path) > open || isBelow(other, path) || isBelow(path, other) {
			return false
		}
	}
	return true
}

func isBelow(path, other string) bool {
	return len(path) > len(other) && path[len(other)] == '.' && path[:len(other)] == other
}

// appendInOrder is appendPrevious for changes that are inOrder.
func appendInOrder(dst []byte, changes []webhook.FieldChange, globs lang.Globs) []byte {
	dst = append(dst, '{')
	last := ""
	for i := range changes {
		c, ok := limitChange(changes[i], globs)
		if !ok {
			continue
		}
		same := sameObject(last, c.Path)
		dst = appendRepeated(dst, '}', strings.Count(last[same:], "."))
		if last != "" {
			dst = append(dst, ',')
		}
		rest := c.Path[same:]
		for {
			name, below, nested := strings.Cut(rest, ".")
			dst = append(lang.AppendString(dst, name), ':')
			if !nested {
				break
			}
			dst, rest = append(dst, '{'), below
		}
		dst, last = append(dst, old(&c)...), c.Path
	}
	return append(appendRepeated(dst, '}', strings.Count(last, ".")), '}')
}

// sameObject returns the length of the path, with its dot, of the innermost
// object that a and b are both in.
func sameObject(a, b string) int {
	same := 0
	for i := 0; i < len(a) && i < len(b) && a[i] == b[i]; i++ {
		if a[i] == '.' {
			same = i + 1
		}
	}
	return same
}

func appendRepeated(dst []byte, c byte, n int) []byte {
	for range n {
		dst = append(dst, c)
	}
	return dst
}

// branch is an object under construction; its members keep their order.
type branch struct {
	names []string
	below []*branch
	leaf  json.RawMessage
}

func (b *branch) put(p lang.Path, leaf json.RawMessage) {
	for !p.IsRoot() {
		var name string
		name, p = p.Cut()
		b = b.child(name)
	}
	b.leaf = leaf
}

func (b *branch) child(name string) *branch {
	for i, n := range b.names {
		if n == name {
			return b.below[i]
		}
	}
	c := &branch{}
	b.names, b.below = append(b.names, name), append(b.below, c)
	return c
}

func (b *branch) append(dst []byte) []byte {
	if b.leaf != nil {
		return append(dst, b.leaf...)
	}
	dst = append(dst, '{')
	for i, c := range b.below {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(lang.AppendString(dst, b.names[i]), ':')
		dst = c.append(dst)
	}
	return append(dst, '}')
}

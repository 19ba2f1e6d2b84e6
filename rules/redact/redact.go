// Package redact takes out of bodies and queries what must not be kept, and
// remembers what was ever found. It knows of no call.
//
// [Paths] are what one resource redacts; names.go finds them where a patch or a query
// names them as a path. A [Memory] counts for a configuration which of its paths were
// found, so that one that never is can be told of.
package redact

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/sidehook/sidehook/rules/content"
	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/rules/tree"
	"github.com/sidehook/sidehook/webhook"
)

// Paths are the redacted paths of one resource.
type Paths struct {
	Globs     lang.Globs
	Envelopes []string // all members that may hold the entity
}

// Any reports whether there are any.
func (r *Paths) Any() bool { return len(r.Globs) > 0 }

// Body returns body without the redacted paths: as JSON or a form, without a
// content coding (the Content-Encoding that is kept with it then no longer holds;
// deriving knows). The paths count from the body's root, from every member that may hold the entity (data, the
// resource's name…) and from each element of an array there; on their way they
// run through arrays, and names count in any case of letters. A body that
// cannot be read is not kept: Missing is Unparsable. What is found is noted in
// found, which may be nil.
func (r *Paths) Body(body webhook.Body, h webhook.Header, found *Found) webhook.Body {
	if !r.Any() || !body.Whole() || len(body.Bytes) == 0 {
		return body
	}
	v, kind := content.Read(body, h, false)
	if kind == content.NotReadable {
		return webhook.Body{Missing: webhook.Unparsable}
	}
	if v == nil { // nothing but white space
		return body
	}
	out, changed := r.Value(v, kind, found)
	switch {
	case kind == content.IsForm:
		return webhook.Body{Bytes: []byte(content.EncodeForm(&out))}
	case changed || kind == content.IsParts || len(h["Content-Encoding"]) > 0:
		return webhook.Body{Bytes: out.JSON()}
	}
	return body
}

// Query returns a raw query without the parameters that have a redacted path for a
// name: some APIs take fields there, too.
func (r *Paths) Query(query string, found *Found) string {
	if !r.Any() || query == "" {
		return query
	}
	var kept []string
	for part := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(part, "=")
		plain, err := url.QueryUnescape(name)
		if err == nil && !r.hasNames(content.FieldNames(plain), found) && !r.hasNames(writtenNames(plain), found) {
			kept = append(kept, part)
		}
	}
	return strings.Join(kept, "&")
}

// Value returns v without the redacted paths.
func (r *Paths) Value(v *tree.Value, kind content.Kind, found *Found) (out tree.Value, changed bool) {
	if !r.Any() {
		return *v, false
	}
	found.looked()
	if kind == content.IsPatch {
		return r.patch(v, found)
	}
	w := redactor{r: r, found: found}
	out = w.at(v)
	return out, w.changed
}

type redactor struct {
	r       *Paths
	found   *Found // nil: nobody asks
	changed bool
}

// at removes the paths from v as an entity, and from what it may wrap, however
// deep that is.
func (w *redactor) at(v *tree.Value) tree.Value {
	switch v.Kind {
	case tree.Array:
		elems := make([]tree.Value, len(v.Elems()))
		for i := range v.Elems() {
			elems[i] = w.at(&v.Elems()[i])
		}
		if w.changed {
			return tree.NewArray(elems)
		}
		return *v
	case tree.Object:
	default:
		return *v
	}
	out := w.remove(v, w.r.Globs)
	members := slices.Clone(out.Members())
	for i := range members {
		if m := &members[i]; m.Kind == tree.Array || m.Kind == tree.Object && w.r.isEnvelope(m.Name) {
			m.Value = w.at(&m.Value)
		}
	}
	if w.changed {
		return tree.NewObject(members)
	}
	return *v
}

// remove removes what globs select below v.
func (w *redactor) remove(v *tree.Value, globs lang.Globs) tree.Value {
	if v.Kind == tree.Array {
		return w.elements(v, globs)
	}
	if v.Kind != tree.Object {
		return *v
	}
	members := make([]tree.Member, 0, len(v.Members()))
	was := w.changed
	w.changed = false
	for _, m := range v.Members() {
		rest, whole := stepInto(globs, m.Name)
		if whole || strings.ContainsAny(m.Name, "./[") && selects(globs, writtenNames(m.Name)) {
			w.changed = true
			w.found.note(globs, m.Name)
			continue
		}
		if m.Name == "value" && v.Get("op") != nil { // of an operation, as JSON patch and SCIM have them
			path := v.Get("path")
			if w.r.hasPointer(path, w.found) {
				w.changed = true
				continue
			}
			rest = slices.Concat(rest, w.r.belowPointer(path))
		}
		if len(rest) > 0 {
			m.Value = w.remove(&m.Value, rest)
		}
		members = append(members, m)
	}
	changed := w.changed
	w.changed = was || changed
	if changed {
		return tree.NewObject(members)
	}
	return *v
}

// elements removes from each element, by its index and as what it is: cards.iban
// is meant for each card of an array too.
func (w *redactor) elements(v *tree.Value, globs lang.Globs) tree.Value {
	elems := make([]tree.Value, len(v.Elems()))
	for i := range v.Elems() {
		if rest, whole := stepInto(globs, strconv.Itoa(i)); whole {
			elems[i], w.changed = tree.Value{}, true
			w.found.note(globs, strconv.Itoa(i))
		} else {
			elems[i] = w.remove(&v.Elems()[i], rest)
		}
	}
	return tree.NewArray(elems)
}

// patch removes the operations of a JSON patch that write a redacted path.
func (r *Paths) patch(v *tree.Value, found *Found) (out tree.Value, changed bool) {
	ops := make([]tree.Value, 0, len(v.Elems()))
	for i := range v.Elems() {
		op := v.Elems()[i]
		if r.hasPointer(op.Get("path"), found) || r.hasPointer(op.Get("from"), found) {
			changed = true
			continue
		}
		if value := op.Get("value"); value != nil {
			w := redactor{r: r, found: found}
			if now := w.remove(value, r.belowPointer(op.Get("path"))); w.changed {
				op, changed = op.With("value", now), true
			}
		}
		ops = append(ops, op)
	}
	if !changed {
		return *v, false
	}
	return tree.NewArray(ops), true
}

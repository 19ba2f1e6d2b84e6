package rules

import (
	"strings"
	"time"

	"github.com/sidehook/sidehook/rules/views"
	"github.com/sidehook/sidehook/webhook"
)

// Trusts reports whether a snapshot, so old, will do for the state before a call
// on the route, so that no GET need be made: it is younger than `trust`, the
// call's If-Match does not contradict it, and, where a rule reads the state
// before, it was seen as the caller sees it, and no other caller since left parts
// of it in doubt. That it is gone will not do for a delete: what has that name may be
// there once more, and a delete of it would be lost.
func (m *Match) Trusts(snap *webhook.Snapshot, q *webhook.Request, placeholders map[string]string, age time.Duration) bool {
	if !snap.Known() || !m.Knows(snap) || age >= m.e.res.trust || contradicts(q.Header.Get("If-Match"), snap.ETag) ||
		snap.Deleted && m.e.kind == Delete {
		return false
	}
	if snap.Deleted || m.e.kind == Delete || !m.e.readsBefore() {
		return true
	}
	v := &callVars{m: m, req: q, placeholders: placeholders}
	_, carried := views.SplitQuery(q.Query)
	seen := views.View{Kind: views.Answer, As: v.viewer(), Profile: views.Profile(q.Header, carried)}
	if len(snap.Unknown) > 0 && views.List(snap.View).Last().As != seen.As {
		return false
	}
	for w := range views.List(snap.View).All {
		if w.Kind == views.Echo {
			continue
		}
		w.Kind, w.Query = views.Get, "" // what the answer will be, no one knows
		if w.Language != "" {
			seen.Language = views.Stands(q.Header["Accept-Language"])
		} else {
			seen.Language = ""
		}
		if w.Shows(seen) {
			return true
		}
	}
	return false
}

// proves reports whether the API compared a validator and found it to be the
// entity's: the call had that one strong If-Match, and succeeded (RFC 9110
// §13.1.1).
func proves(match, etag string) bool {
	match = strings.TrimSpace(match)
	return isStrong(match) && plainTag(match) == plainTag(etag) && !strings.HasPrefix(etag, "W/")
}

// contradicts reports whether an If-Match that succeeded says that etag was not
// the entity's.
func contradicts(match, etag string) bool {
	match = strings.TrimSpace(match)
	return isStrong(match) && isStrong(etag) && plainTag(match) != plainTag(etag)
}

// isStrong reports whether tag is one strong entity tag.
func isStrong(tag string) bool {
	return len(tag) > 2 && tag[0] == '"' && strings.IndexByte(tag[1:], '"') == len(tag)-2
}

// plainTag returns tag without what servers append that compress on their own.
func plainTag(tag string) string {
	text := strings.TrimSuffix(tag, `"`)
	for _, coding := range [...]string{"-gzip", "--gzip", ";gzip", "-br", "-zstd", "-deflate"} {
		if plain, ok := strings.CutSuffix(text, coding); ok {
			return strings.TrimSuffix(plain, "-") + `"`
		}
	}
	return tag
}

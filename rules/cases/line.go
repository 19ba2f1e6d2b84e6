package cases

import (
	"fmt"
	"strings"

	"github.com/sidehook/sidehook/webhook"
)

// Line returns an event as one line for people: its scope, entity and sequence,
// what changed, and how that is known.
func Line(e *webhook.Event) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", e.Scope, e.Key)
	if e.Sequence > 0 {
		fmt.Fprintf(&b, " #%d", e.Sequence)
	}
	switch {
	case e.Gap != nil:
		fmt.Fprintf(&b, " %s: %s", e.Gap.Reason, e.Gap.Detail)
	case e.Operation == webhook.Deleted:
		fmt.Fprintf(&b, " was %s", orUnknown(e.Before))
	case len(e.Changes) > 0:
		for i, c := range e.Changes {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, " %s: %s → %s", c.Path, orAbsent(c.Old), orAbsent(c.New))
		}
	case e.Operation != webhook.Called:
		fmt.Fprintf(&b, " = %s", orUnknown(e.After))
	}
	if e.Item != nil {
		fmt.Fprintf(&b, " item %s", e.Item)
	}
	for _, r := range e.Related {
		fmt.Fprintf(&b, " %s %s", r.Name, r.Value)
		if r.Resource != "" {
			fmt.Fprintf(&b, " (%s %q)", r.Resource, r.ID)
		}
	}
	if e.Attrs != nil {
		fmt.Fprintf(&b, " with %s", e.Attrs)
	}
	writeWho(&b, e)
	writeProvenance(&b, &e.Provenance)
	return b.String()
}

func writeWho(b *strings.Builder, e *webhook.Event) {
	if e.Tenant != "" {
		fmt.Fprintf(b, " tenant=%s", e.Tenant)
	}
	if e.Unowned {
		b.WriteString(" unowned")
	}
	if e.Actor != "" {
		fmt.Fprintf(b, " actor=%s", e.Actor)
	}
	if e.SkipKey != "" {
		fmt.Fprintf(b, " skip=%s", e.SkipKey)
	}
}

func writeProvenance(b *strings.Builder, p *webhook.Provenance) {
	fmt.Fprintf(b, " (%s → %s, %s", p.Before, p.After, p.Confidence)
	if len(p.Unknown) > 0 {
		fmt.Fprintf(b, ", unknown %s", strings.Join(p.Unknown, " "))
	}
	if p.Concurrent {
		b.WriteString(", concurrent")
	}
	b.WriteByte(')')
}

func writeSnapshot(b *strings.Builder, s webhook.Snapshot) {
	fmt.Fprintf(b, "%s #%d ", s.Key, s.Sequence)
	switch {
	case s.Alias != "" && s.Sequence == 0:
		fmt.Fprintf(b, "is %s", s.Alias)
	case s.Deleted:
		b.WriteString("deleted")
	case s.Body == nil:
		b.WriteByte('?')
	default:
		b.Write(s.Body)
	}
	if !s.Stale.IsZero() {
		b.WriteString(" stale")
	}
	if len(s.Unknown) > 0 {
		fmt.Fprintf(b, " unknown %s", strings.Join(s.Unknown, " "))
	}
	b.WriteByte('\n')
}

func orUnknown(raw []byte) string {
	if raw == nil {
		return "?"
	}
	return string(raw)
}

func orAbsent(raw []byte) string {
	if raw == nil {
		return "absent"
	}
	return string(raw)
}

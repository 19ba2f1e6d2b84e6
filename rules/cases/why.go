package cases

import (
	"fmt"
	"strings"

	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// Why returns an account as text for people, with lines that are indented but
// for the first.
func Why(a *rules.Account) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", a.Entity, a.Result)
	fmt.Fprintf(&b, "  before  %s\n", learned(&a.Before))
	if a.After.Why != "" {
		fmt.Fprintf(&b, "  after   %s\n", learned(&a.After))
	}
	label := "changed"
	for i := range a.Changes {
		c, note := &a.Changes[i], ""
		for _, path := range a.Ignored {
			if path == c.Path {
				note = " (ignored)"
			}
		}
		fmt.Fprintf(&b, "  %-7s %s: %s → %s%s\n", label, c.Path, short(c.Old), short(c.New), note)
		label = ""
	}
	if len(a.Unknown) > 0 {
		fmt.Fprintf(&b, "  unknown whether these changed: %s\n", strings.Join(a.Unknown, " "))
	}
	for i := range a.Scopes {
		b.WriteString(verdict(&a.Scopes[i]))
	}
	return b.String()
}

func learned(l *rules.Learned) string {
	if l.Source == webhook.FromNone {
		return "not known: " + l.Why
	}
	text := string(l.Source)
	if l.Confidence != "" {
		text += ", " + string(l.Confidence)
	}
	return text + ": " + l.Why
}

func verdict(v *rules.Verdict) string {
	text := "  not     "
	if v.Earned {
		text = "  earned  "
	}
	text += v.Scope
	if v.Element != "" {
		text += " [" + v.Element + "]"
	}
	text += ": " + v.Why
	if v.When != "" {
		text += ": when " + v.When
	}
	return text + "\n"
}

// short cuts a JSON value to what fits a line.
func short(raw []byte) string {
	const most = 60
	text := orAbsent(raw)
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most-1]) + "…"
	}
	return text
}

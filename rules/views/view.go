// Package views says how entities were looked at, and by whom: what another view
// does not show is not gone, and what only another one shows is not new.
//
// A [View] is one way to look at an entity: who asked, with which query and language, and
// whether an answer, a GET or a request itself showed it. A snapshot remembers as a [List]
// those that contributed to it, by which rules tell what a difference between two states
// means.
package views

import "strings"

// Kinds of views.
const (
	Get    = "get"
	Answer = "answer"
	Echo   = "echo" // an answer that shows what the request set, and nothing else
	Sent   = "sent" // the request's body
	Set    = "set"  // nothing: somebody set a few fields, and was not shown the rest
	Said   = "said" // an answer to what makes or replaces an entity that shows what was set, and nothing else
)

// Service is who a GET was made as, where it was not the caller.
const Service = "service"

// View says how an entity was looked at.
type View struct {
	Kind     string
	As       string // stands for who looked; "": nobody in particular
	Profile  string // stands for the version that was asked for
	Language string // where the answer depends on it
	Query    string // of the call, where that may choose what is shown

	Less bool // it showed less than others did; only in views
	old  bool // something may have been done since that the later ones need not show; only in views
}

// String returns v in the form that snapshots have it in.
func (v View) String() string {
	var b strings.Builder
	b.WriteString(v.Kind)
	if v.Less {
		b.WriteByte('-')
	}
	if v.old {
		b.WriteByte('~')
	}
	for _, part := range [...]struct{ mark, text string }{{"#", v.As}, {";", v.Profile}, {"@", v.Language}, {"?", v.Query}} {
		if part.text != "" {
			b.WriteString(part.mark + part.text)
		}
	}
	return b.String()
}

// plain returns v without what is only in views.
func (v View) plain() View {
	v.Less, v.old = false, false
	return v
}

func parseView(s string) (v View) {
	s, v.Query, _ = strings.Cut(s, "?")
	s, v.Language, _ = strings.Cut(s, "@")
	s, v.Profile, _ = strings.Cut(s, ";")
	v.Kind, v.As, _ = strings.Cut(s, "#")
	v.Kind, v.old = strings.CutSuffix(v.Kind, "~")
	v.Kind, v.Less = strings.CutSuffix(v.Kind, "-")
	return v
}

// Alike reports whether two views show the same values of what both show.
func (v View) Alike(w View) bool { return v.Profile == w.Profile && v.Language == w.Language }

// Shows reports whether v shows whatever w shows. An API is taken to show no
// more in the answer to a call than in that to a GET, nor to its callers more
// than to the service. What only repeats a request shows nothing else.
func (v View) Shows(w View) bool {
	return !v.Narrow() && !v.old && v.Kind != Said && v.Alike(w) && v.Query == w.Query &&
		(v.As == w.As || v.As == Service && v.Kind == Get) && (v.Kind == w.Kind || v.Kind == Get)
}

// Narrow reports whether v shows no more of an entity than what a call set.
func (v View) Narrow() bool { return v.Kind == Echo || v.Kind == Set }

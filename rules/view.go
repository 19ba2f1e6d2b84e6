package rules

import "strings"

// Kinds of views.
const (
	viewGet    = "get"
	viewAnswer = "answer"
	viewEcho   = "echo" // an answer that shows what the request set, and nothing else
	viewSent   = "sent" // the request's body
	viewSet    = "set"  // nothing: somebody set a few fields, and was not shown the rest
	viewSaid   = "said" // an answer to what makes or replaces an entity that shows what was set, and nothing else
)

// byService is who a GET was made as, where it was not the caller.
const byService = "service"

// view says how an entity was looked at. What another view does not show is not
// gone, and what only another one shows is not new.
type view struct {
	kind     string
	as       string // stands for who looked; "": nobody in particular
	profile  string // stands for the version that was asked for
	language string // where the answer depends on it
	query    string // of the call, where that may choose what is shown

	less bool // it showed less than others did; only in views
	old  bool // something may have been done since that the later ones need not show; only in views
}

// String returns v in the form that snapshots have it in.
func (v view) String() string {
	var b strings.Builder
	b.WriteString(v.kind)
	if v.less {
		b.WriteByte('-')
	}
	if v.old {
		b.WriteByte('~')
	}
	for _, part := range [...]struct{ mark, text string }{{"#", v.as}, {";", v.profile}, {"@", v.language}, {"?", v.query}} {
		if part.text != "" {
			b.WriteString(part.mark + part.text)
		}
	}
	return b.String()
}

// plain returns v without what is only in views.
func (v view) plain() view {
	v.less, v.old = false, false
	return v
}

func parseView(s string) (v view) {
	s, v.query, _ = strings.Cut(s, "?")
	s, v.language, _ = strings.Cut(s, "@")
	s, v.profile, _ = strings.Cut(s, ";")
	v.kind, v.as, _ = strings.Cut(s, "#")
	v.kind, v.old = strings.CutSuffix(v.kind, "~")
	v.kind, v.less = strings.CutSuffix(v.kind, "-")
	return v
}

// alike reports whether two views show the same values of what both show.
func (v view) alike(w view) bool { return v.profile == w.profile && v.language == w.language }

// shows reports whether v shows whatever w shows. An API is taken to show no
// more in the answer to a call than in that to a GET, nor to its callers more
// than to the service. What only repeats a request shows nothing else.
func (v view) shows(w view) bool {
	return !v.narrow() && !v.old && v.kind != viewSaid && v.alike(w) && v.query == w.query &&
		(v.as == w.as || v.as == byService && v.kind == viewGet) && (v.kind == w.kind || v.kind == viewGet)
}

// narrow reports whether v shows no more of an entity than what a call set.
func (v view) narrow() bool { return v.kind == viewEcho || v.kind == viewSet }

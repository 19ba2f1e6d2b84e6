package subscription

import (
	"golang.org/x/net/http/httpguts"

	"github.com/sidehook/sidehook/caddymodule/directive"
)

// parseQuery reads
//
//	query NAME VALUE…
func parseQuery(l *directive.Line, s *Subscription) error {
	args, err := l.Take(2, 0)
	if err != nil {
		return err
	}
	for _, w := range args[1:] {
		if err := w.Check(checkParameterValue); err != nil {
			return err
		}
	}
	if s.Query == nil {
		s.Query = map[string][]string{}
	}
	if name := args[0].Text; len(s.Query[name]) > 0 {
		return args[0].Errf("query %s stands twice: write its values in one line", name)
	}
	for _, w := range args[1:] {
		s.Query[args[0].Text] = append(s.Query[args[0].Text], w.Text)
	}
	return nil
}

// parseRelatedView reads
//
//	related NAME {
//		expand VALUE…
//		query NAME VALUE…
//	}
func parseRelatedView(l *directive.Line, s *Subscription) error {
	args := l.Args()
	switch {
	case len(args) != 1 || args[0].Text == "":
		return l.Errf("related wants one name, that which the rule gives: write %s", l.Usage)
	case len(l.Block) == 0:
		return l.Errf("related %s asks for nothing: write expand or query in its block", args[0].Text)
	case s.Related[args[0].Text] != nil:
		return l.Errf("related %s stands twice: write it once", args[0].Text)
	}
	var view Subscription
	if err := relatedViewOptions.Parse(l.Block, &view, "related "+args[0].Text); err != nil {
		return err
	}
	if s.Related == nil {
		s.Related = make(map[string]*RelatedView)
	}
	s.Related[args[0].Text] = &RelatedView{Expand: view.Expand, Query: view.Query}
	return nil
}

// ParseCredential reads a header and its value.
func ParseCredential(l *directive.Line) (*Credential, error) {
	args, err := l.Take(2, 0)
	if err != nil {
		return nil, err
	}
	if len(args) > 2 {
		return nil, args[2].Errf("unexpected %q: write a value with spaces in quotes, credential %s %q", args[2].Text, args[0].Text, directive.Text(args[1:]))
	}
	c := &Credential{Header: args[0].Text, Value: args[1].Text}
	if found := directive.Shorthand(c.Value); found != "" {
		return nil, args[1].Errf("credential is read when Caddy starts, and %s is a part of a request: write {env.NAME}, or {file./path} with an absolute path", found)
	}
	if !httpguts.ValidHeaderFieldName(c.Header) {
		return nil, args[0].Errf("credential %q: write a header name first, like %s", args[0].Text, l.Usage)
	}
	return c, nil
}

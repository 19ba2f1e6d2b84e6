package caddymodule

import (
	"errors"
	"fmt"
	"maps"
	"net/textproto"
	"slices"
	"strings"
	"time"

	"github.com/sidehook/sidehook/caddymodule/credentials"
	"github.com/sidehook/sidehook/caddymodule/directive"
	"github.com/sidehook/sidehook/caddymodule/problem"
	"github.com/sidehook/sidehook/caddymodule/words"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// Bounds of the parameters of a subscriber's own GET.
const (
	maxParameters     = 100
	maxParameterBytes = 500
)

// looks returns the option by which a GET of its own decides what s is sent; ""
// if none does.
func (s *Subscription) looks() string {
	views := &webhook.Subscription{
		ViewCheck: s.ViewCheck, Expand: s.Expand, Query: s.parameters(), Related: s.relatedViews(), For: map[string]*webhook.Subscription{},
	}
	for resource, f := range s.For {
		if f != nil {
			views.For[resource] = &webhook.Subscription{Expand: f.Expand, Query: (&Subscription{Query: f.Query}).parameters()}
		}
	}
	return looksBy(views)
}

// checkLooks says what is wrong with how s as a whole asks the API itself.
func (s *Subscription) checkLooks() error {
	switch by := s.looks(); {
	case by == "view_check" && s.Credential == nil:
		return errors.New("view_check asks the API as the subscriber, and there is no credential: write credential Authorization {env.NAME}")
	case by == "" && s.Credential != nil:
		return errors.New("credential has no effect: write view_check, or expand, query or related too")
	}
	return nil
}

// checkAsked says what is wrong with one of the options by which s asks the API.
func (s *Subscription) checkAsked() error {
	if s.Credential != nil {
		if err := checkCredential(s.Credential); err != nil {
			return err
		}
	}
	if err := s.checkView(); err != nil {
		return err
	}
	if len(s.Related) > maxRelated {
		return fmt.Errorf("related has %d names: write up to %d", len(s.Related), maxRelated)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Related)) {
		r := s.Related[name]
		if r == nil || len(r.Expand) == 0 && len(r.Query) == 0 {
			return fmt.Errorf("related %s asks for nothing: write expand or query, or leave it out", name)
		}
		if err := (&Subscription{Expand: r.Expand, Query: r.Query}).checkView(); err != nil {
			return fmt.Errorf("related %s: %w", name, err)
		}
	}
	return nil
}

// maxRelated bounds the related entities that one subscription asks for.
const maxRelated = 10

// checkView says what is wrong with what s asks for of an entity.
func (s *Subscription) checkView() error {
	if err := checkParameters("expand", s.Expand); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(s.Query)) {
		switch {
		case strings.TrimSpace(name) == "" || len(name) > maxParameterBytes:
			return fmt.Errorf("query: write a parameter's name before its values, like query load-only id name")
		case name == "expand" && len(s.Expand) > 0:
			return fmt.Errorf("query expand: expand says it already: write one of both")
		case len(s.Query[name]) == 0:
			return fmt.Errorf("query %s has no value: write query %s and its values", name, name)
		}
		if err := checkParameters("query "+name, s.Query[name]); err != nil {
			return err
		}
	}
	return nil
}

// checkCredential says what is wrong with a credential; its value is not told.
func checkCredential(c *Credential) error {
	switch {
	case !headerName.MatchString(c.Header):
		return fmt.Errorf("credential: header %q is no header name: write one like Authorization", c.Header)
	case slices.Contains(notCredential, textproto.CanonicalMIMEHeaderKey(c.Header)):
		return fmt.Errorf("credential: header %s frames the request: write one like Authorization", c.Header)
	case strings.TrimSpace(c.Value) == "":
		return fmt.Errorf("credential: its value is empty: write what follows %s:", c.Header)
	case strings.ContainsFunc(c.Value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }):
		return fmt.Errorf("credential: its value has a line break or another control character in it")
	}
	return nil
}

// notCredential are headers that frame a request, or choose what answers it.
var notCredential = []string{
	"Host", "Content-Length", "Content-Type", "Transfer-Encoding", "Content-Encoding", "Connection", "Keep-Alive", "Trailer", "Te",
	"Upgrade", "Expect", "Accept", "Accept-Encoding", "Cache-Control", "User-Agent", "Range", "If-Match", "If-None-Match",
}

// ownerCredential reports whether a caller of the API may give a credential in a
// header. An API trusts others, like X-Forwarded-User, because of who is in front
// of it; and that would be us.
func ownerCredential(header string) bool {
	name := textproto.CanonicalMIMEHeaderKey(header)
	if slices.Contains([]string{"Proxy-Authorization", "X-Forwarded-Client-Cert", "Dpop", "Cookie2"}, name) || strings.HasPrefix(name, "Set-") ||
		strings.HasSuffix(name, "-Info") || strings.HasSuffix(name, "-Signature") || strings.HasPrefix(name, "X-Forwarded-") {
		return false
	}
	return credentials.Is(name)
}

func checkParameters(option string, values []string) error {
	if len(values) > maxParameters {
		return fmt.Errorf("%s has %d values: write up to %d", option, len(values), maxParameters)
	}
	for _, v := range values {
		if err := checkParameterValue(v); err != nil {
			return fmt.Errorf("%s: %w", option, err)
		}
	}
	return nil
}

// checkParameterValue says what is wrong with one value of a parameter.
func checkParameterValue(v string) error {
	switch {
	case v == "":
		return fmt.Errorf("a value is empty: leave it out")
	case len(v) > maxParameterBytes:
		return fmt.Errorf("a value has %d bytes: write up to %d", len(v), maxParameterBytes)
	case strings.Contains(v, ","):
		return fmt.Errorf("%q: values are separated by spaces, in JSON each is a text of its own: write %s", v, strings.TrimSpace(strings.ReplaceAll(v, ",", " ")))
	}
	return nil
}

// parameters returns what s adds to the query of its GET, by name.
func (s *Subscription) parameters() (all []webhook.QueryParameter) {
	for _, name := range slices.Sorted(maps.Keys(s.Query)) {
		all = append(all, webhook.QueryParameter{Name: name, Values: s.Query[name]})
	}
	return all
}

// relatedViews returns what s asks for of related entities.
func (s *Subscription) relatedViews() map[string]webhook.View {
	if len(s.Related) == 0 {
		return nil
	}
	views := make(map[string]webhook.View, len(s.Related))
	for name, r := range s.Related {
		if r != nil {
			views[name] = webhook.View{Expand: r.Expand, Query: (&Subscription{Query: r.Query}).parameters()}
		}
	}
	return views
}

// credential returns what s is asked as, its value being what is written.
func (s *Subscription) credential() (c webhook.Credential) {
	if s.Credential != nil {
		c = webhook.Credential{Header: textproto.CanonicalMIMEHeaderKey(s.Credential.Header), Value: webhook.NewSecret(s.Credential.Value)}
	}
	return c
}

// readCredential reads the credential of s.
func (a *App) readCredential(s *Subscription) (webhook.Credential, error) {
	if s.Credential == nil {
		return webhook.Credential{}, nil
	}
	value, err := resolve(s.Credential.Value)
	if err != nil {
		return webhook.Credential{}, fmt.Errorf("credential %s: %w", s.Credential.Header, err)
	}
	if !sources.MatchString(s.Credential.Value) && a.run.logger != nil {
		a.run.logger.Warn("a credential stands in the configuration itself, where everybody sees it who can read that; write {env.NAME} or {file./path}",
			"subscription", s.Name)
	}
	read := Subscription{Credential: &Credential{Header: s.Credential.Header, Value: value}}
	return read.credential(), checkCredential(read.Credential)
}

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

// checkRelated is an error if s asks for a related entity that no rule names.
func checkRelated(programs []*rules.Program, s *webhook.Subscription) error {
	var known []string
	for _, p := range programs {
		known = append(known, p.Relates()...)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Related)) {
		switch near := words.Nearest(name, known); {
		case slices.Contains(known, name):
		case near != "":
			return fmt.Errorf("subscription %s: related %s: no rule has an entity of that name: did you mean %s?", s.ID, name, near)
		default:
			return fmt.Errorf("subscription %s: related %s: no rule has an entity of that name: write related %s EXPR { resource … } in an emit or on line", s.ID, name, name)
		}
	}
	return nil
}

// checkLooks says what is wrong with how a caller's s asks the API itself.
func (c *apiCall) checkLooks(s *Subscription) error {
	by := s.looks()
	switch {
	case by != "" && s.Credential == nil:
		return problem.WrongField("/credential", `credential is missing: %s asks the API as you; write one like {"header": "Authorization", "value": "Bearer …"}`, by)
	case by == "" && s.Credential == nil:
		return nil
	case by == "":
		return problem.WrongField("/credential", "credential has no effect: write view_check, expand, query or related too, or leave it out")
	case !c.operator && !ownerCredential(s.Credential.Header):
		return problem.WrongField("/credential/header", "credential: %s is no header of a credential: write Authorization, Cookie or one like X-Api-Key", s.Credential.Header)
	case c.e.current().sealer.aead == nil:
		return problem.WrongField("/credential", "credential: this server has no encryption_key to keep it under: the operator must give it one")
	}
	k := keptSubscription{body: keptBody{Settings: s}}
	if err := checkRelated(c.e.programs(), k.build(time.Now())); err != nil {
		return problem.WrongField("/related", "%s", strings.TrimPrefix(err.Error(), "subscription : "))
	}
	if err := checkOrigins(c.e.current().handlers, k.build(time.Now())); err != nil {
		return problem.WrongField("/"+by, "%s: the API cannot be asked here: the operator must write origin", by)
	}
	return nil
}

// checkOrigins is an error if s asks an API itself that cannot be asked.
func checkOrigins(handlers []*handlerSettings, s *webhook.Subscription) error {
	by := looksBy(s)
	if by == "" {
		return nil
	}
	for _, h := range handlers {
		if h.live == nil || h.looks != nil || !slices.ContainsFunc(s.Scopes, h.program.Earns) {
			continue
		}
		return fmt.Errorf("subscription %s: %s asks the API itself: write origin http://localhost:3000, with where it answers, in sidehook of the site (api %s)", s.ID, by, h.program.API())
	}
	return nil
}

// looksBy returns the option by which s asks the API itself; "" if none does.
func looksBy(s *webhook.Subscription) string {
	switch {
	case s.ViewCheck:
		return "view_check"
	case len(s.Expand) > 0:
		return "expand"
	case len(s.Query) > 0:
		return "query"
	case len(s.Related) > 0:
		return "related"
	}
	for _, v := range s.For {
		if by := looksBy(v); by != "" {
			return by
		}
	}
	return ""
}

package subscription

import (
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/sidehook/sidehook/caddymodule/directive"
	"github.com/sidehook/sidehook/caddymodule/ruleset"
	"github.com/sidehook/sidehook/caddymodule/source"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/webhook"
)

// Options are the words of a subscription's block.
var Options = ForOptions.And(directive.Options[*Subscription]{
	"scopes":        {Usage: "scopes project.** task.completed", Parse: parseScopes, Many: true},
	"tenant":        {Usage: "tenant acme, or tenant * for all", Parse: func(l *directive.Line, s *Subscription) error { return l.One(&s.Tenant) }},
	"sign":          {Usage: signUsage, Parse: parseSign},
	"secret":        {Usage: "secret {env.CRM_SECRET}", Parse: parseSecret, Many: true},
	"concurrency":   {Usage: "concurrency 8", Parse: parseConcurrency},
	"rate":          {Usage: "rate 50/s, 100/m or 1000/h, or rate none", Parse: parseRate},
	"pause_after":   {Usage: "pause_after 10, or pause_after none", Parse: parsePauseAfter},
	"disable_after": {Usage: "disable_after 5d, or disable_after none", Parse: parseDisableAfter},
	"delete_after":  {Usage: "delete_after 50 timeouts, or delete_after none", Parse: parseDeleteAfter},

	"for":                  {Usage: "for task, and options that replace those outside in its block", Parse: parseFor, Many: true},
	"allow_private":        {Usage: "allow_private", Parse: func(l *directive.Line, s *Subscription) error { s.AllowPrivate = true; return l.Flag() }},
	"insecure_skip_verify": {Usage: "insecure_skip_verify", Parse: func(l *directive.Line, s *Subscription) error { s.InsecureSkipVerify = true; return l.Flag() }},

	"egress": {Usage: "egress { … }", Parse: func(l *directive.Line, s *Subscription) error {
		return ParseEgress(l, &s.Egress, "of subscription "+s.Name)
	}},
	"related":    {Usage: "related document, and expand or query in its block", Parse: parseRelatedView, Many: true},
	"view_check": {Usage: "view_check", Parse: func(l *directive.Line, s *Subscription) error { s.ViewCheck = true; return l.Flag() }},
	"credential": {Usage: "credential Authorization {env.CRM_TOKEN}", Parse: func(l *directive.Line, s *Subscription) (err error) {
		s.Credential, err = ParseCredential(l)
		return err
	}},
})

// ForOptions are those of them that may be otherwise for one resource.
var ForOptions = directive.Options[*Subscription]{
	"filter":       {Usage: "filter entity.budget > 10000", Parse: parseFilter},
	"on_change":    {Usage: "on_change status owner_id", Parse: func(l *directive.Line, s *Subscription) error { return l.CheckedList(&s.OnChange, ruleset.CheckGlob) }, Many: true},
	"fields":       {Usage: "fields id name owner.email", Parse: func(l *directive.Line, s *Subscription) error { return l.CheckedList(&s.Fields, ruleset.CheckGlob) }, Many: true},
	"skip_keys":    {Usage: "skip_keys gmail_sync", Parse: func(l *directive.Line, s *Subscription) error { return l.CheckedList(&s.SkipKeys, checkSkipKey) }, Many: true},
	"payload":      {Usage: "payload standard, full, thin, cloudevents, cloudevents_binary, or the name of one declared", Parse: func(l *directive.Line, s *Subscription) error { return l.One(&s.Payload) }},
	"content_type": {Usage: "content_type json, or form", Parse: func(l *directive.Line, s *Subscription) error { return l.OneOf(&s.ContentType, "json", "form") }},
	"header":       {Usage: "header X-Topic {scope}", Parse: parseHeader, Many: true},
	"timeout":      {Usage: "timeout 10s", Parse: func(l *directive.Line, s *Subscription) error { return l.Duration(&s.Timeout) }},
	"retry":        {Usage: "retry 5s 5m 30m 2h, retry short, standard or long, or retry none", Parse: parseRetry},
	"chunk":        {Usage: chunkUsage, Parse: parseChunk},
	"order":        {Usage: "order entity, entity hold, subscription, or none", Parse: parseOrder},
	"expand":       {Usage: "expand owner tasks", Parse: func(l *directive.Line, s *Subscription) error { return l.CheckedList(&s.Expand, checkParameterValue) }, Many: true},
	"query":        {Usage: "query load-only id name", Parse: parseQuery, Many: true},
}

// relatedViewOptions are the words of the block of related in a subscription.
var relatedViewOptions = directive.Options[*Subscription]{"expand": ForOptions["expand"], "query": ForOptions["query"]}

const signUsage = "sign standard, sign ed25519, sign none, or sign hmac HEADER hex|base64 [over TEMPLATE] [as TEMPLATE] [join TEXT]"

// subscriptionName matches names, which stand in addresses and in metrics.
var subscriptionName = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)

// Parse reads
//
//	subscription NAME URL {
//		…
//	}
//
// before are those that stand before it.
func Parse(l *directive.Line, before []*Subscription) (*Subscription, error) {
	args := l.Args()
	if len(args) < 2 {
		return nil, l.Errf("subscription wants a name and a URL: write %s", l.Usage)
	}
	if len(args) > 2 {
		return nil, args[2].Errf("unexpected %q: write %s", args[2].Text, l.Usage)
	}
	s := &Subscription{Name: args[0].Text, URL: args[1].Text, Source: l.Place()}
	if !subscriptionName.MatchString(s.Name) {
		return nil, args[0].Errf("subscription name %q: write letters, digits, _, . and -, and the URL behind it", s.Name)
	}
	for _, other := range before {
		if other.Name == s.Name {
			return nil, args[0].Errf("subscription %s is declared twice: give each its own name", s.Name)
		}
	}
	if !source.In(s.URL) {
		if err := args[1].Check(CheckURL); err != nil {
			return nil, err
		}
	}
	if err := Options.Parse(l.Block, s, "subscription "+s.Name); err != nil {
		return nil, err
	}
	return s, s.checkWhole(l)
}

// checkWhole holds what only shows when the block of s has been read.
func (s *Subscription) checkWhole(l *directive.Line) error {
	switch {
	case len(s.Scopes) == 0:
		return l.Errf("subscription %s has no scopes: write which events it gets, like scopes project.**", s.Name)
	case len(s.Secrets) == 0 && s.Signing().Scheme != webhook.SignNone:
		return l.Errf("subscription %s has no secret: write secret {env.NAME}, or sign none", s.Name)
	}
	if err := s.checkSecrets(); err != nil {
		return l.Errf("subscription %s has %w", s.Name, err)
	}
	if err := s.checkShape(); err != nil {
		return l.Errf("subscription %s: %w", s.Name, err)
	}
	if err := s.checkLooks(); err != nil {
		return l.Errf("subscription %s: %w", s.Name, err)
	}
	return nil
}

// checkShape says what cannot stand together, in s or for one resource.
func (s *Subscription) checkShape() error {
	if err := rules.CheckShape(s.Payload, s.ContentType, s.Chunk.plain()); err != nil {
		return err
	}
	for _, resource := range slices.Sorted(maps.Keys(s.For)) {
		if err := s.with(s.For[resource]).checkShape(); err != nil {
			return fmt.Errorf("for %s: %w", resource, err)
		}
	}
	return nil
}

func parseScopes(l *directive.Line, s *Subscription) error {
	return l.CheckedList(&s.Scopes, func(p string) error { return webhook.Pattern(p).Check() })
}

func parseFilter(l *directive.Line, s *Subscription) (err error) {
	if err := l.NoBlock(); err != nil {
		return err
	}
	s.Filter, err = l.Condition(1, len(l.Words), lang.EnvEvent)
	return err
}

// parseSign reads
//
//	sign standard|ed25519|none
//	sign hmac HEADER hex|base64 [over TEMPLATE] [as TEMPLATE] [join TEXT]
func parseSign(l *directive.Line, s *Subscription) error {
	args, err := l.Take(1, 0)
	if err != nil {
		return err
	}
	if err := args[0].Among("sign", webhook.SignStandard, webhook.SignEd25519, webhook.SignHMAC, webhook.SignNone); err != nil {
		return err
	}
	s.Sign = &Sign{Scheme: args[0].Text}
	rest := args[1:]
	if s.Sign.Scheme == webhook.SignHMAC {
		if len(rest) < 2 {
			return l.Errf("sign hmac wants a header and an encoding: write sign hmac X-Signature hex")
		}
		s.Sign.Header, s.Sign.Encoding = rest[0].Text, rest[1].Text
		if rest, err = parseSignTemplates(l, s.Sign, rest[2:]); err != nil {
			return err
		}
	}
	if len(rest) > 0 {
		return rest[0].Errf("unexpected %q: write %s, and a template with spaces in quotes", rest[0].Text, l.Usage)
	}
	if err := s.checkSign(); err != nil {
		return args[0].Errf("%w", err)
	}
	return checkTemplate(args[0], s, &webhook.Subscription{Sign: s.Signing()})
}

// checkTemplate is an error at w if a template of s, as used has it, reads a name
// that is not there.
func checkTemplate(w directive.Word, s *Subscription, used *webhook.Subscription) error {
	used.ID, used.Scopes, used.Payload = webhook.SubscriptionID(s.Name), []webhook.Pattern{"**"}, "standard"
	if err := rules.CheckSubscription(used, nil); err != nil {
		return w.Errf("%w", err)
	}
	return nil
}

func parseSignTemplates(l *directive.Line, g *Sign, rest []directive.Word) ([]directive.Word, error) {
	for _, part := range []struct {
		name string
		to   *string
	}{{"over", &g.Over}, {"as", &g.As}, {"join", &g.Join}} {
		if len(rest) == 0 || !rest[0].Bare(part.name) {
			continue
		}
		if len(rest) < 2 || rest[1].Text == "" {
			return nil, rest[0].Errf("%s wants a text: write %s", part.name, l.Usage)
		}
		*part.to, rest = rest[1].Text, rest[2:]
	}
	return rest, nil
}

func parseSecret(l *directive.Line, s *Subscription) error {
	args, err := l.Take(1, 0)
	if err != nil {
		return err
	}
	for _, w := range args {
		if directive.IsPlaceholder(w.Text) && !source.In(w.Text) {
			return w.Errf("secret %s is a placeholder that is not known when Caddy starts: write {env.NAME} or {file./path}", w.Text)
		}
	}
	return l.List(&s.Secrets)
}

func parseHeader(l *directive.Line, s *Subscription) error {
	args, err := l.Take(2, 0)
	if err != nil {
		return err
	}
	if len(args) > 2 {
		return args[2].Errf("unexpected %q: write a value with spaces in quotes, header %s %q", args[2].Text, args[0].Text, directive.Text(args[1:]))
	}
	h := Header{Name: args[0].Text, Value: args[1].Text}
	if err := checkHeader(h); err != nil {
		return args[0].Errf("%w", err)
	}
	s.Headers = append(s.Headers, h)
	known := webhook.HeaderTemplate{Name: h.Name, Value: source.Without(h.Value)}
	return checkTemplate(args[1], s, &webhook.Subscription{Headers: []webhook.HeaderTemplate{known}})
}

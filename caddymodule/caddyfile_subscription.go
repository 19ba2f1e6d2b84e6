package caddymodule

import (
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/webhook"
)

// subscriptionOptions are the words of a subscription's block.
var subscriptionOptions = forOptions.and(options[*Subscription]{
	"scopes":        {usage: "scopes project.** task.completed", parse: parseScopes, many: true},
	"tenant":        {usage: "tenant acme, or tenant * for all", parse: func(l *optionLine, s *Subscription) error { return l.one(&s.Tenant) }},
	"sign":          {usage: signUsage, parse: parseSign},
	"secret":        {usage: "secret {env.CRM_SECRET}", parse: parseSecret, many: true},
	"concurrency":   {usage: "concurrency 8", parse: parseConcurrency},
	"rate":          {usage: "rate 50/s, 100/m or 1000/h, or rate none", parse: parseRate},
	"pause_after":   {usage: "pause_after 10, or pause_after none", parse: parsePauseAfter},
	"disable_after": {usage: "disable_after 5d, or disable_after none", parse: parseDisableAfter},
	"delete_after":  {usage: "delete_after 50 timeouts, or delete_after none", parse: parseDeleteAfter},

	"for":                  {usage: "for task, and options that replace those outside in its block", parse: parseFor, many: true},
	"allow_private":        {usage: "allow_private", parse: func(l *optionLine, s *Subscription) error { s.AllowPrivate = true; return l.flag() }},
	"insecure_skip_verify": {usage: "insecure_skip_verify", parse: func(l *optionLine, s *Subscription) error { s.InsecureSkipVerify = true; return l.flag() }},

	"egress": {usage: "egress { … }", parse: func(l *optionLine, s *Subscription) error {
		return parseEgress(l, &s.Egress, "of subscription "+s.Name)
	}},
	"related":    {usage: "related document, and expand or query in its block", parse: parseRelatedView, many: true},
	"view_check": {usage: "view_check", parse: func(l *optionLine, s *Subscription) error { s.ViewCheck = true; return l.flag() }},
	"credential": {usage: "credential Authorization {env.CRM_TOKEN}", parse: func(l *optionLine, s *Subscription) (err error) { s.Credential, err = parseHeaderValue(l); return err }},
})

// forOptions are those of them that may be otherwise for one resource.
var forOptions = options[*Subscription]{
	"filter":       {usage: "filter entity.budget > 10000", parse: parseFilter},
	"on_change":    {usage: "on_change status owner_id", parse: func(l *optionLine, s *Subscription) error { return l.checkedList(&s.OnChange, checkGlob) }, many: true},
	"fields":       {usage: "fields id name owner.email", parse: func(l *optionLine, s *Subscription) error { return l.checkedList(&s.Fields, checkGlob) }, many: true},
	"skip_keys":    {usage: "skip_keys gmail_sync", parse: func(l *optionLine, s *Subscription) error { return l.checkedList(&s.SkipKeys, checkSkipKey) }, many: true},
	"payload":      {usage: "payload standard, full, thin, cloudevents, cloudevents_binary, or the name of one declared", parse: func(l *optionLine, s *Subscription) error { return l.one(&s.Payload) }},
	"content_type": {usage: "content_type json, or form", parse: func(l *optionLine, s *Subscription) error { return l.oneOf(&s.ContentType, "json", "form") }},
	"header":       {usage: "header X-Topic {scope}", parse: parseHeader, many: true},
	"timeout":      {usage: "timeout 10s", parse: func(l *optionLine, s *Subscription) error { return l.duration(&s.Timeout) }},
	"retry":        {usage: "retry 5s 5m 30m 2h, retry short, standard or long, or retry none", parse: parseRetry},
	"chunk":        {usage: chunkUsage, parse: parseChunk},
	"order":        {usage: "order entity, entity hold, subscription, or none", parse: parseOrder},
	"expand":       {usage: "expand owner tasks", parse: func(l *optionLine, s *Subscription) error { return l.checkedList(&s.Expand, checkParameterValue) }, many: true},
	"query":        {usage: "query load-only id name", parse: parseQuery, many: true},
}

// relatedViewOptions are the words of the block of related in a subscription.
var relatedViewOptions = options[*Subscription]{"expand": forOptions["expand"], "query": forOptions["query"]}

const signUsage = "sign standard, sign ed25519, sign none, or sign hmac HEADER hex|base64 [over TEMPLATE] [as TEMPLATE] [join TEXT]"

// subscriptionName matches names, which stand in addresses and in metrics.
var subscriptionName = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)

// parseSubscription reads
//
//	subscription NAME URL {
//		…
//	}
func parseSubscription(l *optionLine, a *App) error {
	args := l.args()
	if len(args) < 2 {
		return l.errf("subscription wants a name and a URL: write %s", l.usage)
	}
	if len(args) > 2 {
		return args[2].errf("unexpected %q: write %s", args[2].Text, l.usage)
	}
	s := &Subscription{Name: args[0].Text, URL: args[1].Text}
	if !subscriptionName.MatchString(s.Name) {
		return args[0].errf("subscription name %q: write letters, digits, _, . and -, and the URL behind it", s.Name)
	}
	for _, other := range a.Subscriptions {
		if other.Name == s.Name {
			return args[0].errf("subscription %s is declared twice: give each its own name", s.Name)
		}
	}
	if !sources.MatchString(s.URL) {
		if err := args[1].check(checkURL); err != nil {
			return err
		}
	}
	if err := subscriptionOptions.parse(l.block, s, "subscription "+s.Name); err != nil {
		return err
	}
	a.Subscriptions = append(a.Subscriptions, s)
	return s.checkWhole(l)
}

// checkWhole holds what only shows when the block of s has been read.
func (s *Subscription) checkWhole(l *optionLine) error {
	switch {
	case len(s.Scopes) == 0:
		return l.errf("subscription %s has no scopes: write which events it gets, like scopes project.**", s.Name)
	case len(s.Secrets) == 0 && s.signing().Scheme != webhook.SignNone:
		return l.errf("subscription %s has no secret: write secret {env.NAME}, or sign none", s.Name)
	}
	if err := s.checkSecrets(); err != nil {
		return l.errf("subscription %s has %w", s.Name, err)
	}
	if err := s.checkShape(); err != nil {
		return l.errf("subscription %s: %w", s.Name, err)
	}
	if err := s.checkLooks(); err != nil {
		return l.errf("subscription %s: %w", s.Name, err)
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

func parseScopes(l *optionLine, s *Subscription) error {
	return l.checkedList(&s.Scopes, func(p string) error { return webhook.Pattern(p).Check() })
}

func parseFilter(l *optionLine, s *Subscription) (err error) {
	if err := l.noBlock(); err != nil {
		return err
	}
	s.Filter, err = l.condition(1, len(l.words), lang.EnvEvent)
	return err
}

// parseSign reads
//
//	sign standard|ed25519|none
//	sign hmac HEADER hex|base64 [over TEMPLATE] [as TEMPLATE] [join TEXT]
func parseSign(l *optionLine, s *Subscription) error {
	args, err := l.take(1, 0)
	if err != nil {
		return err
	}
	if err := args[0].among("sign", webhook.SignStandard, webhook.SignEd25519, webhook.SignHMAC, webhook.SignNone); err != nil {
		return err
	}
	s.Sign = &Sign{Scheme: args[0].Text}
	rest := args[1:]
	if s.Sign.Scheme == webhook.SignHMAC {
		if len(rest) < 2 {
			return l.errf("sign hmac wants a header and an encoding: write sign hmac X-Signature hex")
		}
		s.Sign.Header, s.Sign.Encoding = rest[0].Text, rest[1].Text
		if rest, err = parseSignTemplates(l, s.Sign, rest[2:]); err != nil {
			return err
		}
	}
	if len(rest) > 0 {
		return rest[0].errf("unexpected %q: write %s, and a template with spaces in quotes", rest[0].Text, l.usage)
	}
	if err := s.checkSign(); err != nil {
		return args[0].errf("%w", err)
	}
	return checkTemplate(args[0], s, &webhook.Subscription{Sign: s.signing()})
}

// checkTemplate is an error at w if a template of s, as used has it, reads a name
// that is not there.
func checkTemplate(w word, s *Subscription, used *webhook.Subscription) error {
	used.ID, used.Scopes, used.Payload = webhook.SubscriptionID(s.Name), []webhook.Pattern{"**"}, "standard"
	if err := rules.CheckSubscription(used, nil); err != nil {
		return w.errf("%w", err)
	}
	return nil
}

func parseSignTemplates(l *optionLine, g *Sign, rest []word) ([]word, error) {
	for _, part := range []struct {
		name string
		to   *string
	}{{"over", &g.Over}, {"as", &g.As}, {"join", &g.Join}} {
		if len(rest) == 0 || !rest[0].bare(part.name) {
			continue
		}
		if len(rest) < 2 || rest[1].Text == "" {
			return nil, rest[0].errf("%s wants a text: write %s", part.name, l.usage)
		}
		*part.to, rest = rest[1].Text, rest[2:]
	}
	return rest, nil
}

func parseSecret(l *optionLine, s *Subscription) error {
	args, err := l.take(1, 0)
	if err != nil {
		return err
	}
	for _, w := range args {
		if isPlaceholder(w.Text) && !sources.MatchString(w.Text) {
			return w.errf("secret %s is a placeholder that is not known when Caddy starts: write {env.NAME} or {file./path}", w.Text)
		}
	}
	return l.list(&s.Secrets)
}

func parseHeader(l *optionLine, s *Subscription) error {
	args, err := l.take(2, 0)
	if err != nil {
		return err
	}
	if len(args) > 2 {
		return args[2].errf("unexpected %q: write a value with spaces in quotes, header %s %q", args[2].Text, args[0].Text, textOf(args[1:]))
	}
	h := Header{Name: args[0].Text, Value: args[1].Text}
	if err := checkHeader(h); err != nil {
		return args[0].errf("%w", err)
	}
	s.Headers = append(s.Headers, h)
	known := webhook.HeaderTemplate{Name: h.Name, Value: sources.ReplaceAllString(h.Value, "")}
	return checkTemplate(args[1], s, &webhook.Subscription{Headers: []webhook.HeaderTemplate{known}})
}

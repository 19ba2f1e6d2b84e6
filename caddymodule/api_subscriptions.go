package caddymodule

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

const (
	// maxOfOwner bounds the subscriptions of one owner.
	maxOfOwner = 100

	// repeatTime is how long a repeat of a creation is known.
	repeatTime = 24 * time.Hour

	// mostGrace is how long a replaced secret may go on signing.
	mostGrace    = 7 * 24 * time.Hour
	defaultGrace = 24 * time.Hour
)

// visible returns the kept subscriptions that the caller may see.
func (c *apiCall) visible() []*keptSubscription {
	return slices.DeleteFunc(c.e.kept.Load().all(), func(k *keptSubscription) bool { return !c.maySee(k) })
}

// statics returns the subscriptions of the configuration that the caller may see.
func (c *apiCall) statics() (list []*webhook.Subscription) {
	for _, s := range c.e.current().subscriptions {
		if s.Static && c.maySeeStatic(s) {
			list = append(list, s)
		}
	}
	return list
}

var errNoSubscription = refuse(http.StatusNotFound, "there is no subscription of that id")

// find returns the kept subscription that the path names, for a change.
func (c *apiCall) find() (*keptSubscription, error) {
	if k := c.e.kept.Load().get(webhook.SubscriptionID(c.id)); k != nil && k.sub != nil && c.maySee(k) {
		return k, nil
	}
	for _, s := range c.statics() {
		if string(s.ID) == c.id {
			return nil, refuse(http.StatusConflict, "subscription %s stands in the configuration and is changed there", c.id)
		}
	}
	return nil, errNoSubscription
}

// findMatching is find, for a call that may say which version it means
// (If-Match, RFC 9110, 13.1.1).
func (c *apiCall) findMatching() (*keptSubscription, error) {
	k, err := c.find()
	if err != nil {
		return nil, err
	}
	v := c.view(k)
	want := c.r.Header.Values("If-Match")
	if len(want) == 0 {
		return k, nil
	}
	for tag := range strings.SplitSeq(strings.Join(want, ","), ",") {
		if tag = strings.TrimSpace(tag); tag == "*" || tag == v.etag() {
			return k, nil
		}
	}
	return nil, refuse(http.StatusPreconditionFailed, "it is not what If-Match says: it is %s now; read it again", v.etag())
}

func (c *apiCall) listSubscriptions() (apiAnswer, error) {
	page, err := c.page()
	if err != nil {
		return apiAnswer{}, err
	}
	type numbered struct {
		number uint64
		show   func() apiSubscription
	}
	var all []numbered
	for _, s := range c.statics() {
		all = append(all, numbered{s.Number, func() apiSubscription { return c.viewStatic(s) }})
	}
	for _, k := range c.visible() {
		all = append(all, numbered{k.sub.Number, func() apiSubscription { return c.view(k) }})
	}
	slices.SortFunc(all, func(a, b numbered) int { return int(a.number) - int(b.number) })
	list := apiList{Data: []any{}}
	for _, s := range all {
		if s.number <= page.position {
			continue
		}
		if len(list.Data) == page.limit {
			list.Next = cursor{position: page.position}.text()
			break
		}
		list.Data, page.position = append(list.Data, s.show()), s.number
	}
	return apiAnswer{body: list}, nil
}

func (c *apiCall) readSubscription() (apiAnswer, error) {
	k, err := c.find()
	if err == nil {
		return c.show(k), nil
	}
	for _, s := range c.statics() {
		if string(s.ID) == c.id {
			return apiAnswer{body: c.viewStatic(s)}, nil
		}
	}
	return apiAnswer{}, err
}

func (c *apiCall) show(k *keptSubscription) apiAnswer {
	c.known, c.owed = nil, nil // perhaps changed by this call
	v := c.view(k)
	return apiAnswer{body: v, etag: v.etag()}
}

func (c *apiCall) createSubscription() (apiAnswer, error) {
	repeat, release, err := c.repeat()
	if err != nil {
		return apiAnswer{}, err
	}
	defer release()
	if made, err := c.madeBefore(repeat); made != nil || err != nil {
		return c.created(made, made != nil && made.Revision == 1, true), err
	}
	if len(c.visible()) >= maxOfOwner && !c.operator {
		return apiAnswer{}, refuse(http.StatusConflict, "you have %d subscriptions, as many as you may: delete one first", maxOfOwner)
	}
	k := keptSubscription{body: keptBody{Repeat: repeat}}
	k.ID, k.Revision, k.Owner, k.Tenant = newSubscriptionID(), 1, c.owner, c.tenant
	doc, err := c.readDocument()
	if err != nil {
		return apiAnswer{}, err
	}
	if err := c.ownership(doc, &k); err != nil {
		return apiAnswer{}, err
	}
	secret, err := doc.take("secret")
	if err != nil {
		return apiAnswer{}, err
	}
	if err := c.takeSettings(doc, &k, c.allowPrivate); err != nil {
		return apiAnswer{}, err
	}
	if err := c.checkScopes(k.body.Settings); err != nil {
		return apiAnswer{}, err
	}
	if err := k.addSecret(secret, 0, time.Now()); err != nil {
		return apiAnswer{}, err
	}
	made, err := c.put(k)
	return c.created(made, true, false), err
}

// ownership lets the operator say whose k is.
func (c *apiCall) ownership(doc apiDocument, k *keptSubscription) (err error) {
	if !c.operator {
		return nil
	}
	if k.Owner, err = doc.take("owner"); err != nil {
		return err
	}
	k.Tenant, err = doc.take("tenant")
	return err
}

// takeSettings reads the settings of k, and checks them; private says that it
// may be at a private address.
func (c *apiCall) takeSettings(doc apiDocument, k *keptSubscription, private bool) error {
	s, err := c.settings(doc)
	if err != nil {
		return err
	}
	s.AllowPrivate = s.AllowPrivate || private
	k.body.Settings = s
	return checkReceiver(c.r.Context(), s)
}

// put keeps k, once it has been looked at as a whole.
func (c *apiCall) put(k keptSubscription) (*keptSubscription, error) {
	if err := k.check(c.e.current().payloads, time.Now()); err != nil {
		return nil, wrongField("", "%s", strings.TrimPrefix(err.Error(), "subscription "+string(k.ID)+": "))
	}
	return c.e.putKept(c.r.Context(), k)
}

// created answers that k was made, with its secret if that is not changed since.
func (c *apiCall) created(k *keptSubscription, secret, replayed bool) apiAnswer {
	if k == nil {
		return apiAnswer{}
	}
	v := c.view(k)
	if secret && len(k.body.Secrets) > 0 {
		v.Secret = k.body.Secrets[0].Text
	}
	return apiAnswer{status: http.StatusCreated, body: v, etag: v.etag(), location: c.path + "/" + string(k.ID), replayed: replayed}
}

// repeat tells by what a repeat of this call is known, nil if it carries no
// Idempotency-Key, and keeps others with that key out until release is called.
func (c *apiCall) repeat() (_ *keptRepeat, release func(), err error) {
	given := c.r.Header.Values("Idempotency-Key")
	if len(given) == 0 {
		return nil, func() {}, nil
	}
	if len(given) > 1 || given[0] == "" || len(given[0]) > 255 {
		return nil, nil, refuse(http.StatusBadRequest, "Idempotency-Key: send one, of 1 to 255 bytes")
	}
	hash := sha256.New()
	for _, part := range []string{c.owner, c.tenant, strconv.FormatBool(c.operator), given[0]} {
		hash.Write(appendPart(nil, 0, part))
	}
	body := sha256.Sum256(c.body)
	r := &keptRepeat{Key: hex.EncodeToString(hash.Sum(nil)), Body: body[:], Until: time.Now().Add(repeatTime).UTC()}
	if _, busy := c.e.creating.LoadOrStore(r.Key, true); busy {
		return nil, nil, refuse(http.StatusConflict, "a call with this Idempotency-Key is under way: wait for its answer, or try again")
	}
	return r, func() { c.e.creating.Delete(r.Key) }, nil
}

// madeBefore returns what an earlier call with the same key has made, or nil.
func (c *apiCall) madeBefore(r *keptRepeat) (*keptSubscription, error) {
	if r == nil {
		return nil, nil
	}
	for _, k := range c.e.kept.Load().all() {
		was := k.body.Repeat
		switch {
		case was == nil || was.Key != r.Key || time.Now().After(was.Until):
		case !slices.Equal(was.Body, r.Body):
			return nil, refuse(http.StatusUnprocessableEntity, "this Idempotency-Key came with another body before: use a new one")
		default:
			return k, nil
		}
	}
	return nil, nil
}

func (c *apiCall) changeSubscription() (apiAnswer, error) {
	k, err := c.findMatching()
	if err != nil {
		return apiAnswer{}, err
	}
	patch, err := c.readDocument()
	if err != nil {
		return apiAnswer{}, err
	}
	doc, err := patched(k.body.Settings, patch)
	if err != nil {
		return apiAnswer{}, err
	}
	private := c.allowPrivate
	if !c.operator { // what only the operator sets stays as it is, for the same receiver
		for _, name := range operatorFields {
			if _, asked := patch[name]; !asked {
				delete(doc, name)
			}
		}
		_, moved := patch["url"]
		private = private || k.body.Settings.AllowPrivate && !moved
	}
	next := *k
	next.Revision++
	if err := c.takeSettings(doc, &next, private); err != nil {
		return apiAnswer{}, err
	}
	if !c.operator {
		next.body.Settings.InsecureSkipVerify = k.body.Settings.InsecureSkipVerify
	}
	if !slices.Equal(k.body.Settings.Scopes, next.body.Settings.Scopes) {
		if err := c.checkScopes(next.body.Settings); err != nil {
			return apiAnswer{}, err
		}
	}
	first := len(next.body.signs(time.Now())) == 0 && next.body.Settings.signing().Scheme != webhook.SignNone
	if first {
		if err := next.addSecret("", 0, time.Now()); err != nil {
			return apiAnswer{}, err
		}
	}
	made, err := c.put(next)
	if err != nil {
		return apiAnswer{}, err
	}
	v := c.view(made)
	if first {
		v.Secret = made.body.Secrets[0].Text
	}
	return apiAnswer{body: v, etag: v.etag()}, nil
}

func (c *apiCall) deleteSubscription() (apiAnswer, error) {
	k, err := c.findMatching()
	if err != nil {
		return apiAnswer{}, err
	}
	return apiAnswer{}, c.e.deleteKept(c.r.Context(), k)
}

// steer pauses, resumes or releases.
func (c *apiCall) steer() (apiAnswer, error) {
	k, err := c.findMatching()
	if err != nil {
		return apiAnswer{}, err
	}
	steer := map[string]func(context.Context, webhook.SubscriptionID, string) (webhook.SubscriptionState, error){
		"pause": c.e.deliverer.Pause, "resume": c.e.deliverer.Resume, "release": c.e.deliverer.Release,
	}[c.verb]
	reason := "api"
	if c.operator {
		reason = webhook.ReasonOperator
	}
	if _, err := steer(context.WithoutCancel(c.r.Context()), k.ID, reason); err != nil {
		return apiAnswer{}, err
	}
	return c.show(k), nil
}

func (c *apiCall) rotateSecret() (apiAnswer, error) {
	k, err := c.findMatching()
	if err != nil {
		return apiAnswer{}, err
	}
	doc, err := c.readDocument()
	if err != nil {
		return apiAnswer{}, err
	}
	text, err := doc.take("grace")
	if err != nil {
		return apiAnswer{}, err
	}
	grace := defaultGrace
	if text != "" {
		d, err := rules.ParseDuration(text)
		if grace = time.Duration(d); err != nil || grace < 0 || grace > mostGrace {
			return apiAnswer{}, wrongField("/grace", "grace: write how long the secret there was goes on signing, from 0s to 7d, like 24h")
		}
	}
	secret, err := doc.take("secret")
	if err != nil {
		return apiAnswer{}, err
	}
	for name := range doc {
		return apiAnswer{}, wrongField("/"+name, "%s", unknownField(name, []string{"grace", "secret"}))
	}
	next := *k
	next.Revision++
	next.body.Repeat = nil
	if err := next.addSecret(secret, grace, time.Now()); err != nil {
		return apiAnswer{}, err
	}
	made, err := c.put(next)
	if err != nil {
		return apiAnswer{}, err
	}
	v := c.view(made)
	v.Secret = made.body.Secrets[0].Text
	return apiAnswer{body: v, etag: v.etag()}, nil
}

// addSecret makes text, or a new secret if that is "", the one that signs first;
// those there are go on for grace at most.
func (k *keptSubscription) addSecret(text string, grace time.Duration, now time.Time) error {
	if k.body.Settings.signing().Scheme == webhook.SignNone {
		if text != "" {
			return wrongField("/secret", "secret: it signs nothing while sign is none")
		}
		if grace > 0 || len(k.body.Secrets) > 0 {
			return refuse(http.StatusConflict, "it signs nothing: sign is none")
		}
		return nil
	}
	if text == "" {
		text = newSecret()
	} else if _, err := webhook.NewSecret(text).StandardKey(); err != nil {
		return wrongField("/secret", "secret: %s", err)
	}
	end := now.Add(grace).UTC()
	secrets := []keptSecret{{Text: text}}
	for _, s := range k.body.signs(now) {
		if s.Until.IsZero() || s.Until.After(end) {
			s.Until = end
		}
		if s.Text == text {
			return wrongField("/secret", "secret: it is one that signs already")
		}
		if grace > 0 {
			secrets = append(secrets, s)
		}
	}
	if len(secrets) > maxSecrets {
		return refuse(http.StatusConflict, "%d secrets sign at once already: wait until one ends, or rotate with grace 0s", maxSecrets)
	}
	k.body.Secrets = secrets
	return nil
}

// newSecret returns a secret as Standard Webhooks has them.
func newSecret() string {
	b := make([]byte, 32)
	rand.Read(b)
	return "whsec_" + base64.StdEncoding.EncodeToString(b)
}

// newSubscriptionID returns an id that nobody can guess.
func newSubscriptionID() webhook.SubscriptionID {
	return webhook.SubscriptionID("sub_" + strings.ToLower(rand.Text()))
}

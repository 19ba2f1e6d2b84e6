package caddymodule

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sidehook/sidehook/caddymodule/problem"
	"github.com/sidehook/sidehook/caddymodule/subscription"
	"github.com/sidehook/sidehook/webhook"
)

const (
	// maxOfOwner bounds the subscriptions of one owner, if max_subscriptions does
	// not.
	maxOfOwner = 100

	// repeatTime is how long a repeat of a creation is known.
	repeatTime = 24 * time.Hour

	// mostGrace is how long a replaced secret may go on signing.
	mostGrace    = 7 * 24 * time.Hour
	defaultGrace = 24 * time.Hour
)

// visible returns the kept subscriptions that the caller may see.
func (c *apiCall) visible() []*keptSubscription {
	return c.mayBeSeen(c.e.kept.Load())
}

func (c *apiCall) mayBeSeen(list *keptList) (seen []*keptSubscription) {
	for _, k := range list.all() {
		if c.maySee(k) {
			seen = append(seen, k)
		}
	}
	return seen
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

var errNoSubscription = problem.New(http.StatusNotFound, "there is no subscription of that id")

// find returns the kept subscription that the path names, for a change.
func (c *apiCall) find() (*keptSubscription, error) {
	if k := c.e.kept.Load().get(webhook.SubscriptionID(c.id)); k != nil && k.sub != nil && c.maySee(k) {
		return k, nil
	}
	for _, s := range c.statics() {
		if string(s.ID) == c.id && c.verb == "test" {
			return nil, problem.New(http.StatusConflict, "subscription %s stands in the configuration: the operator sends it examples, by `sidehook trigger SCOPE --subscription %[1]s`", c.id)
		} else if string(s.ID) == c.id {
			return nil, problem.New(http.StatusConflict, "subscription %s stands in the configuration and is changed there", c.id)
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
		if tag = strings.TrimSpace(tag); tag == "*" || v.isNamed(tag) {
			return k, nil
		}
	}
	return nil, problem.New(http.StatusPreconditionFailed, "it is not what If-Match says: it is %s now; read it again", v.etag())
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
			list.Next = c.next(cursor{position: page.position})
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
	v := c.view(k)
	return apiAnswer{body: v, etag: v.etag()}
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
	if err := c.checkLooks(s); err != nil {
		return err
	}
	return checkReceiver(c.r.Context(), s, c.e.current().egress)
}

// put keeps k, once it has been looked at as a whole. allowed is as for
// [engine.putKept].
func (c *apiCall) put(k keptSubscription, allowed func(*keptList) error) (*keptSubscription, error) {
	if err := k.check(c.e.current().payloads, time.Now()); err != nil {
		return nil, problem.WrongField("", "%s", strings.TrimPrefix(err.Error(), "subscription "+string(k.ID)+": "))
	}
	return c.e.putKept(c.r.Context(), k, allowed)
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
	verb, err := takeStatus(patch)
	if err != nil {
		return apiAnswer{}, err
	}
	doc, err := patched(k.body.Settings, patch)
	if err != nil {
		return apiAnswer{}, err
	}
	private, insecure := c.allowPrivate, false
	if !c.operator { // what only the operator sets stays as it is, for the same receiver
		for _, name := range subscription.OperatorFields {
			if _, asked := patch[name]; !asked {
				delete(doc, name)
			}
		}
		_, moved := patch["url"]
		private = private || k.body.Settings.AllowPrivate && !moved
		insecure = k.body.Settings.InsecureSkipVerify && (!moved || c.allowInsecure)
	}
	next := *k
	next.Revision++
	if err := c.takeSettings(doc, &next, private); err != nil {
		return apiAnswer{}, err
	}
	if _, asked := patch[subscription.Insecure]; !asked && insecure {
		next.body.Settings.InsecureSkipVerify = true
	}
	if !slices.Equal(k.body.Settings.Scopes, next.body.Settings.Scopes) {
		if err := c.checkScopes(next.body.Settings); err != nil {
			return apiAnswer{}, err
		}
	}
	next.body.dropUnfit()
	first := len(next.body.signs(time.Now())) == 0 && next.body.Settings.Signing().Scheme != webhook.SignNone
	if first {
		if err := next.addSecret("", 0, time.Now()); err != nil {
			return apiAnswer{}, err
		}
	}
	made, err := c.put(next, nil)
	if err != nil {
		return apiAnswer{}, err
	}
	if verb != "" {
		if err := c.steered(k.ID, verb); err != nil {
			return apiAnswer{}, err
		}
	}
	v := c.view(made)
	if first {
		v.Secret = made.body.shownSecret()
	}
	return apiAnswer{body: v, etag: v.etag()}, nil
}

// takeStatus takes the status out of a change, which pauses or resumes; verb is ""
// if there is none in it.
func takeStatus(patch apiDocument) (verb string, err error) {
	raw, asked := patch["status"]
	if !asked {
		return "", nil
	}
	delete(patch, "status")
	var status string
	if err := json.Unmarshal(raw, &status); err == nil && statusVerbs[status] != "" {
		return statusVerbs[status], nil
	}
	return "", problem.WrongField("/status", "write paused to hold what it is owed, or active to go on")
}

var statusVerbs = map[string]string{"paused": "pause", "active": "resume"}

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
	if err := c.steered(k.ID, c.verb); err != nil {
		return apiAnswer{}, err
	}
	return c.show(k), nil
}

func (c *apiCall) steered(id webhook.SubscriptionID, verb string) error {
	steer := map[string]func(context.Context, webhook.SubscriptionID, string) (webhook.SubscriptionState, error){
		"pause": c.e.deliverer.Pause, "resume": c.e.deliverer.Resume, "release": c.e.deliverer.Release,
	}[verb]
	reason := "api"
	if c.operator {
		reason = webhook.ReasonOperator
	}
	_, err := steer(context.WithoutCancel(c.r.Context()), id, reason)
	return err
}

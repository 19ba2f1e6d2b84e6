package api

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sidehook/sidehook/caddymodule/engine"
	"github.com/sidehook/sidehook/caddymodule/kept"
	"github.com/sidehook/sidehook/caddymodule/problem"
	"github.com/sidehook/sidehook/caddymodule/subscription"
	"github.com/sidehook/sidehook/webhook"
)

const (
	// MaxOfOwner bounds the subscriptions of one owner, if max_subscriptions does
	// not.
	MaxOfOwner = 100

	// repeatTime is how long a repeat of a creation is known.
	repeatTime = 24 * time.Hour

	// mostGrace is how long a replaced secret may go on signing.
	mostGrace    = 7 * 24 * time.Hour
	defaultGrace = 24 * time.Hour
)

// visible returns the kept subscriptions that the caller may see.
func (c *Call) visible() []*kept.Subscription {
	return c.mayBeSeen(c.e.Kept())
}

func (c *Call) mayBeSeen(list *kept.List) (seen []*kept.Subscription) {
	for _, k := range list.All() {
		if c.maySee(k) {
			seen = append(seen, k)
		}
	}
	return seen
}

// statics returns the subscriptions of the configuration that the caller may see.
func (c *Call) statics() (list []*webhook.Subscription) {
	for _, s := range c.e.Current().Subscriptions {
		if s.Static && c.maySeeStatic(s) {
			list = append(list, s)
		}
	}
	return list
}

// static returns the subscription of the configuration that the path names, or nil.
func (c *Call) static() *webhook.Subscription {
	for _, s := range c.statics() {
		if string(s.ID) == c.id {
			return s
		}
	}
	return nil
}

var errNoSubscription = problem.New(http.StatusNotFound, "there is no subscription of that id")

// find returns the kept subscription that the path names, for a change.
func (c *Call) find() (*kept.Subscription, error) {
	if k := c.e.Kept().Get(webhook.SubscriptionID(c.id)); k != nil && k.Ready != nil && c.maySee(k) {
		return k, nil
	}
	switch {
	case c.static() == nil:
		return nil, errNoSubscription
	case c.verb == "test":
		return nil, problem.New(http.StatusConflict, "subscription %s stands in the configuration: the operator sends it examples, by `sidehook trigger SCOPE --subscription %[1]s`", c.id)
	}
	return nil, problem.New(http.StatusConflict, "subscription %s stands in the configuration and is changed there", c.id)
}

// findMatching is find, for a call that may say which version it means
// (If-Match, RFC 9110, 13.1.1).
func (c *Call) findMatching() (*kept.Subscription, error) {
	k, err := c.find()
	if err != nil {
		return nil, err
	}
	v := c.view(k)
	want := c.r.Header.Values("If-Match")
	if len(want) == 0 {
		return k, nil
	}
	weak := ""
	for tag := range strings.SplitSeq(strings.Join(want, ","), ",") {
		tag = strings.TrimSpace(tag)
		if tag == "*" || v.isNamed(tag) {
			return k, nil
		}
		if strong, is := strings.CutPrefix(tag, "W/"); is && v.isNamed(strong) {
			weak = tag
		}
	}
	if weak != "" {
		return nil, problem.New(http.StatusPreconditionFailed,
			"If-Match is the weak %s, and a weak tag matches nothing there (RFC 9110, 13.1.1): send %s; ETags here are strong, and what stands in front has made it weak", weak, v.etag())
	}
	return nil, problem.New(http.StatusPreconditionFailed, "it is not what If-Match says: it is %s now; read it again", v.etag())
}

func (c *Call) listSubscriptions() (apiAnswer, error) {
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
		all = append(all, numbered{k.Ready.Number, func() apiSubscription { return c.view(k) }})
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

func (c *Call) readSubscription() (apiAnswer, error) {
	k, err := c.find()
	if err == nil {
		return c.show(k, false), nil
	}
	if s := c.static(); s != nil {
		return apiAnswer{body: c.viewStatic(s)}, nil
	}
	return apiAnswer{}, err
}

// show answers with k, and with its secret where that is to be shown, this once.
func (c *Call) show(k *kept.Subscription, secret bool) apiAnswer {
	v := c.view(k)
	if secret && len(k.Content.Secrets) > 0 {
		v.Secret = k.Content.ShownSecret()
	}
	return apiAnswer{body: v, etag: v.etag()}
}

// takeSettings reads the settings of k, and checks them; private says that it
// may be at a private address.
func (c *Call) takeSettings(doc apiDocument, k *kept.Subscription, private bool) error {
	s, err := c.settings(doc)
	if err != nil {
		return err
	}
	s.AllowPrivate = s.AllowPrivate || private
	k.Content.Settings = s
	if err := c.checkLooks(s); err != nil {
		return err
	}
	return checkReceiver(c.r.Context(), s, c.e.Current().Egress)
}

// put keeps k, once it has been looked at as a whole. allowed is as for
// [engine.Engine.PutKept]; verb pauses or resumes it in the same commit, "" does not.
func (c *Call) put(k kept.Subscription, allowed func(*kept.List) error, verb string) (*kept.Subscription, error) {
	if err := k.Check(c.e.Current().Payloads, time.Now()); err != nil {
		return nil, problem.WrongField("", "%s", strings.TrimPrefix(subscription.ForCaller(err).Error(), "subscription "+string(k.ID)+": "))
	}
	if verb != "" {
		return c.e.TurnKept(c.r.Context(), k, engine.Turning{Active: verb == "resume", Reason: c.reason()})
	}
	return c.e.PutKept(c.r.Context(), k, allowed)
}

func (c *Call) changeSubscription() (apiAnswer, error) {
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
	doc, err := patched(k.Content.Settings, patch)
	if err != nil {
		return apiAnswer{}, err
	}
	private, insecure := c.keepOperators(k, patch, doc)
	next := *k
	next.Revision++
	if err := c.takeSettings(doc, &next, private); err != nil {
		return apiAnswer{}, err
	}
	if _, asked := patch[subscription.Insecure]; !asked && insecure {
		next.Content.Settings.InsecureSkipVerify = true
	}
	if !slices.Equal(k.Content.Settings.Scopes, next.Content.Settings.Scopes) {
		if err := c.checkScopes(next.Content.Settings); err != nil {
			return apiAnswer{}, err
		}
	}
	next.Content.DropUnfit()
	first := len(next.Content.Signs(time.Now())) == 0 && next.Content.Settings.Signing().Scheme != webhook.SignNone
	if first {
		if err := next.AddSecret("", 0, time.Now()); err != nil {
			return apiAnswer{}, err
		}
	}
	made, err := c.put(next, nil, verb)
	if err != nil {
		return apiAnswer{}, err
	}
	return c.show(made, first), nil
}

// keepOperators leaves what only the operator sets as k has it, for the same
// receiver: doc, in which patch is applied, loses it, and it tells whether the
// receiver may be at a private address, and may have any certificate.
func (c *Call) keepOperators(k *kept.Subscription, patch, doc apiDocument) (private, insecure bool) {
	if c.Operator {
		return c.AllowPrivate, false
	}
	for _, name := range subscription.OperatorFields {
		if _, asked := patch[name]; !asked {
			delete(doc, name)
		}
	}
	_, moved := patch["url"]
	was := k.Content.Settings
	return c.AllowPrivate || was.AllowPrivate && !moved, was.InsecureSkipVerify && (!moved || c.AllowInsecure)
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

func (c *Call) deleteSubscription() (apiAnswer, error) {
	k, err := c.findMatching()
	if err != nil {
		return apiAnswer{}, err
	}
	return apiAnswer{}, c.e.DeleteKept(c.r.Context(), k)
}

// steer pauses, resumes or releases.
func (c *Call) steer() (apiAnswer, error) {
	k, err := c.findMatching()
	if err != nil {
		return apiAnswer{}, err
	}
	if err := c.steered(k.ID, c.verb); err != nil {
		return apiAnswer{}, err
	}
	return c.show(k, false), nil
}

// reason tells who has paused or resumed a subscription.
func (c *Call) reason() string {
	if c.Operator {
		return webhook.ReasonOperator
	}
	return "api"
}

func (c *Call) steered(id webhook.SubscriptionID, verb string) error {
	steer := map[string]func(context.Context, webhook.SubscriptionID, string) (webhook.SubscriptionState, error){
		"pause": c.e.Deliverer.Pause, "resume": c.e.Deliverer.Resume, "release": c.e.Deliverer.Release,
	}[verb]
	st, err := steer(context.WithoutCancel(c.r.Context()), id, c.reason())
	if err != nil && st.ID != "" {
		return &problem.HalfDone{What: "it is " + string(st.Status) + ", but not all that was held is released; release it again", Err: err}
	}
	return err
}

package api

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/caddymodule/kept"
	"github.com/sidehook/sidehook/caddymodule/problem"
	"github.com/sidehook/sidehook/webhook"
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

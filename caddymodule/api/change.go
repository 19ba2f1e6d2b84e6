package api

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/sidehook/sidehook/caddymodule/engine"
	"github.com/sidehook/sidehook/caddymodule/kept"
	"github.com/sidehook/sidehook/caddymodule/problem"
	"github.com/sidehook/sidehook/caddymodule/subscription"
	"github.com/sidehook/sidehook/webhook"
)

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

package audience

import (
	"fmt"
	"strings"

	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/webhook"
)

// Judgement says whether a subscription wants an event, and why or why not.
type Judgement struct {
	Subscription webhook.SubscriptionID `json:"subscription"`
	Wanted       bool                   `json:"wanted"`
	Why          string                 `json:"why"`
}

// Judge asks every subscription what [Subscribers.Want] asks those that may
// want e, and tells the answers, in the order in which they were given. Each is
// asked by itself: what others' filters cost is not looked at.
func (s *Subscribers) Judge(e *webhook.Event) []Judgement {
	subs := s.all()
	all := make([]Judgement, len(subs))
	for i, c := range subs {
		all[i].Subscription = c.ID
		all[i].Wanted, all[i].Why = c.as(e.Key.Resource).tell(e)
	}
	return all
}

// tell says whether c wants e, and in words why or why not.
func (c *subscriber) tell(e *webhook.Event) (wanted bool, why string) {
	switch {
	case e.DryRun:
		return false, "the handler is in `dry_run`: nothing is delivered"
	case !c.Wants(e.Scope):
		why = fmt.Sprintf("its scopes (%s) do not select %s", patternText(c.Scopes), e.Scope)
		if e.Gap != nil {
			why += ": wildcards leave gaps out, so write " + e.Scope + " beside them"
		}
		return false, why
	case !c.Sees(e) && e.Unowned:
		return false, "a tenant is configured and none was found: only `tenant *` sees the event"
	case !c.Sees(e):
		return false, fmt.Sprintf("the event is of tenant %q, and the subscription of %q", e.Tenant, c.Tenant)
	case c.Skips(e.SkipKey):
		return false, fmt.Sprintf("the call had the skip key %q, which is one of its skip_keys", e.SkipKey)
	case c.broken != nil:
		return true, "it does not compile, so nothing is held back from it: " + c.broken.Error()
	}
	j := judge{e: e}
	switch t, _ := j.judge(c, mostSteps); {
	case t == lang.False && c.concerned(e) == lang.False:
		return false, fmt.Sprintf("its on_change (%s) names none of the fields that changed", strings.Join(c.OnChange, " "))
	case t == lang.False:
		return false, "its filter is not true: " + c.Filter
	case t == lang.Undecided:
		return true, "its on_change or filter depends on something unknown, or takes too long, which lets the event through"
	}
	return true, "it wants the event"
}

func patternText(patterns []webhook.Pattern) string {
	texts := make([]string, len(patterns))
	for i, p := range patterns {
		texts[i] = string(p)
	}
	return strings.Join(texts, " ")
}

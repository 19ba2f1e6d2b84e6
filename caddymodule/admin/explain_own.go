package admin

import (
	"github.com/sidehook/sidehook/caddymodule/own"
	"github.com/sidehook/sidehook/caddymodule/view"
	"github.com/sidehook/sidehook/webhook"
)

// own returns the event of Sidehook's own that is explained, or nil: such an
// event is the only one of its exchange, for which there was no call.
func (ex *explainer) own() *webhook.Event {
	if len(ex.events) > 0 && ex.events[0].Key.API == own.API {
		return &ex.events[0]
	}
	return nil
}

// whyOwn says what ev, of Sidehook's own, is there for.
func whyOwn(ev *webhook.Event) string {
	if id, told := own.About(ev); told {
		return "it tells of subscription " + string(id) + ", and no call earned it"
	}
	return "it is an example that somebody asked for, and no call earned it"
}

// receptionOfOwn says of ev, of Sidehook's own, why a subscription got it, or did
// not: its own settings do not decide that alone.
func (ex *explainer) receptionOfOwn(ev *webhook.Event, r *view.Reception) {
	about, told := own.About(ev)
	switch {
	case !told && r.Delivery != nil:
		r.Wanted, r.Why = true, "it is the one that the example is for, whatever its scopes and its filter are"
	case !told:
		r.Wanted, r.Why = false, "the example is for one subscription alone"
	case r.Subscription == about:
		r.Wanted, r.Why = false, "it is the one that the event tells of"
	case r.Wanted && r.Delivery == nil && !ex.mayHear(r.Subscription, about):
		r.Wanted, r.Why = false, "it is another owner's than the one that the event tells of"
	}
}

func (ex *explainer) mayHear(id, about webhook.SubscriptionID) bool {
	s := ex.e.InForce(id)
	return s != nil && ex.e.MayHear(s, about)
}

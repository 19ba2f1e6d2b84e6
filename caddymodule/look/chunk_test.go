package look

import (
	"testing"
	"time"

	"github.com/sidehook/sidehook/caddymodule/own"
	"github.com/sidehook/sidehook/webhook"
)

// Of a chunk those events are sent that the subscriber may see; as long as one of them
// cannot be decided, none is. What it saw of each is kept.
func TestOfAChunkIsSentWhatMayBeSeen(t *testing.T) {
	for name, c := range map[string]struct {
		answers []int
		shown   int
		why     webhook.Outcome // "": it is sent
		sights  int
	}{
		"all are seen":       {[]int{200, 200, 200}, 3, "", 3},
		"one is not":         {[]int{200, 403, 200}, 2, "", 3},
		"the first is not":   {[]int{403, 200, 200}, 2, "", 3},
		"none is":            {[]int{403, 403, 403}, 0, webhook.Hidden, 3},
		"one is not decided": {[]int{200, 503, 200}, 0, webhook.Unasked, 1},
		"nor behind a no":    {[]int{403, 401, 200}, 0, webhook.Denied, 1},
	} {
		t.Run(name, func(t *testing.T) {
			see(t, nil, func(t *testing.T, s *seeing) {
				s.answers(func(asked int) int { return c.answers[asked-1] })
				var evs []*webhook.Event
				for _, id := range []webhook.EventID{"evt_1", "evt_2", "evt_3"} {
					evs = append(evs, &webhook.Event{ID: id, Scope: "project.updated", Key: seenKey, Sequence: 1, Time: time.Now(), Operation: webhook.Updated})
				}
				sub := &webhook.Subscription{ID: "crm", ViewCheck: true, Credential: webhook.Credential{Header: "Authorization", Value: webhook.NewSecret("x")}}
				shown, p, err := s.looker.All(t.Context(), evs, &webhook.Delivery{ID: "dlv_1"}, sub)
				why := webhook.Outcome("")
				if p.Withheld != nil {
					why = p.Withheld.Outcome
				}
				if err != nil || len(shown) != c.shown || why != c.why || len(p.Sights) != c.sights {
					t.Errorf("%d are sent, withheld as %q, with %d sights, %v: want %d, %q and %d", len(shown), why, len(p.Sights), err, c.shown, c.why, c.sights)
				}
			})
		})
	}
}

// Who only has events expanded is sent that an entity was deleted: there is nothing to
// ask for, whether or not anything is known of it still.
func TestADeleteIsSentToWhoOnlyExpands(t *testing.T) {
	expands := func(s *webhook.Subscription) { s.ViewCheck, s.Expand = false, []string{"owner"} }
	for name, known := range map[string]bool{"known": true, "forgotten": false} {
		t.Run(name, func(t *testing.T) {
			see(t, expands, func(t *testing.T, s *seeing) {
				s.answers(always(404))
				id := s.owe("evt_1", webhook.Deleted)
				if !known {
					s.mu.Lock()
					s.snap = webhook.Snapshot{}
					s.mu.Unlock()
				}
				s.want(id, time.Second, webhook.Delivered, "")
				if n := len(s.gets()); n > 0 {
					t.Errorf("the API was asked %d times", n)
				}
			})
		})
	}
}

// What a subscriber has written into its parameters stays in them.
func TestParametersAreEscaped(t *testing.T) {
	for want, s := range map[string]*webhook.Subscription{
		"/things/1":                              {},
		"/things/1?expand=a,b%26admin%3D1":       {Expand: []string{"a", "b&admin=1"}},
		"/things/1?x%26y=1%232":                  {Query: []webhook.QueryParameter{{Name: "x&y", Values: []string{"1#2"}}}},
		"/things/1?expand=a&f%5B%5D=1&f%5B%5D=2": {Expand: []string{"a"}, Query: []webhook.QueryParameter{{Name: "f[]", Values: []string{"1", "2"}}}},
	} {
		if got := Path("/things/1", s); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// An API that is in trouble has said nothing: after a few of those it is left alone.
func TestTroubleTellsNothing(t *testing.T) {
	for status, want := range map[int]bool{0: false, 200: true, 302: true, 401: true, 403: true, 404: true, 429: false, 499: true, 500: false, 503: false} {
		if a := (&answer{status: status}); a.told() != want {
			t.Errorf("%d tells: %t, want %t", status, a.told(), want)
		}
	}
	if a := (&answer{status: 200, err: errBroke}); a.told() {
		t.Error("an answer that broke off tells")
	}
}

// A gap of a resource, and what Sidehook says of itself, is about no entity that could be
// asked for: it is sent without.
func TestWhatIsAboutNoEntityIsSent(t *testing.T) {
	for name, change := range map[string]func(*webhook.Event){
		"a gap of a resource": func(ev *webhook.Event) { ev.Key.ID, ev.Gap = "", &webhook.Gap{Reason: webhook.GapUnidentified} },
		"what is our own":     func(ev *webhook.Event) { ev.Key.API, ev.Scope = own.API, own.Failing },
		"an example":          func(ev *webhook.Event) { ev.Key.API = own.API },
	} {
		t.Run(name, func(t *testing.T) {
			see(t, nil, func(t *testing.T, s *seeing) {
				s.answers(always(403))
				id := s.owe("evt_1", webhook.Updated)
				s.mu.Lock()
				change(s.events["evt_1"])
				s.mu.Unlock()
				s.want(id, time.Second, webhook.Delivered, "")
			})
		})
	}
	for name, change := range map[string]func(*webhook.Event){
		"a gap of an entity":            func(ev *webhook.Event) { ev.Gap = &webhook.Gap{Reason: webhook.GapUnknownState} },
		"an entity, whatever its scope": func(ev *webhook.Event) { ev.Scope = own.Failing },
	} {
		t.Run(name, func(t *testing.T) {
			see(t, nil, func(t *testing.T, s *seeing) {
				s.answers(always(403))
				id := s.owe("evt_1", webhook.Updated)
				s.mu.Lock()
				change(s.events["evt_1"])
				s.mu.Unlock()
				s.want(id, time.Second, webhook.NotVisible, "the API answered 403")
			})
		})
	}
}

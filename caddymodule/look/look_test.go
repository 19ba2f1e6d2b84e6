package look

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sidehook/sidehook/deliver"
	"github.com/sidehook/sidehook/deliver/delivertest"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// seeing is a deliverer whose one subscription asks an API that answers by a
// script, in a bubble of time: the twin of the tests of the built binary.
type seeing struct {
	*delivertest.Queue
	t      *testing.T
	looker Looker
	events map[webhook.EventID]*webhook.Event
	crm    *delivertest.Receiver

	mu     sync.Mutex
	answer func(asked int) int // of a GET: a status; 0: no answer; -1: it hangs
	asked  []time.Time
	snap   webhook.Snapshot
	sights map[webhook.EntityKey]webhook.Sight
}

var seenKey = webhook.EntityKey{API: "default", Resource: "project", ID: "7"}

// see runs test in a bubble.
func see(t *testing.T, change func(*webhook.Subscription), test func(t *testing.T, s *seeing)) {
	synctest.Test(t, func(t *testing.T) {
		s := &seeing{
			Queue: delivertest.NewQueue(), t: t, events: map[webhook.EventID]*webhook.Event{}, crm: delivertest.NewReceiver(t, 200),
			sights: map[webhook.EntityKey]webhook.Sight{}, answer: func(int) int { return 200 },
		}
		s.looker.Memory = s
		program, err := rules.Compile(&rules.Config{Resources: []rules.Resource{{Name: "project", Path: "/api/projects"}}})
		if err != nil {
			t.Fatal(err)
		}
		s.looker.Items = func(ev *webhook.Event, name string) (*Item, string) {
			m, path := program.Item(ev.Key, name, nil)
			return &Item{api: "default", match: m, path: path, name: name, get: s.get}, ""
		}
		sub := &webhook.Subscription{
			ID: "crm", URL: "https://crm/", Sign: webhook.Signing{Scheme: webhook.SignNone}, AllowPrivate: true,
			ViewCheck: true, Credential: webhook.Credential{Header: "Authorization", Value: webhook.NewSecret("x")},
		}
		if change != nil {
			change(sub)
		}
		d := deliver.New(deliver.Options{Queue: s, Renderer: s, States: s, Transport: s.crm})
		if err := d.Configure([]*webhook.Subscription{sub}, nil); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- d.Run(ctx) }()
		test(t, s)
		cancel()
		<-done
	})
}

// Settle keeps what was seen, as a store does.
func (s *seeing) Settle(ctx context.Context, all ...webhook.Settlement) error {
	s.mu.Lock()
	for _, m := range all {
		for _, sight := range m.Sights {
			s.sights[sight.Key] = sight
		}
	}
	s.mu.Unlock()
	return s.Queue.Settle(ctx, all...)
}

func (s *seeing) Snapshot(context.Context, webhook.EntityKey) (webhook.Snapshot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.snap, nil
}

func (s *seeing) Sight(_ context.Context, _ webhook.SubscriptionID, k webhook.EntityKey) (webhook.Sight, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sights[k], nil
}

func (s *seeing) get(ctx context.Context, path string, c webhook.Credential, whole bool) answer {
	s.mu.Lock()
	s.asked = append(s.asked, time.Now())
	status := s.answer(len(s.asked))
	s.mu.Unlock()
	switch status {
	case 0:
		return answer{err: errReach}
	case -1:
		select {
		case <-ctx.Done():
		case <-time.After(getTimeout):
		}
		return answer{err: errTime}
	}
	return answer{status: status, header: http.Header{}, body: webhook.Body{Bytes: []byte(`{"id":7,"status":"new"}`)}}
}

// Render implements deliver.Renderer, as the engine does.
func (s *seeing) Render(ctx context.Context, d *webhook.Delivery, sub *webhook.Subscription) (webhook.Payload, error) {
	s.mu.Lock()
	ev := s.events[d.Event]
	s.mu.Unlock()
	shown, p, err := s.looker.look(ctx, ev, d, sub)
	if err != nil || p.Withheld != nil {
		return p, err
	}
	p.Body, err = json.Marshal(shown)
	p.ContentType = "application/json"
	return p, err
}

// gets returns when the API was asked.
func (s *seeing) gets() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]time.Time(nil), s.asked...)
}

// owe makes an event on the entity, now, and owes it to crm.
func (s *seeing) owe(id webhook.EventID, op webhook.Operation) webhook.DeliveryID {
	s.mu.Lock()
	s.snap.Sequence++
	s.snap.Deleted = op == webhook.Deleted
	s.events[id] = &webhook.Event{
		ID: id, Scope: "project." + string(op), Key: seenKey, Sequence: s.snap.Sequence, Time: time.Now(), Operation: op,
		After: json.RawMessage(`{"id":7,"status":"old"}`), Changes: []webhook.FieldChange{{Path: "status", New: json.RawMessage(`"old"`)}},
	}
	s.mu.Unlock()
	return s.Owe("crm", id, "7")
}

// want waits for wait and a moment, and fails unless the delivery is in a state.
func (s *seeing) want(id webhook.DeliveryID, wait time.Duration, state webhook.DeliveryState, why string) {
	s.t.Helper()
	time.Sleep(wait + 10*time.Millisecond)
	synctest.Wait()
	if d := s.Delivery(id); d.State != state || !strings.Contains(d.Reason, why) || state != webhook.Delivered && d.Attempts+d.Requests > 0 {
		s.t.Errorf("it is %s because %q after %d attempts, want %s because %q", d.State, d.Reason, d.Attempts, state, why)
	}
}

func always(status int) func(int) int { return func(int) int { return status } }

func (s *seeing) answers(f func(asked int) int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = f
}

// A 404, or a 410, counts once a minute has passed since the change, and not before.
func TestA404CountsAfterAMinute(t *testing.T) {
	for _, status := range []int{404, 410} {
		see(t, nil, func(t *testing.T, s *seeing) {
			s.answers(always(status))
			said := fmt.Sprintf("the API answered %d to the subscriber's GET /api/projects/7", status)
			id := s.owe("evt_1", webhook.Updated)
			s.want(id, 59*time.Second, webhook.Pending, said+", which may not know of the change yet")
			s.want(id, 2*time.Second, webhook.NotVisible, said)
			if n := len(s.gets()); n < 5 || n > 10 {
				t.Errorf("asked %d times in a minute", n)
			}
			if at := s.gets()[len(s.gets())-1].Sub(s.gets()[0]); at < time.Minute || at > 61*time.Second {
				t.Errorf("the last %d came %v after the change", status, at)
			}
		})
	}
	see(t, nil, func(t *testing.T, s *seeing) {
		s.answers(func(asked int) int {
			if asked < 4 {
				return 404
			}
			return 200
		})
		s.want(s.owe("evt_1", webhook.Created), 30*time.Second, webhook.Delivered, "")
		s.answers(always(403))
		s.want(s.owe("evt_2", webhook.Updated), 0, webhook.NotVisible, "the API answered 403")
	})
}

// What is older than a minute when it comes to its turn needs no minute more.
func TestA404OfAnOldChangeCountsAtOnce(t *testing.T) {
	see(t, nil, func(t *testing.T, s *seeing) {
		s.answers(always(503))
		id := s.owe("evt_1", webhook.Updated)
		s.want(id, 3*time.Hour, webhook.Pending, "answered 503")
		s.answers(always(404))
		s.want(id, 11*time.Minute, webhook.NotVisible, "answered 404")
	})
}

// A 400 says no once a day has passed since the change: until then it may be a fault
// in how the API is asked. One to the parameters of expand says nothing of the entity.
func TestA400CountsAfterADay(t *testing.T) {
	see(t, nil, func(t *testing.T, s *seeing) {
		s.answers(always(400))
		id := s.owe("evt_1", webhook.Updated)
		s.want(id, 24*time.Hour-time.Minute, webhook.Pending, "the API answered 400 to the subscriber's GET /api/projects/7")
		s.want(id, 12*time.Minute, webhook.NotVisible, "answered 400")
	})
	expand := func(s *webhook.Subscription) { s.Expand = []string{"ownr"} }
	see(t, expand, func(t *testing.T, s *seeing) {
		s.answers(always(400))
		s.want(s.owe("evt_1", webhook.Updated), 24*time.Hour+12*time.Minute, webhook.NotVisible, "answered 400")
	})
	see(t, expand, func(t *testing.T, s *seeing) {
		s.answers(func(asked int) int { // with the parameters, and without
			if asked%2 == 1 {
				return 400
			}
			return 200
		})
		id := s.owe("evt_1", webhook.Updated)
		s.want(id, 48*time.Hour, webhook.Pending, "shows the entity without them: change those")
		s.answers(always(200))
		s.want(id, 12*time.Minute, webhook.Delivered, "")
	})
}

// Of a deleted entity the last answer counts, for 30 days.
func TestTheLastAnswerCountsFor30Days(t *testing.T) {
	for name, c := range map[string]struct {
		last int
		wait time.Duration
		want webhook.DeliveryState
		why  string
	}{
		"seen":             {200, 30*24*time.Hour - time.Minute, webhook.Delivered, ""},
		"seen too long":    {200, 30*24*time.Hour + time.Minute, webhook.NotVisible, "no answer of the API within 30 days"},
		"not seen":         {403, time.Hour, webhook.NotVisible, "the API's last answer was that the subscriber cannot"},
		"nobody has asked": {0, time.Hour, webhook.NotVisible, "no answer of the API within 30 days"},
	} {
		t.Run(name, func(t *testing.T) {
			see(t, nil, func(t *testing.T, s *seeing) {
				if s.answers(always(c.last)); c.last > 0 {
					s.owe("evt_1", webhook.Created)
				}
				time.Sleep(c.wait)
				asked := len(s.gets())
				s.want(s.owe("evt_2", webhook.Deleted), 0, c.want, c.why)
				if len(s.gets()) != asked {
					t.Error("the API was asked for what is deleted")
				}
			})
		})
	}
}

// An update of what has been deleted since is nobody's to see any more, but for
// who saw it before; what was made anew is asked for.
func TestAnEntityDeletedSinceIsJudgedByTheLastAnswer(t *testing.T) {
	see(t, nil, func(t *testing.T, s *seeing) {
		s.owe("evt_1", webhook.Created)
		time.Sleep(time.Second)
		s.answers(func(int) int { s.snap.Deleted = true; return 404 }) // while it is asked for
		s.want(s.owe("evt_2", webhook.Updated), 0, webhook.Delivered, "")
	})
	see(t, nil, func(t *testing.T, s *seeing) {
		s.mu.Lock()
		s.events["evt_0"] = &webhook.Event{ID: "evt_0", Key: seenKey, Sequence: 1, Time: time.Now(), Operation: webhook.Deleted}
		s.snap.Sequence = 2 // made anew
		s.mu.Unlock()
		s.want(s.Owe("crm", "evt_0", "7"), 0, webhook.Delivered, "")
		if len(s.gets()) != 1 {
			t.Errorf("asked %d times", len(s.gets()))
		}
	})
}

// However long the API is in trouble, no attempt is spent, it is asked ever less
// often, and what waits goes out in order afterwards.
func TestTroubleOfTheAPISpendsNothing(t *testing.T) {
	for _, trouble := range []int{500, 0, -1, 429, 302, 405} {
		see(t, func(s *webhook.Subscription) { s.Retry = webhook.Schedule{} }, func(t *testing.T, s *seeing) {
			s.answers(always(trouble))
			one, two := s.owe("evt_1", webhook.Created), s.owe("evt_2", webhook.Updated)
			s.want(one, 5*24*time.Hour, webhook.Pending, "")
			if n := len(s.gets()); n > 6*24*5*2 {
				t.Errorf("%d: asked %d times in five days", trouble, n)
			}
			s.answers(always(200))
			s.want(two, 13*time.Minute, webhook.Delivered, "")
			if got := s.crm.Requests(); len(got) != 2 || !strings.Contains(got[0].Body, "evt_1") || got[0].Header.Get("Webhook-Attempt") != "1" {
				t.Errorf("%d: arrived: %v", trouble, got)
			}
		})
	}
}

// Where no GET can be made the subscriber sees nothing, and the delivery ends: no
// try would come to anything else. It is no failure of the API either.
func TestWhatNoGETCanBeMadeOfIsNotVisible(t *testing.T) {
	for _, id := range []string{"../../admin", "x/../../y", ".", ".."} {
		see(t, nil, func(t *testing.T, s *seeing) {
			for n := range 2 * breakAfter {
				s.snap.Name = id
				s.want(s.owe(webhook.EventID(rune('a'+n)), webhook.Updated), 0, webhook.NotVisible, "no GET can be made")
			}
			if n := len(s.gets()); n != 0 {
				t.Errorf("%q: asked %d times", id, n)
			}
			s.snap.Name = "x..y"
			s.want(s.owe("evt_z", webhook.Updated), 0, webhook.Delivered, "")
		})
	}
}

// A 401 pauses, and the delivery is owed as before.
func TestA401Pauses(t *testing.T) {
	see(t, nil, func(t *testing.T, s *seeing) {
		s.answers(always(401))
		s.want(s.owe("evt_1", webhook.Created), time.Hour, webhook.Pending, "its credential is not good any more")
		if st := s.State("crm"); st.Status != webhook.Paused || st.Reason != webhook.ReasonCredential || len(s.gets()) != 1 {
			t.Errorf("%s (%s) after %d GETs", st.Status, st.Reason, len(s.gets()))
		}
	})
}

// What is withheld uses up no rate.
func TestWhatIsWithheldUsesNoRate(t *testing.T) {
	see(t, func(s *webhook.Subscription) { s.Rate = webhook.Rate{Requests: 1, Per: time.Hour} }, func(t *testing.T, s *seeing) {
		s.answers(func(asked int) int {
			if asked <= 20 {
				return 403
			}
			return 200
		})
		var last webhook.DeliveryID
		for n := range 21 {
			last = s.owe(webhook.EventID(rune('a'+n)), webhook.Created)
		}
		s.want(last, time.Minute, webhook.Delivered, "")
	})
}

// What is expanded for a chunk is bounded; an answer by itself is, by max_body.
func TestWhatAChunkShowsIsBounded(t *testing.T) {
	see(t, nil, func(t *testing.T, s *seeing) {
		body := []byte(`{"id":7,"pad":"` + strings.Repeat("x", 1<<20) + `"}`)
		items := s.looker.Items
		s.looker.Items = func(ev *webhook.Event, name string) (*Item, string) {
			item, why := items(ev, name)
			item.get = func(context.Context, string, webhook.Credential, bool) answer {
				return answer{status: 200, header: http.Header{}, body: webhook.Body{Bytes: body}}
			}
			return item, why
		}
		sub := &webhook.Subscription{ID: "erp", Expand: []string{"owner"}}
		evs := make([]*webhook.Event, 12)
		for i := range evs {
			evs[i] = &webhook.Event{Scope: "project.updated", Key: seenKey, Sequence: 1, Operation: webhook.Updated}
		}
		if shown, _, err := s.looker.All(t.Context(), evs[:4], &webhook.Delivery{}, sub); err != nil || len(shown) != 4 {
			t.Errorf("of 4 events %d are shown: %v", len(shown), err)
		}
		if _, _, err := s.looker.All(t.Context(), evs, &webhook.Delivery{}, sub); err == nil || !strings.Contains(err.Error(), "12 events takes more than 8 MiB: let it expand less, or make chunk smaller") {
			t.Errorf("12 MiB are shown: %v", err)
		}
		body = []byte(`{"id":7,"pad":"` + strings.Repeat("x", 9<<20) + `"}`)
		if _, _, err := s.looker.All(t.Context(), evs[:1], &webhook.Delivery{}, sub); err != nil {
			t.Errorf("one of 9 MiB, which max_body allows: %v", err)
		}
	})
}

// What is expanded is the entity of the GET; an answer that shows another one, or
// a page, is none.
func TestExpandWantsTheEntity(t *testing.T) {
	expand := func(s *webhook.Subscription) { s.Expand = []string{"owner"} }
	see(t, expand, func(t *testing.T, s *seeing) {
		s.want(s.owe("evt_1", webhook.Updated), 0, webhook.Delivered, "")
		if got := s.crm.Requests()[0].Body; !strings.Contains(got, `"After":{"id":7,"status":"new"}`) || !strings.Contains(got, `"differs":["status"]`) {
			t.Errorf("sent %s", got)
		}
	})
	for _, body := range []string{`<html>log in</html>`, `{"id":8}`, `{"error":"no"}`, ``} {
		see(t, expand, func(t *testing.T, s *seeing) {
			items := s.looker.Items
			s.looker.Items = func(ev *webhook.Event, name string) (*Item, string) {
				item, why := items(ev, name)
				item.get = func(context.Context, string, webhook.Credential, bool) answer {
					return answer{status: 200, header: http.Header{}, body: webhook.Body{Bytes: []byte(body)}}
				}
				return item, why
			}
			s.want(s.owe("evt_1", webhook.Updated), time.Hour, webhook.Pending, "shows no entity with that id")
		})
	}
}

package replay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sidehook/sidehook/caddymodule/problem"
	"github.com/sidehook/sidehook/deliver"
	"github.com/sidehook/sidehook/deliver/delivertest"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// replayed is an engine of one subscription, crm, that replays what was exhausted, in
// a bubble of time: the twin of the tests of the built binary.
type replayed struct {
	*Replays
	*replayStore
	t         *testing.T
	deliverer *deliver.Deliverer
	crm       *delivertest.Receiver
}

// replayStore is a queue in which replays are kept, too.
type replayStore struct {
	store.Store // nothing but what is below is asked of it
	q           *delivertest.Queue
	ids         []webhook.DeliveryID // by position
	full        bool                 // nothing can be settled
	unread      bool                 // no delivery can be read
	kept        []webhook.Replay     // what a start finds
}

func (s *replayStore) AllReplays(context.Context) ([]webhook.Replay, error) { return s.kept, nil }

func (s *replayStore) PutReplay(ctx context.Context, r webhook.Replay, now time.Time, ds ...webhook.Delivery) (webhook.Replay, error) {
	for i := range ds {
		d := s.q.Delivery(ds[i].ID)
		if !r.Selects(d.State) {
			continue
		}
		if err := s.q.Settle(ctx, webhook.Settlement{Delivery: d.Replayed(now)}); err != nil {
			return r, err
		}
		r.Queued++
	}
	return r, nil
}

func (s *replayStore) Delivery(_ context.Context, id webhook.DeliveryID) (*webhook.Delivery, error) {
	if s.unread {
		return nil, errors.New("the store is not open")
	}
	d := s.q.Delivery(id)
	return &d, nil
}

func (s *replayStore) Deliveries(_ context.Context, q store.DeliveryQuery) (ds []webhook.Delivery, err error) {
	for _, id := range s.ids[q.From-1 : q.Below-1] {
		if d := s.q.Delivery(id); slices.Contains(q.States, d.State) {
			ds = append(ds, d)
		}
		if len(ds) == q.Max {
			break
		}
	}
	return ds, nil
}

func (s *replayStore) Settle(ctx context.Context, all ...webhook.Settlement) error {
	if s.full {
		return store.ErrFull
	}
	return s.q.Settle(ctx, all...)
}

// subscribed is one subscription, which is in force.
type subscribed struct {
	*deliver.Deliverer
	sub *webhook.Subscription
}

func (s subscribed) Subscription(webhook.SubscriptionID) *webhook.Subscription { return s.sub }

func (s subscribed) Missed(*webhook.Event, webhook.SubscriptionID) (w rules.Want, wanted bool, err error) {
	return w, false, nil
}

// replay runs test in a bubble, in which n deliveries are exhausted.
func replay(t *testing.T, n int, script []delivertest.Reply, test func(*replayed)) {
	synctest.Test(t, func(t *testing.T) {
		sub := &webhook.Subscription{
			ID: "crm", URL: "https://crm/", Sign: webhook.Signing{Scheme: webhook.SignNone}, AllowPrivate: true, Tenant: webhook.AnyTenant,
			Scopes: []webhook.Pattern{"**"}, Payload: "standard", Retry: webhook.DefaultSchedule, Timeout: 10 * time.Second, Concurrency: 8,
		}
		s := &replayStore{q: delivertest.NewQueue()}
		x := &replayed{replayStore: s, t: t, crm: delivertest.NewReceiver(t, script...)}
		for i := range n {
			id := s.q.Owe(sub.ID, webhook.EventID(fmt.Sprintf("evt_%05d", i)), "")
			s.ids = append(s.ids, id)
			d := s.q.Delivery(id)
			d.State = webhook.Exhausted
			if err := s.q.Settle(t.Context(), webhook.Settlement{Delivery: d}); err != nil {
				t.Fatal(err)
			}
		}
		d := deliver.New(deliver.Options{Queue: s.q, Renderer: delivertest.Renderer{}, States: s.q, Transport: x.crm})
		if err := d.Configure([]*webhook.Subscription{sub}, nil); err != nil {
			t.Fatal(err)
		}
		x.deliverer = d
		x.Replays = New(s, subscribed{d, sub}, slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 2)
		go func() { done <- d.Run(ctx) }()
		go func() { x.Run(ctx); done <- nil }()
		test(x)
		cancel()
		<-done
		<-done
	})
}

// begin begins the replay of all that is exhausted.
func (x *replayed) begin(rate float64) webhook.ReplayID {
	x.t.Helper()
	r := webhook.Replay{
		ID: webhook.NewReplayID(time.Now()), Subscription: "crm", Low: 1, Next: 1, High: uint64(len(x.ids)) + 1,
		States: []webhook.DeliveryState{webhook.Exhausted}, Rate: rate, Status: webhook.ReplayRunning, Created: time.Now(),
	}
	if err := x.Start(x.t.Context(), r); err != nil {
		x.t.Fatal(err)
	}
	return r.ID
}

// after waits, and returns the replay and how many requests came meanwhile.
func (x *replayed) after(wait time.Duration, id webhook.ReplayID) (r Replay, came int) {
	before := len(x.crm.Requests())
	time.Sleep(wait)
	synctest.Wait()
	r, _ = x.Get(id)
	return r, len(x.crm.Requests()) - before
}

// A replay keeps its rate for an hour, without bursts, also after a day in which it
// waited; what is live does not wait for it.
func TestAReplayIsPaced(t *testing.T) {
	const n, rate = 2400, 0.5
	replay(t, n, []delivertest.Reply{200}, func(x *replayed) {
		id := x.begin(rate)
		if r, came := x.after(time.Hour, id); came < 1780 || came > 1801 || r.Waits != "" {
			t.Errorf("in an hour %d came at %v/s, and it waits: %q", came, rate, r.Waits)
		}
		if _, err := x.deliverer.Pause(t.Context(), "crm", webhook.ReasonOperator); err != nil {
			t.Fatal(err)
		}
		if r, came := x.after(24*time.Hour, id); came > 1 || r.Status != webhook.ReplayRunning || r.Waits != "its subscription is paused" {
			t.Errorf("while it is paused %d came, and it waits: %q", came, r.Waits)
		}
		if _, err := x.deliverer.Resume(t.Context(), "crm", webhook.ReasonOperator); err != nil {
			t.Fatal(err)
		}
		if _, came := x.after(10*time.Second, id); came > 6 {
			t.Errorf("%d came within 10 s of the resumption", came)
		}
		x.q.Owe("crm", "evt_live", "")
		synctest.Wait()
		if got := x.crm.Requests(); got[len(got)-1].Header.Get("Webhook-Id") != "evt_live" {
			t.Error("what is live waits for a replay")
		}
		if r, _ := x.after(time.Hour, id); r.Status != webhook.ReplayDone || r.Queued != n {
			t.Errorf("it is %s after %d of %d", r.Status, r.Queued, n)
		}
		if got := len(x.crm.Requests()); got != n+1 {
			t.Errorf("%d came, want %d and a live one", got, n)
		}
	})
}

// While the circuit of its subscription is open a replay waits, and says so.
func TestAReplayWaitsForTheCircuit(t *testing.T) {
	replay(t, 100, []delivertest.Reply{500}, func(x *replayed) {
		id := x.begin(1000)
		r, came := x.after(20*time.Second, id)
		// The tenth failure opens it; half of the concurrency may be under way then.
		if !strings.HasPrefix(r.Waits, "its receiver is left alone until ") || came < 10 || came > 13 {
			t.Errorf("%d came, and it waits: %q", came, r.Waits)
		}
	})
}

// A receiver that refuses what is replayed has a hundred of it to be retried at most,
// for hours; cancelled, all of them are what they were.
func TestAReplayOwesAHundredAtMost(t *testing.T) {
	script := []delivertest.Reply{}
	for range 400 { // not so many that its circuit opens
		script = append(script, 200, 500)
	}
	replay(t, 600, append(script, 503), func(x *replayed) {
		id := x.begin(1000)
		most := 0
		for range 6 * 60 {
			r, _ := x.after(time.Minute, id)
			most = max(most, len(r.Owed))
		}
		if most > mostReplayed || most < mostReplayed/2 {
			t.Errorf("%d were owed at once, want up to %d", most, mostReplayed)
		}
		if err := x.Cancel(t.Context(), id, "by a call"); err != nil {
			t.Fatal(err)
		}
		_, came := x.after(7*24*time.Hour, id)
		counts := map[webhook.DeliveryState]int{}
		for _, id := range x.ids {
			counts[x.q.Delivery(id).State]++
		}
		if came > 0 || counts[webhook.Pending] > 0 || counts[webhook.Cancelled] > 0 || counts[webhook.Delivered]+counts[webhook.Exhausted] != 600 {
			t.Errorf("after it was cancelled %d came, and there are %v", came, counts)
		}
	})
}

// A replay is cancelled, and then the disk is full: that what it is owed may be sent
// still is said, and the next call takes it back.
func TestACancelThatTheDiskCutsShortIsMadeUpFor(t *testing.T) {
	replay(t, 20, []delivertest.Reply{500}, func(x *replayed) {
		id := x.begin(1000)
		if r, _ := x.after(time.Second, id); len(r.Owed) == 0 {
			t.Fatal("nothing is owed: there is nothing to take back")
		}
		x.replayStore.full = true
		err := x.Cancel(t.Context(), id, "by a call")
		if half, ok := errors.AsType[*problem.HalfDone](err); !ok || !strings.Contains(half.What, "cancel it again") || !errors.Is(err, store.ErrFull) {
			t.Errorf("it says %v", err)
		}
		if r, _ := x.after(0, id); r.Status != webhook.ReplayCancelled || len(r.Owed) == 0 {
			t.Errorf("it is %s, and owes %d", r.Status, len(r.Owed))
		}
		x.replayStore.full = false
		if err := x.Cancel(t.Context(), id, "by a call"); err != nil {
			t.Fatal(err)
		}
		if r, _ := x.after(0, id); len(r.Owed) > 0 {
			t.Errorf("it owes %d still", len(r.Owed))
		}
		for _, id := range x.ids {
			if state := x.q.Delivery(id).State; state != webhook.Exhausted {
				t.Errorf("%s is %s, and was exhausted", id, state)
			}
		}
	})
}

// While the store cannot be read, nothing that a replay made due is taken for settled:
// then too much would be owed, and what is cancelled would be sent all the same.
func TestWhatAReplayOwesIsKeptWhileItCannotBeRead(t *testing.T) {
	replay(t, 20, []delivertest.Reply{500}, func(x *replayed) {
		id := x.begin(1000)
		r, _ := x.after(time.Second, id)
		owed := len(r.Owed)
		if owed == 0 {
			t.Fatal("nothing is owed: there is nothing to lose")
		}
		x.unread = true
		if r, _ := x.after(3*time.Second, id); len(r.Owed) < owed {
			t.Errorf("%d were owed, and then %d", owed, len(r.Owed))
		}
		err := x.Cancel(t.Context(), id, "by a call")
		if half, ok := errors.AsType[*problem.HalfDone](err); !ok || !strings.Contains(half.What, "cancel it again") {
			t.Errorf("it says %v", err)
		}
		x.unread = false
		if err := x.Cancel(t.Context(), id, "by a call"); err != nil {
			t.Fatal(err)
		}
		for _, id := range x.ids {
			if state := x.q.Delivery(id).State; state != webhook.Exhausted {
				t.Errorf("%s is %s, and was exhausted", id, state)
			}
		}
	})
}

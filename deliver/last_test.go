package deliver_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sidehook/sidehook/deliver"
	"github.com/sidehook/sidehook/deliver/delivertest"
	"github.com/sidehook/sidehook/webhook"
)

// What is recorded together is told of each, and each goes on with its lane.
func TestWhatIsRecordedTogetherGoesOnForEach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, r := &ear{}, delivertest.NewReceiver(t, 200)
		var subs []*webhook.Subscription
		q := delivertest.NewQueue()
		for _, id := range []webhook.SubscriptionID{"a", "b", "c", "d"} {
			subs = append(subs, subscribe(id, "https://"+string(id)+"/"))
			for n := range 3 {
				q.Owe(id, event(n), "lane")
			}
		}
		b := start(t, deliver.Options{Queue: &slowly{Queue: q}, States: q, Transport: delay{r, time.Second}, Observer: e}, subs...)
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := b.q.Pending(); n != 0 || len(e.settled) != 12 {
			t.Errorf("%d of 12 are left, and of %d it was told that they are done", n, len(e.settled))
		}
	})
}

// At the end what was made is recorded, whenever the end comes: while nothing could
// be recorded, between two recordings, beside what can never be.
func TestTheEndRecordsWhatWasMade(t *testing.T) {
	full := func(b *bench) { b.q.FailSettle(errors.New("the store is full")) }
	arrive := func(*bench) { synctest.Wait() }
	for name, c := range map[string]struct {
		owed  int
		amid  func(b *bench) // before anything is owed
		until func(b *bench)
		left  int
	}{
		"while nothing could be recorded": {owed: 3, amid: full, until: func(b *bench) {
			time.Sleep(20 * time.Second)
			b.q.FailSettle(nil)
		}},
		"between two recordings": {owed: 2, until: func(b *bench) {
			time.Sleep(time.Second)
			b.q.Owe("crm", event(8), "")
			time.Sleep(2 * time.Millisecond)
			b.q.Owe("crm", event(9), "")
			synctest.Wait()
		}},
		"beside one that cannot be": {owed: 40, left: 1, amid: func(b *bench) { b.q.Poison(webhook.NewDeliveryID(event(7), "crm", 0)) }, until: arrive},
		"while nothing can be":      {owed: 40, left: 40, amid: full, until: arrive},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := start(t, deliver.Options{Transport: delivertest.NewReceiver(t, 200)}, subscribe("crm", "https://crm/"))
				synctest.Wait()
				if c.amid != nil {
					c.amid(b)
				}
				for n := range c.owed {
					b.q.Owe("crm", event(n), "")
				}
				c.until(b)
				err := b.stop()
				if b.q.Pending() != c.left || b.q.Claimed() != 0 {
					t.Errorf("%d are not recorded, want %d; %d not given back", b.q.Pending(), c.left, b.q.Claimed())
				}
				if c.left > 0 != (err != nil) || err != nil && !strings.Contains(err.Error(), "record the last attempts") {
					t.Errorf("Run says %v", err)
				}
				if load := b.Load(); load != (deliver.Load{}) {
					t.Errorf("it holds %+v", load)
				}
			})
		})
	}
}

// An attempt that ends while somebody pauses its subscription counts, and is kept.
func TestAnAttemptThatEndsAmidAPauseCounts(t *testing.T) {
	ended, e := make(chan struct{}), &ear{}
	answer := make(chan struct{})
	s := subscribe("crm", "https://crm/")
	s.Retry = webhook.Schedule{}
	b := start(t, deliver.Options{Transport: held{delivertest.NewReceiver(t, 500), answer}, Observer: tells{e, ended}}, s)
	b.q.Owe("crm", event(1), "")
	eventually(t, "the attempt is made", func() bool { return b.Load().InFlight == 1 })
	var kept atomic.Int32
	err := b.Turn(t.Context(), "crm", false, webhook.ReasonOperator, func(ctx context.Context, st webhook.SubscriptionState) (webhook.SubscriptionState, error) {
		close(answer)
		<-ended
		eventually(t, "the attempt is over", func() bool { return b.Load().InFlight == 0 })
		kept.Store(int32(st.Failures))
		return b.q.PutState(ctx, st)
	})
	if err != nil || kept.Load() != 0 {
		t.Fatal(err, kept.Load())
	}
	if got, _ := b.State("crm"); got.Status != webhook.Paused || got.Failures != 1 {
		t.Errorf("it is %+v", got)
	}
	eventually(t, "the failure is kept", func() bool {
		got := b.q.State("crm")
		return got.Status == webhook.Paused && got.Failures == 1
	})
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.statuses) != 1 || e.statuses[0] != webhook.Paused {
		t.Errorf("told of %v", e.statuses)
	}
}

// held is a receiver that answers once it may.
type held struct {
	*delivertest.Receiver
	answer <-chan struct{}
}

func (h held) RoundTrip(req *http.Request) (*http.Response, error) {
	<-h.answer
	return h.Receiver.RoundTrip(req)
}

// tells is an ear that says when an attempt has ended.
type tells struct {
	*ear
	ended chan<- struct{}
}

func (t tells) Attempted(s *webhook.Subscription, d *webhook.Delivery, a *webhook.Attempt) {
	t.ear.Attempted(s, d, a)
	close(t.ended)
}

package deliver_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sidehook/sidehook/deliver"
	"github.com/sidehook/sidehook/deliver/delivertest"
	"github.com/sidehook/sidehook/webhook"
)

const secretText = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// subscribe returns a subscription to host, as the defaults have it.
func subscribe(id webhook.SubscriptionID, url string) *webhook.Subscription {
	return &webhook.Subscription{
		ID: id, URL: url, Timeout: 10 * time.Second, Concurrency: 8, Retry: webhook.DefaultSchedule,
		Sign: webhook.Signing{Scheme: webhook.SignStandard}, Secrets: []webhook.Secret{webhook.NewSecret(secretText)},
		AllowPrivate: true, // receivers of tests are
	}
}

// bench is a deliverer at work with what is around it.
type bench struct {
	*deliver.Deliverer
	q    *delivertest.Queue
	stop func() error
}

// start runs a deliverer for subs until the test ends.
func start(t *testing.T, opts deliver.Options, subs ...*webhook.Subscription) *bench {
	t.Helper()
	b := &bench{}
	switch q := opts.Queue.(type) {
	case *delivertest.Queue:
		b.q = q
	case *meddling:
		b.q = q.Queue
	case *slowly:
		b.q = q.Queue
	default:
		b.q = delivertest.NewQueue()
		opts.Queue = b.q
	}
	if opts.States == nil {
		opts.States = b.q
	}
	if opts.Renderer == nil {
		opts.Renderer = delivertest.Renderer{}
	}
	b.Deliverer = deliver.New(opts)
	if err := b.Configure(subs, nil); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	stopped := false
	b.stop = func() error {
		stopped = true
		cancel()
		return <-done
	}
	t.Cleanup(func() {
		if !stopped {
			b.stop()
		}
	})
	return b
}

func event(n int) webhook.EventID { return webhook.EventID(fmt.Sprintf("evt_%04d", n)) }

// state fails the test unless delivery id is in a state once what has been
// attempted is recorded, which may be put off for a moment.
func (b *bench) state(t *testing.T, id webhook.DeliveryID, want webhook.DeliveryState) {
	t.Helper()
	if b.q.Delivery(id).State != want {
		time.Sleep(10 * time.Millisecond)
	}
	if got := b.q.Delivery(id); got.State != want {
		t.Errorf("delivery is %s (%s), want %s", got.State, got.Reason, want)
	}
}

// eventually waits in real time until ok.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(20 * time.Second); !ok(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("not within 20 s: %s", what)
		}
	}
}

// meddling is a queue that does something while a claim is under way.
type meddling struct {
	*delivertest.Queue
	meddle func()
}

func (m *meddling) Claim(ctx context.Context, sub webhook.SubscriptionID, through uint64, now time.Time, max int) ([]webhook.Delivery, time.Time, error) {
	ds, next, err := m.Queue.Claim(ctx, sub, through, now, max)
	m.meddle()
	return ds, next, err
}

// noStates is a store that keeps no state by itself.
type noStates struct{}

func (noStates) PutState(context.Context, webhook.SubscriptionState) (webhook.SubscriptionState, error) {
	return webhook.SubscriptionState{}, errors.New("not by itself")
}

// lateOnce fails to render the first time: with err, or as late as can be.
type lateOnce struct {
	delivertest.Renderer
	err   error
	again atomic.Bool
}

func (r *lateOnce) Render(ctx context.Context, d *webhook.Delivery, s *webhook.Subscription) (webhook.Payload, error) {
	if !r.again.Swap(true) {
		if r.err == nil {
			<-ctx.Done()
		}
		return webhook.Payload{}, cmp.Or(r.err, ctx.Err())
	}
	return r.Renderer.Render(ctx, d, s)
}

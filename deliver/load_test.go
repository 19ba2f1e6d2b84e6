package deliver_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sidehook/sidehook/deliver"
	"github.com/sidehook/sidehook/deliver/delivertest"
	"github.com/sidehook/sidehook/webhook"
)

// Where many subscriptions have their share, all together have no more than there is.
func TestAllAttemptsHoldSoMuchAtMost(t *testing.T) {
	const mib = 1 << 20
	synctest.Test(t, func(t *testing.T) {
		net, subs := delivertest.Net{}, []*webhook.Subscription(nil)
		for i := range 6 {
			name := fmt.Sprint("hangs", i)
			net[name] = delivertest.NewReceiver(t, delivertest.Silent)
			subs = append(subs, subscribe(webhook.SubscriptionID(name), "https://"+name+"/"))
		}
		b := start(t, deliver.Options{Bytes: 16 * mib, Transport: net}, subs...)
		for i := range 6 * 8 {
			b.q.OweMuch(subs[i%6].ID, event(i), mib)
		}
		synctest.Wait()
		if l := b.Load(); l.Bytes != 16*mib {
			t.Errorf("%d MiB are under way, want 16", l.Bytes/mib)
		}
	})
}

// What attempts hold at once has a bound over all subscriptions, and a part of it
// is the most that one has; what is small does not wait for what is large, and what
// is larger than all there is gets its turn.
func TestAttemptsHoldSoMuchAtMost(t *testing.T) {
	const mib = 1 << 20
	synctest.Test(t, func(t *testing.T) {
		hangs, small, big := delivertest.NewReceiver(t, delivertest.Silent), delivertest.NewReceiver(t, 200), delivertest.NewReceiver(t, 200)
		slow := delay{delivertest.NewReceiver(t, 200), 300 * time.Millisecond}
		b := start(t, deliver.Options{Bytes: 16 * mib, Transport: delivertest.Net{"hangs": hangs, "small": small, "big": big, "slow": slow}},
			subscribe("hangs", "https://hangs/"), subscribe("small", "https://small/"), subscribe("slow", "https://slow/"), subscribe("big", "https://big/"))
		for i := range 100 {
			b.q.OweMuch("hangs", event(i), mib)
		}
		synctest.Wait()
		if n := len(hangs.Requests()); n != 4 {
			t.Errorf("one subscription has %d MiB under way, want a quarter of all, 4", n)
		}
		for i := range 40 {
			b.q.OweMuch("slow", event(1000+i), 2*mib)
		}
		for i := range 3 {
			b.q.OweMuch("big", event(2000+i), 40*mib)
		}
		synctest.Wait()
		for i := range 100 {
			b.q.Owe("small", event(3000+i), "")
		}
		synctest.Wait()
		if n := len(small.Requests()); n != 100 {
			t.Errorf("%d of 100 small ones arrived beside large ones", n)
		}
		for range 10 * 60 * 10 {
			time.Sleep(100 * time.Millisecond)
			synctest.Wait()
			if l := b.Load(); l.Bytes > 16*mib && l.Bytes != 40*mib {
				t.Fatalf("%d MiB are under way", l.Bytes/mib)
			}
		}
		if n := len(big.Requests()); n != 3 {
			t.Errorf("%d of the 3 larger than all arrived", n)
		}
		if n := len(slow.Requests()); n != 40 {
			t.Errorf("%d of 40 arrived at the slow one", n)
		}
	})
}

package derive_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/sidehook/sidehook/derive"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

func TestOneEntityKeepsItsOrderWithinABatch(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.store.takes = time.Second
		want := map[string][]*webhook.Exchange{}
		for n := range 100 {
			id := fmt.Sprint(n % 3)
			want[id] = append(want[id], b.update(id, n))
		}
		time.Sleep(time.Minute)
		b.wantChains(want)
		if calls := b.calls(); len(calls) > 3 {
			b.Errorf("100 exchanges took %d batches", len(calls))
		}
		if n := b.journal.undone(); n > 0 {
			b.Errorf("%d entries are not done", n)
		}
	})
}

// Calls that come one close behind the other are recorded together, more and more
// of them; those that come now and then at once.
func TestBatchesHaveTheirDistance(t *testing.T) {
	inBubble(t, func(b *bubble) {
		for round := range 2 {
			before := len(b.calls())
			start := time.Now()
			for n := range 50 {
				b.update(fmt.Sprint(n), 50*round+n)
				time.Sleep(time.Second / 1250)
			}
			time.Sleep(time.Second)
			calls, recorded := b.calls()[before:], 0
			if calls[0].at != start {
				b.Errorf("the first exchange after a rest waited %v", calls[0].at.Sub(start))
			}
			rest := time.Millisecond
			for i, c := range calls {
				recorded += c.n
				if i == 0 || i == len(calls)-1 {
					continue
				}
				if d := c.at.Sub(calls[i-1].at); d < rest || d > rest+time.Millisecond+longestRest {
					b.Errorf("batch %d comes %v after the last, want %v and what is to be waited for", i, d, rest)
				}
				rest = min(2*rest, longestRest)
			}
			if recorded != 50 {
				b.Errorf("%d are recorded, want 50", recorded)
			}
			if len(calls) > 14 {
				b.Errorf("50 exchanges within 40 ms were recorded in %d batches", len(calls))
			}
		}
		for n := range 20 {
			now := time.Now()
			b.update(fmt.Sprint(n), 1000+n)
			time.Sleep(8 * time.Millisecond)
			if calls := b.calls(); calls[len(calls)-1].at != now {
				b.Errorf("one that came alone waited, its batch was at %v", calls[len(calls)-1].at.Sub(now))
			}
		}
	})
}

const longestRest = 5 * time.Millisecond

func TestWhoIsBehindDoesNotRest(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.update("a", 0)
		b.settled()
		for n := range 3 * 128 {
			b.update(fmt.Sprint(n), n)
		}
		time.Sleep(time.Millisecond)
		b.settled()
		calls := b.calls()
		recorded := 0
		for _, c := range calls[1:] {
			recorded += c.n
			if d := c.at.Sub(calls[0].at); d != time.Millisecond { // when the journal is read again
				b.Errorf("a batch comes %v after the first", d)
			}
		}
		if recorded < 2*128 {
			b.Errorf("%d are recorded after one rest, want all but what is less than a batch", recorded)
		}
	})
}

func TestABatchHasItsBounds(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.store.takes = time.Second
		b.update("first", 0)
		b.settled() // the rest gathers meanwhile
		for n := range 700 {
			b.update(fmt.Sprint(n), n)
		}
		for n := range 5 {
			x := update(fmt.Sprint(n), 1000+n, webhook.ConfigID{})
			x.Request.Body.Bytes = make([]byte, 3<<20)
			b.journal.add(x)
		}
		time.Sleep(time.Minute)
		var sizes []int
		for _, c := range b.calls() {
			sizes = append(sizes, c.n)
		}
		if got := fmt.Sprint(sizes); got != "[1 256 256 190 2 1]" {
			b.Errorf("batches of %s, want 256 at most, and of large ones what 8 MiB hold", got)
		}
	})
}

func TestAnErrorInTheMiddleOfABatchIsOneExchangeInQuarantine(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.store.takes = time.Second
		b.update("first", 0)
		b.settled()
		want := map[string][]*webhook.Exchange{}
		var poison []webhook.ExchangeID
		for n := range 30 {
			want["1"] = append(want["1"], b.update("1", n))
			if n%10 == 5 {
				poison = append(poison, b.update("poison", n).ID)
			}
		}
		time.Sleep(time.Minute)
		b.wantChains(want)
		if got := fmt.Sprint(b.store.poison); got != fmt.Sprint(poison) {
			b.Errorf("in quarantine: %s, want %s", got, poison)
		}
		if n := b.journal.undone(); n > 0 {
			b.Errorf("%d entries are not done", n)
		}
	})
}

func TestNothingOvertakesABatchThatTheStoreHasNoRoomFor(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.store.fail(fmt.Errorf("record: %w", store.ErrFull))
		want := map[string][]*webhook.Exchange{}
		for n := range 2000 { // more than may be outstanding
			id := fmt.Sprint(n % 7)
			want[id] = append(want[id], b.update(id, n))
			if n%100 == 0 {
				time.Sleep(time.Second)
			}
		}
		if _, why, yes := b.deriver.Stalled(); !yes || why != "record: the store is full" {
			b.Errorf("stalled: %v %s", yes, why)
		}
		for _, c := range b.calls() {
			if c.first != want["0"][0].ID {
				b.Fatal("another batch was tried before the one that failed")
			}
		}
		if n := len(b.recorded()); n > 0 || b.journal.undone() != 2000 {
			b.Errorf("%d events, %d undone while the store is full", n, b.journal.undone())
		}
		b.store.fail(nil)
		time.Sleep(time.Minute)
		b.wantChains(want)
		if _, _, yes := b.deriver.Stalled(); yes || b.journal.undone() > 0 {
			b.Errorf("stalled %v, %d undone when there is room again", yes, b.journal.undone())
		}
	})
}

func TestAStopEndsTheWaitForAFullStore(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.store.fail(store.ErrFull)
		for n := range 1500 {
			b.update("1", n)
		}
		time.Sleep(time.Minute)
		start := time.Now()
		b.stop()
		<-b.stopped
		if took := time.Since(start); took > 0 {
			b.Errorf("stopping took %v", took)
		}
	})
}

func TestTheEndOfTheJournalIsWaitedFor(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.store.takes = time.Second
		x := b.pending("1", time.Minute)
		b.update("1", 2)
		b.update("2", 3)
		b.settled()
		b.journal.Close()
		<-b.stopped
		b.wantChains(map[string][]*webhook.Exchange{"1": {x, b.journal.entries[1].End}, "2": {b.journal.entries[2].End}})
	})
}

// pending journals an update of a project whose GET takes so long.
func (b *bubble) pending(id string, takes time.Duration) *webhook.Exchange {
	x := update(id, -1, webhook.ConfigID{})
	b.fetching(x, id, takes)
	b.journal.add(x)
	return x
}

// fetching makes x the exchange of a call whose GET takes so long.
func (b *bubble) fetching(x *webhook.Exchange, id string, takes time.Duration) {
	key := webhook.EntityKey{API: "default", Resource: "project", ID: id}
	c := b.traffic.Enter(b.Context(), key, 0)
	c.Leave(x.ID, time.Now())
	c.Observe(key, func(ctx context.Context) *webhook.Observation {
		time.Sleep(takes)
		return &webhook.Observation{Error: "no answer"}
	})
}

func TestAnAfterOnItsWayHoldsUpItsEntityAndNoOther(t *testing.T) {
	inBubble(t, func(b *bubble) {
		want := map[string][]*webhook.Exchange{}
		start := time.Now()
		want["1"] = append(want["1"], b.pending("1", time.Second))
		for n := range 50 {
			want["1"] = append(want["1"], b.update("1", n))
			want["2"] = append(want["2"], b.update("2", n))
		}
		time.Sleep(100 * time.Millisecond)
		if n := len(b.recorded()); n != 50 {
			b.Errorf("%d events while the GET is on its way, want the 50 of the other project", n)
		}
		time.Sleep(2 * time.Second)
		b.wantChains(want)
		last := b.calls()[len(b.calls())-1]
		if last.at.Sub(start) != time.Second || last.n != 51 {
			b.Errorf("the last batch is of %d after %v, want all 51 once the GET is back", last.n, last.at.Sub(start))
		}
	})
}

func TestAGapStandsBehindAllThatTheJournalHolds(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.store.fail(store.ErrFull)
		for n := range 2000 { // more than is read ahead
			b.update(fmt.Sprint(n%5), n)
		}
		time.Sleep(time.Minute)
		late := b.gap(b.Context())
		b.settled()
		b.update("1", 3000)
		time.Sleep(time.Minute)
		b.store.fail(nil)
		if err := <-late; err != nil {
			b.Error(err)
		}
		time.Sleep(time.Minute)
		events := b.recorded()
		at := 0
		for at < len(events) && events[at].Gap == nil {
			at++
		}
		if len(events) != 2002 || at < 2000 {
			b.Errorf("%d events, the gap is number %d; want 2002, and the gap behind the first 2000", len(events), at+1)
		}
	})
}

// gap records a gap of the projects and sends what came of it.
func (b *bubble) gap(ctx context.Context) <-chan error {
	done := make(chan error, 1)
	key := webhook.EntityKey{API: "default", Resource: "project"}
	go func() {
		done <- b.deriver.Gap(ctx, webhook.NewExchangeID(time.Now()), key, webhook.Gap{Reason: webhook.GapJournal})
	}()
	return done
}

func TestAGapStandsBehindAnAfterOnItsWay(t *testing.T) {
	inBubble(t, func(b *bubble) {
		x := b.pending("1", time.Second)
		b.settled()
		done := b.gap(b.Context())
		b.settled()
		y := b.update("1", 2)
		z := b.update("2", 2)
		if err := <-done; err != nil {
			b.Error(err)
		}
		time.Sleep(time.Second)
		b.wantChains(map[string][]*webhook.Exchange{"1": {x, y}, "2": {z}})
		if events := b.recorded(); len(events) != 4 || events[2].Gap == nil {
			b.Errorf("%d events, want the gap third: behind the call whose after was on its way", len(events))
		}
	})
}

func TestAGapThatNobodyWaitsForIsNotRecorded(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.store.fail(store.ErrFull)
		x := b.update("1", 1)
		b.settled()
		ctx, cancel := context.WithTimeout(b.Context(), 10*time.Second)
		defer cancel()
		if err := <-b.gap(ctx); !errors.Is(err, context.DeadlineExceeded) {
			b.Error(err)
		}
		b.store.fail(nil)
		y := b.update("1", 2)
		time.Sleep(time.Minute)
		b.wantChains(map[string][]*webhook.Exchange{"1": {x, y}, "gap": nil})
		if err := <-b.gap(b.Context()); err != nil || len(b.recorded()) != 3 {
			b.Errorf("%d events, %v; want the one gap that is waited for", len(b.recorded()), err)
		}
	})
}

func TestAGapIsRecordedWhenDerivingHasEnded(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.stop()
		<-b.stopped
		if err := <-b.gap(b.Context()); err != nil || len(b.recorded()) != 1 {
			b.Errorf("%d events, %v", len(b.recorded()), err)
		}
	})
}

// Whatever is on its way, is slow, fails or is missed: each project keeps its
// order, and a gap what was journaled before it.
func TestOrderHoldsWhateverHappens(t *testing.T) {
	for seed := range uint64(8) {
		inBubble(t, func(b *bubble) {
			random := rand.New(rand.NewPCG(seed, 1))
			b.store.takes = time.Duration(random.IntN(20)) * time.Millisecond
			want := map[string][]*webhook.Exchange{}
			before := map[webhook.EventID]int{} // gaps, and how many exchanges they stand behind
			for n := range 1000 {
				id := fmt.Sprint(random.IntN(8))
				x := update(id, n, webhook.ConfigID{})
				switch random.IntN(10) {
				case 0, 1, 2:
					b.fetching(x, id, time.Duration(random.IntN(30))*time.Millisecond)
				case 3:
					b.store.fail([]error{nil, nil, store.ErrFull}[random.IntN(3)])
				case 4:
					if random.IntN(5) == 0 {
						before[b.gapBehind()] = n
					}
				}
				b.journal.add(x)
				want[id] = append(want[id], x)
				time.Sleep(time.Duration(random.IntN(2000)) * time.Microsecond)
			}
			b.store.fail(nil)
			time.Sleep(time.Minute)
			b.wantChains(want)
			seen := 0
			for _, e := range b.recorded() {
				if e.Gap != nil && seen < before[e.ID] {
					b.Errorf("seed %d: a gap stands behind %d events, want %d", seed, seen, before[e.ID])
				} else if e.Gap == nil {
					seen++
				}
			}
			if n := b.journal.undone(); n > 0 {
				b.Errorf("seed %d: %d are not done", seed, n)
			}
		})
	}
}

// gapBehind has a gap recorded, behind what is journaled now, and returns its
// event.
func (b *bubble) gapBehind() webhook.EventID {
	key := webhook.EntityKey{API: "default", Resource: "project"}
	x := webhook.NewExchangeID(time.Now())
	go b.deriver.Gap(b.Context(), x, key, webhook.Gap{Reason: webhook.GapJournal})
	b.settled()
	return webhook.NewEventID(x, key, "project.gap", "")
}

func TestWhatIsKnownOfAnAfterIsSeenAtOnce(t *testing.T) {
	traffic(t, func(t *testing.T, tr *derive.Traffic) {
		if _, _, settled := tr.Look(webhook.NewExchangeID(time.Now()), nil); !settled {
			t.Error("an exchange without a call waits for something")
		}
		c := tr.Enter(t.Context(), project5, gateTime)
		id := leave(c)
		c.Observe(project5, answering(50*time.Millisecond, "v1"))
		told := make(chan string, 2)
		then := func() {
			seen, _, settled := tr.Look(id, nil)
			told <- fmt.Sprint(string(seen.Body.Bytes), settled)
		}
		if _, _, settled := tr.Look(id, then); settled {
			t.Error("the GET is on its way")
		}
		if got := <-told; got != "v1true" {
			t.Error("told:", got)
		}
		if _, _, settled := tr.Look(id, then); !settled || len(told) > 0 {
			t.Error("what is settled is told again")
		}
	})
}

func TestAPanicIsOneExchangeInQuarantine(t *testing.T) {
	inBubble(t, func(b *bubble) {
		bug := b.update("bug", 1)
		want := map[string][]*webhook.Exchange{"1": {b.update("1", 2)}}
		time.Sleep(time.Minute)
		b.wantChains(want)
		if got := fmt.Sprint(b.store.poison); got != fmt.Sprint([]webhook.ExchangeID{bug.ID}) {
			b.Errorf("in quarantine: %s, want %s", got, bug.ID)
		}
	})
}

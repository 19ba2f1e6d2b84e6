package deliver

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// Whatever is set, set sooner and taken out: the soonest is the first, and nothing stays
// of who is gone.
func TestAlarmsRingInTheirOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	began := time.Unix(1_000_000, 0)
	var a alarms
	want := map[*subscriber]time.Time{}
	subs := make([]*subscriber, 40)
	for i := range subs {
		subs[i] = new(subscriber)
	}
	for step := range 5000 {
		s, at := subs[random.IntN(len(subs))], began.Add(time.Duration(random.IntN(1000))*time.Second)
		if random.IntN(4) == 0 {
			a.forget(s)
			delete(want, s)
		} else {
			a.wake(s, at)
			if was, ok := want[s]; !ok || at.Before(was) {
				want[s] = at
			}
		}
		var soonest time.Time
		for _, at := range want {
			if soonest.IsZero() || at.Before(soonest) {
				soonest = at
			}
		}
		if got := a.first(); got != soonest || len(a) != len(want) {
			t.Fatalf("step %d: the first of %d is at %v, want of %d at %v", step, len(a), got, len(want), soonest)
		}
	}
}

// Who is deleted while it waits leaves nothing behind.
func TestTheDeletedHaveNoAlarm(t *testing.T) {
	d := New(Options{})
	s := &webhook.Subscription{ID: "crm", URL: "https://crm/", Sign: webhook.Signing{Scheme: webhook.SignNone}}
	waits := webhook.NewState("crm", 1, time.Now())
	waits.WaitUntil = time.Now().Add(time.Hour)
	if err := d.Update(s, waits); err != nil {
		t.Fatal(err)
	}
	if len(d.roster.alarms) != 1 {
		t.Fatal("it has no alarm")
	}
	if d.Forget("crm"); len(d.roster.alarms) != 0 {
		t.Error("its alarm is there still")
	}
}

// Whoever lets one ask may have looked at the clock a moment after the dispatcher did, which
// finds it waiting still: it is not forgotten.
func TestWhoAsksAMomentTooEarlyAsksAgain(t *testing.T) {
	d := New(Options{})
	s := &webhook.Subscription{ID: "crm", URL: "https://crm/", Sign: webhook.Signing{Scheme: webhook.SignNone}}
	until := time.Now().Add(time.Hour)
	if err := d.Update(s, webhook.NewState("crm", 1, time.Now())); err != nil {
		t.Fatal(err)
	}
	r := &d.roster
	crm := r.subs["crm"]
	r.nextAsk(until) // what Update let it ask
	crm.state.WaitUntil = until
	if !r.asked(crm, until) {
		t.Fatal("it does not ask")
	}
	if got, _ := r.nextAsk(until.Add(-1)); got != nil {
		t.Fatal("it is asked for while it waits")
	}
	if got := r.alarms.first(); got != until {
		t.Errorf("it is looked at again at %v, want %v", got, until)
	}
}

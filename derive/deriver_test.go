package derive_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

func TestExchangesOfOneEntityAreRecordedInJournalOrder(t *testing.T) {
	l := openLine(t, t.TempDir()).run()
	defer l.close()
	const entities, each = 10, 40
	for n := range each {
		for id := range entities {
			l.patch(fmt.Sprint(id), n)
		}
	}
	l.seen.wait(t, "recorded", entities*each)
	next := map[string]uint64{}
	for _, e := range l.events() {
		next[e.Key.ID]++
		if e.Sequence != next[e.Key.ID] {
			t.Fatalf("entity %s: sequence %d where %d is due", e.Key.ID, e.Sequence, next[e.Key.ID])
		}
		if want := fmt.Sprintf(`{"id":%q,"n":%d,"name":"Roof","status":"open"}`, e.Key.ID, e.Sequence-1); string(e.After) != want {
			t.Fatalf("entity %s #%d is %s, want %s", e.Key.ID, e.Sequence, e.After, want)
		}
	}
}

func TestAnOpenCallHoldsNothingBack(t *testing.T) {
	l := openLine(t, t.TempDir()).run()
	defer l.close()
	hung := &webhook.Exchange{ID: webhook.NewExchangeID(time.Now()), Config: l.config}
	hung.Request.Path = "/projects/1"
	l.begin(hung)
	l.patch("1", 1)
	l.seen.wait(t, "recorded", 1)
}

func TestAFullStoreIsWaitedFor(t *testing.T) {
	l := openLine(t, t.TempDir()).run()
	l.faulty.mu.Lock()
	l.faulty.fails = 3
	l.faulty.mu.Unlock()
	l.patch("1", 1)
	l.patch("1", 2)
	l.seen.wait(t, "recorded", 2)
	if events := l.events(); len(events) != 2 || events[0].Sequence != 1 || events[1].Sequence != 2 {
		t.Errorf("got %d events, want two in order", len(events))
	}
	l.close()
	if log := l.log.String(); strings.Count(log, "deriving waits") != 3 || strings.Count(log, "deriving goes on") != 1 {
		t.Errorf("the log says %s", log)
	}
}

func TestAnExchangeIsRecordedOnceEver(t *testing.T) {
	dir := t.TempDir()
	l := openLine(t, dir).run()
	for n := range 20 {
		l.patch("1", n)
	}
	l.seen.wait(t, "recorded", 20)
	before := l.events()
	l.close()

	l = openLine(t, dir).run()
	defer l.close()
	<-l.deriver.CaughtUp()
	l.patch("1", 99)
	l.seen.wait(t, "recorded", 1)
	after := l.events()
	if len(after) != len(before)+1 {
		t.Fatalf("%d events after reading the journal again, want %d", len(after), len(before)+1)
	}
	for i := range before {
		if before[i].ID != after[i].ID {
			t.Errorf("event %d has another id: %s, was %s", i, after[i].ID, before[i].ID)
		}
	}
}

// What was journaled and not recorded when the process died is recorded by the
// next, behind it the calls that were in flight: as gaps.
func TestPromise3NoSilentLossAfterACrash(t *testing.T) {
	dir := t.TempDir()
	l := openLine(t, dir) // journals, and never derives
	inFlight := &webhook.Exchange{ID: webhook.NewExchangeID(time.Now()), API: "default", Config: l.config, Started: time.Now()}
	inFlight.Request.Method, inFlight.Request.Path = "PATCH", "/projects/7"
	l.begin(inFlight)
	l.patch("7", 1)
	l.patch("8", 1)
	l.close()

	l = openLine(t, dir).run()
	l.seen.wait(t, "recorded", 3)
	events := l.events()
	if len(events) != 3 {
		t.Fatalf("got %d events, want 3", len(events))
	}
	gap := events[2]
	if gap.Scope != "project.gap" || gap.Key.ID != "7" || gap.Sequence != 2 || gap.Gap == nil || gap.Gap.Reason != webhook.GapUnknownOutcome {
		t.Errorf("the last event is %s of %s #%d, want project.gap of 7 #2", gap.Scope, gap.Key.ID, gap.Sequence)
	}
	l.close()

	l = openLine(t, dir).run()
	defer l.close()
	<-l.deriver.CaughtUp()
	l.patch("9", 1)
	l.seen.wait(t, "recorded", 1)
	if n := len(l.events()); n != 4 {
		t.Errorf("%d events after another start, want 4: the call in flight is reconciled once", n)
	}
}

// A process died amid a call, and the next one before it derived anything: what
// the next one captured on the entity came after the call.
func TestAGapStandsBeforeWhatTheNextProcessCaptured(t *testing.T) {
	dir := t.TempDir()
	l := openLine(t, dir)
	l.patch("7", 1)
	inFlight := &webhook.Exchange{ID: webhook.NewExchangeID(time.Now()), API: "default", Config: l.config, Started: time.Now()}
	inFlight.Request.Method, inFlight.Request.Path = "PATCH", "/projects/7"
	l.begin(inFlight)
	l.close()
	l = openLine(t, dir)
	l.patch("7", 2)
	l.close()

	l = openLine(t, dir).run()
	defer l.close()
	l.seen.wait(t, "recorded", 3)
	var got []string
	for _, e := range l.events() {
		got = append(got, fmt.Sprint(e.Scope, " ", e.Sequence, " from ", e.Provenance.Before))
	}
	want := []string{"project.updated 1 from none", "project.gap 2 from snapshot", "project.updated 3 from none"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAnExchangeWhoseRulesAreGoneIsQuarantined(t *testing.T) {
	l := openLine(t, t.TempDir()).run()
	defer l.close()
	known := l.config
	l.config = webhook.NewConfigID([]byte("nobody stored this"))
	poison := l.patch("1", 1)
	l.config = known
	l.patch("1", 2)
	l.seen.wait(t, "quarantined", 1)
	l.seen.wait(t, "recorded", 1)
	q, err := l.store.Quarantined(t.Context(), 10)
	if err != nil || len(q) != 1 || q[0].Exchange.ID != poison.ID {
		t.Fatalf("quarantined: %v, %v; want the one exchange", q, err)
	}
	if string(q[0].Exchange.Response.Body.Bytes) != string(poison.Response.Body.Bytes) {
		t.Error("the quarantined exchange is not whole")
	}
}

// What was set aside is derived again by the rules as they are: as an event if
// its entity has not changed since, else as a gap; and once only.
func TestAnExchangeInQuarantineIsDerivedAgain(t *testing.T) {
	dir := t.TempDir()
	l := openLine(t, dir).run()
	known := l.config
	l.config = webhook.NewConfigID([]byte("nobody stored this"))
	l.patch("1", 1)
	l.patch("2", 1)
	l.config = known
	l.patch("1", 2)
	l.seen.wait(t, "quarantined", 2)
	l.seen.wait(t, "recorded", 1)
	q, err := l.store.Quarantined(t.Context(), 10)
	if err != nil || len(q) != 2 {
		t.Fatalf("quarantined: %v, %v", q, err)
	}
	program, err := rules.Compile(projects)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		for i := range q {
			if err := l.deriver.Again(t.Context(), &q[i].Exchange, program); err != nil {
				t.Fatal(err)
			}
		}
	}
	left, err := l.store.Quarantined(t.Context(), 10)
	if err != nil || len(left) > 0 {
		t.Errorf("still in quarantine: %v, %v", left, err)
	}
	l.close()
	l = openLine(t, dir).run()
	defer l.close()
	<-l.deriver.CaughtUp()
	l.patch("3", 1)
	l.seen.wait(t, "recorded", 1)
	got := map[string][]string{}
	for _, e := range l.events() {
		got[e.Key.ID] = append(got[e.Key.ID], fmt.Sprint(e.Scope, " ", e.Sequence))
	}
	want := map[string][]string{"1": {"project.updated 1", "project.gap 2"}, "2": {"project.updated 1"}, "3": {"project.updated 1"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// What is dropped leaves a gap on the lane of each entity that it was about; what
// was learned of it since is left alone.
func TestAnExchangeInQuarantineIsDropped(t *testing.T) {
	l := openLine(t, t.TempDir()).run()
	defer l.close()
	l.patch("3", 0)
	l.seen.wait(t, "recorded", 1)
	known := l.config
	l.config = webhook.NewConfigID([]byte("nobody stored this"))
	l.patch("1", 1)
	l.patch("2", 1)
	l.patch("3", 1)
	l.config = known
	l.seen.wait(t, "quarantined", 3)
	l.patch("1", 2)
	l.seen.wait(t, "recorded", 2)
	q, err := l.store.Quarantined(t.Context(), 10)
	if err != nil || len(q) != 3 {
		t.Fatalf("quarantined: %v, %v", q, err)
	}
	program, err := rules.Compile(projects)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		for i := range q {
			if err := l.deriver.Drop(t.Context(), &q[i].Exchange, program, "it is poison"); err != nil {
				t.Fatal(err)
			}
		}
	}
	l.patch("1", 3)
	l.patch("2", 3)
	l.patch("3", 3)
	l.seen.wait(t, "recorded", 8)
	got := map[string][]string{}
	for _, e := range l.events() {
		got[e.Key.ID] = append(got[e.Key.ID], fmt.Sprint(e.Scope, " ", e.Sequence, " from ", e.Provenance.Before))
		if e.Gap != nil && (e.Gap.Reason != webhook.GapRuleError || !strings.HasSuffix(e.Gap.Detail, "was given up: a rule failed (it is poison)")) {
			t.Errorf("the gap says %+v", e.Gap)
		}
	}
	want := map[string][]string{
		"1": {"project.updated 1 from none", "project.gap 2 from none", "project.updated 3 from snapshot"},
		"2": {"project.gap 1 from none", "project.updated 2 from none"},
		"3": {"project.updated 1 from none", "project.gap 2 from none", "project.updated 3 from none"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if left, err := l.store.Quarantined(t.Context(), 10); err != nil || len(left) > 0 {
		t.Errorf("still in quarantine: %v, %v", left, err)
	}
}

func TestAConfigurationThatCannotBeReadNowIsWaitedFor(t *testing.T) {
	l := openLine(t, t.TempDir())
	l.faulty.unread = 2
	l.run()
	defer l.close()
	l.patch("1", 1)
	l.seen.wait(t, "recorded", 1)
	if q, err := l.store.Quarantined(t.Context(), 1); err != nil || len(q) > 0 {
		t.Errorf("a good exchange is in quarantine: %v, %v", q, err)
	}
}

func TestAJournalThatCannotBeReadNowIsWaitedFor(t *testing.T) {
	l := openLine(t, t.TempDir())
	l.damaged = &damaged{fails: 2}
	l.run()
	defer l.close()
	l.patch("1", 1)
	l.seen.wait(t, "recorded", 1)
}

// Damage is met again at every start until its segment goes; its gap is one.
func TestADamagedJournalIsOneGapOfEachResource(t *testing.T) {
	dir := t.TempDir()
	for start := range 3 {
		l := openLine(t, dir)
		l.damaged = &damaged{lost: true}
		l.run()
		l.patch("1", start)
		l.seen.wait(t, "recorded", 1)
		var gaps []webhook.Event
		for _, e := range l.events() {
			if e.Gap != nil {
				gaps = append(gaps, e)
			}
		}
		if len(gaps) != 1 || gaps[0].Scope != "project.gap" || gaps[0].Gap.Reason != webhook.GapJournal {
			t.Errorf("start %d: %d gaps, want one project.gap", start, len(gaps))
		}
		l.close()
	}
}

package derive_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sidehook/sidehook/derive"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// showsBut shows a project to every GET but those of one: these end with the process.
func showsBut(id string, asked chan<- struct{}) derive.Get {
	return func(ctx context.Context, path string) *webhook.Observation {
		if strings.HasSuffix(path, "/"+id) {
			select {
			case asked <- struct{}{}:
			default:
			}
			<-ctx.Done()
			return &webhook.Observation{Error: "cut"}
		}
		return shows(`{"id":%[1]q,"n":7,"name":"Roof","status":"open"}`, func(int) {})(ctx, path)
	}
}

// What one exchange refreshes is owed until the last of it is told: a death amid
// that, in the process that captured it or in the one that makes up for it, loses
// none.
func TestEachRefreshOfAnExchangeIsOwedUntilItIsMade(t *testing.T) {
	dir := t.TempDir()
	for start := range 3 {
		l, asked := openLine(t, dir), make(chan struct{}, 1)
		l.service = showsBut("9", asked)
		l.run()
		if start == 0 {
			l.patch("8", 0)
			l.patch("9", 0)
			l.child("1", `["8","9"]`)
		}
		<-asked
		l.seen.wait(t, "refreshed", 1)
		if notes := l.notes(); len(notes) != 1 {
			t.Errorf("start %d: %d notes of refreshes while one is under way, want 1", start, len(notes))
		}
		l.close()
	}
	l := openLine(t, dir)
	defer func() { l.close() }()
	l.service = showsBut("none", nil)
	l.run().seen.wait(t, "refreshed", 2)
	l.until("both are told", func() bool {
		got := told(l.events())
		return slices.Contains(got, `project.updated 8 #2 fetch {"id":"8","n":7,"name":"Roof","status":"open"}`) &&
			slices.Contains(got, `project.updated 9 #2 fetch {"id":"9","n":7,"name":"Roof","status":"open"}`)
	})
	l.until("the note is forgotten", func() bool { return len(l.notes()) == 0 })
}

// Each entity that nobody may ask about any more is a gap of its own.
func TestEachRefreshThatNobodyMayMakeIsAGap(t *testing.T) {
	dir := t.TempDir()
	l := owesTwo(t, dir)
	defer func() { l.close() }()
	l.run().until("the note is forgotten", func() bool { return len(l.notes()) == 0 })
	var gaps []string
	for _, e := range l.events() {
		if e.Gap != nil {
			gaps = append(gaps, e.Gap.Detail[:len("project/8")])
		}
	}
	if slices.Sort(gaps); !slices.Equal(gaps, []string{"project/8", "project/9"}) {
		t.Errorf("gaps of %v, want one of each", gaps)
	}
}

// owesTwo opens a line whose earlier process died amid two refreshes.
func owesTwo(t *testing.T, dir string) *line {
	t.Helper()
	l, asked := openLine(t, dir), make(chan struct{}, 1)
	l.service = func(ctx context.Context, _ string) *webhook.Observation {
		select {
		case asked <- struct{}{}:
		default:
		}
		<-ctx.Done()
		return &webhook.Observation{Error: "cut"}
	}
	l.run()
	l.child("1", `["8","9"]`)
	<-asked
	l.close()
	return openLine(t, dir)
}

// A gap that could not be recorded is owed, too.
func TestARefreshWhoseGapCouldNotBeRecordedIsOwed(t *testing.T) {
	dir := t.TempDir()
	l := owesTwo(t, dir)
	l.faulty.fails = 1 << 30
	l.run()
	<-l.deriver.CaughtUp()
	l.until("the gap is tried", func() bool {
		l.faulty.mu.Lock()
		defer l.faulty.mu.Unlock()
		return l.faulty.fails < 1<<30
	})
	l.stop()
	<-l.stopped
	l.traffic.Drain(20 * time.Second)
	if notes := l.notes(); len(notes) != 1 {
		t.Errorf("%d notes, want the one of what is owed", len(notes))
	}
	l.close()
	l = openLine(t, dir)
	defer func() { l.close() }()
	l.run().until("the gaps are told", func() bool { return len(told(l.events())) == 3 })
}

// notes returns what is noted of refreshes.
func (l *line) notes() []store.Note {
	l.t.Helper()
	notes, err := l.store.Notes(l.t.Context(), "refresh/", 10)
	if err != nil {
		l.t.Fatal(err)
	}
	return notes
}

package engine

import (
	"testing"
	"time"
)

// The clock by which what is due goes is kept with what it dated: a process that opens the
// directory with the machine's set back goes on where it was.
func TestTheClockGoesOnAfterAStart(t *testing.T) {
	dir, years := t.TempDir(), 3*365*24*time.Hour
	for _, least := range []time.Duration{0, years - time.Minute} {
		e, err := Open(dir, discard())
		if err != nil {
			t.Fatal(err)
		}
		if ahead := e.ahead(); ahead < least || ahead > least+time.Minute {
			t.Errorf("after a start it is %v ahead, want %v", ahead, least)
		}
		err = e.keepClock(t.Context(), time.Now().Add(years))
		e.close()
		if err != nil {
			t.Fatal(err)
		}
	}
}

// What is put off while retention's clock catches up is put off by its pace.
func TestRetentionSaysItsPace(t *testing.T) {
	c := patient{at: time.Now().Round(0).Add(-time.Hour), read: time.Now()}
	if at, pace := c.now(); pace != believed || time.Since(at) < 50*time.Minute {
		t.Errorf("an hour behind: %v, at a pace of %d", at, pace)
	}
	c.at = time.Now().Round(0).Add(time.Hour)
	if at, pace := c.now(); pace != 1 || time.Until(at) > 0 {
		t.Errorf("an hour ahead: %v, at a pace of %d", at, pace)
	}
}

// A note of it that says no time, as a clock beyond the year 9999 writes, keeps no directory
// from being opened.
func TestANoteThatIsNoTimeHoldsUpNoStart(t *testing.T) {
	dir := t.TempDir()
	e, err := Open(dir, discard())
	if err == nil {
		err = e.keepClock(t.Context(), time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC))
		e.close()
	}
	if err != nil {
		t.Fatal(err)
	}
	if e, err = Open(dir, discard()); err != nil {
		t.Fatal(err)
	}
	defer e.close()
	if ahead := e.ahead(); ahead > time.Minute {
		t.Errorf("it is %v ahead", ahead)
	}
}

// A clock that jumps ahead for a moment brings no retention to its end; what passes is
// believed, and a sleep within a third of it.
func TestRetentionBelievesAJumpSlowly(t *testing.T) {
	begin := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	c, wall := patient{at: begin}, begin
	for _, step := range []struct {
		what         string
		wall, passed time.Duration
		want         time.Duration // behind the machine's
	}{
		{"a minute passes", time.Minute, time.Minute, 0},
		{"it jumps ahead", 3 * 365 * 24 * time.Hour, time.Minute, 3*365*24*time.Hour - 4*time.Minute},
		{"it is set back", time.Minute - 3*365*24*time.Hour, time.Minute, 0},
		{"it is set back further", -time.Hour, time.Minute, 0},
		{"the machine sleeps for an hour", time.Hour + time.Minute, time.Minute, 57 * time.Minute},
		{"it is awake for twenty minutes", 20 * time.Minute, 20 * time.Minute, 0},
	} {
		wall = wall.Add(step.wall)
		if got := wall.Sub(c.on(wall, step.passed)); got != step.want {
			t.Errorf("when %s, retention is %v behind, want %v", step.what, got, step.want)
		}
	}
}

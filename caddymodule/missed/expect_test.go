package missed_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// A call in flight that is not journaled is in the file before it is forwarded, and until
// it is over: if the process dies meanwhile, the next one tells of it.
func TestACallInFlightIsKnownToTheNextProcess(t *testing.T) {
	dir := t.TempDir()
	l := listAt(t, dir)
	keepsUp(t, l)
	over := l.Expect(resource("x"), time.Now(), errDisk)
	another := l.Expect(resource("x"), time.Now(), errDisk)
	if got := owed(t, dir).resources(); !slices.Equal(got, []string{"x"}) {
		t.Fatalf("the next process would tell of %v, want of x", got)
	}
	if !l.Since().IsZero() || l.Count() > 0 {
		t.Error("what is in flight is taken for missed")
	}
	over()
	l.Expect(resource("y"), time.Now(), errDisk)
	if got := owed(t, dir).resources(); !slices.Equal(got, []string{"x", "y"}) {
		t.Fatalf("while one of two is in flight, the next process would tell of %v", got)
	}
	another()
	soon(t, "what is over is forgotten", func() bool { return slices.Equal(owed(t, dir).resources(), []string{"y"}) })
}

// One gap covers what is missed and what is in flight; once that is being recorded, what
// is in flight wants one of its own.
func TestACallInFlightIsOwedAGapBesideTheOneThatIsRecorded(t *testing.T) {
	dir := t.TempDir()
	l, g := listAt(t, dir), new(gaps)
	keepsUp(t, l)
	l.Add(resource("x"), time.Now(), errDisk)
	soon(t, "it is noted", func() bool { return len(owed(t, dir).ids) == 1 })
	over := l.Expect(resource("x"), time.Now(), errDisk)
	if n := len(owed(t, dir).ids); n != 1 {
		t.Errorf("%d gaps are owed, want one for both", n)
	}
	var left *gaps
	g.trouble = func() error { // as it dies right behind the commit
		left = owed(t, dir)
		return nil
	}
	l.Record(t.Context(), g)
	if len(left.ids) != 2 || left.ids[0] == left.ids[1] {
		t.Errorf("while the gap is recorded, %v are owed", left.resources())
	}
	if after := owed(t, dir); len(after.ids) != 1 || after.ids[0] == g.ids[0] {
		t.Errorf("behind it, %v are owed, want one that is not recorded yet", after.resources())
	}
	over()
	soon(t, "nothing is owed any more", func() bool { return len(owed(t, dir).ids) == 0 })
}

// A disk that hangs holds up the first call, and no longer than a moment.
func TestADiskThatHangsHoldsUpOneCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := listAt(t, t.TempDir()) // nobody keeps it up, as if the disk hung
		start := time.Now()
		for range 3 {
			defer l.Expect(resource("x"), time.Now(), errDisk)()
			l.Expect(resource("y"), time.Now(), errDisk)()
		}
		if took := time.Since(start); took != 100*time.Millisecond {
			t.Errorf("six calls were held up for %v", took)
		}
	})
}

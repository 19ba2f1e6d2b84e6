package journal_test

import (
	"slices"
	"testing"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/journal"
	"github.com/sidehook/sidehook/webhook"
)

func TestAReaderThatKeepsUpReadsNoFile(t *testing.T) {
	d := newDisk()
	j, dropped := drops(t, journal.Options{FS: d})
	read := 0
	after := store.Position{}
	for n := 1; n <= 300; n++ {
		x := exchange(n, 500)
		if err := j.Begin(&webhook.Begin{ID: x.ID}); err != nil {
			t.Fatal(err)
		}
		if x.Ending = webhook.Completed; n%5 == 0 {
			x.Ending = webhook.Rejected
		}
		if err := j.End(t.Context(), x, false); err != nil {
			t.Fatal(err)
		}
		if n%7 != 1 {
			continue
		}
		entries, err := j.Next(t.Context(), after, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if after = e.At; e.End.Request.Path == "" || e.End.Ending == webhook.Rejected {
				t.Fatalf("got %+v", e.End)
			}
			read++
			j.Done(after)
		}
	}
	if read < 230 {
		t.Errorf("read %d", read)
	}
	eventually(t, "drops", func() bool { return len(dropped()) > 5 })
	d.set(func() {
		if d.reads > 0 {
			t.Errorf("%d reads of files", d.reads)
		}
	})
}

// Whoever reads late gets from the file what memory had no room for.
func TestWhatIsKeptInMemoryIsBounded(t *testing.T) {
	j := open(t, journal.Options{Dir: t.TempDir()})
	written := 0
	end := func(size int) {
		written++
		if err := j.End(t.Context(), exchange(written, size), false); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 * journal.MaxRecent {
		end(10)
	}
	if n, _ := j.Recent(); n != journal.MaxRecent {
		t.Errorf("%d ends are kept", n)
	}
	for range 20 {
		end(1 << 20)
	}
	if n, memory := j.Recent(); n != 15 || memory > journal.MaxRecentBytes {
		t.Errorf("%d ends are kept, with %d bytes", n, memory)
	}
	for range 5 { // most of it room that a body does not use
		written++
		x := exchange(written, 10)
		x.Response.Body.Bytes = append(make([]byte, 0, 5<<20), x.Response.Body.Bytes...)
		if err := j.End(t.Context(), x, false); err != nil {
			t.Fatal(err)
		}
	}
	if n, memory := j.Recent(); n != 3 || memory > journal.MaxRecentBytes {
		t.Errorf("%d ends are kept, with %d bytes", n, memory)
	}
	unread := j.Stats().Unread
	var got []string
	for after := (store.Position{}); len(got) < written; {
		entries, err := j.Next(t.Context(), after, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			after = e.At
			got = append(got, e.End.Request.Path)
		}
	}
	if !slices.Equal(got, want(written)) {
		t.Errorf("got %v", got)
	}
	if n, memory := j.Recent(); n > 0 || memory != 0 {
		t.Errorf("%d ends are kept, with %d bytes", n, memory)
	}
	if s := j.Stats(); unread < 20<<20 || s.Unread != 0 {
		t.Errorf("%d bytes were unread, %d are", unread, s.Unread)
	}
}

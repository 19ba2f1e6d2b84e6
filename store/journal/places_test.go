package journal_test

import (
	"slices"
	"syscall"
	"testing"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/journal"
)

// unreadable is a disk with a file of which a part cannot be read.
type unreadable struct {
	*disk
	name     string
	from, to int64
}

func (u unreadable) Open(name string) (journal.File, error) {
	f, err := u.disk.Open(name)
	if err != nil || name != u.name {
		return f, err
	}
	return badFile{f, u.from, u.to}, nil
}

type badFile struct {
	journal.File
	from, to int64
}

func (f badFile) ReadAt(p []byte, off int64) (int, error) {
	if off >= f.to || off+int64(len(p)) <= f.from {
		return f.File.ReadAt(p, off)
	}
	n, err := f.File.ReadAt(p[:max(0, f.from-off)], off)
	if err == nil {
		err = syscall.EIO
	}
	return n, err
}

// A page that cannot be read costs the entries that are on it, and no others, however
// large the pieces are in which the file is read.
func TestABadPageLosesWhatIsOnIt(t *testing.T) {
	const n, frame = 30, 584
	for page := range int64(4) {
		d := newDisk()
		j := open(t, journal.Options{FS: d, SegmentSize: 64 << 10})
		for i := range n {
			if err := j.End(t.Context(), exchange(i+1, 500), true); err != nil {
				t.Fatal(err)
			}
		}
		j.Close()
		from := dataStart + page*4096
		var without []int
		for i := range n {
			if at := int64(dataStart + i*frame); at < from+4096 && at+frame > from {
				without = append(without, i+1)
			}
		}
		got, lost := readAll(t, open(t, journal.Options{FS: unreadable{d, "0000000000000001.segment", from, from + 4096}, SegmentSize: 64 << 10}))
		if !slices.Equal(got, want(n, without...)) || len(lost) != 1 {
			t.Errorf("page %d: got %v\nwant all but %v; lost %+v", page, got, without, lost)
		}
	}
}

// A frame larger than what is read at once may be torn too: it ends the journal, as
// any torn tail does.
func TestALargeFrameThatIsCutEndsTheJournal(t *testing.T) {
	large := func(i int) int {
		if i == 2 {
			return 1 << 20
		}
		return 500
	}
	dir, segments := filled(t, 3, large, abandon)
	dir = copyDir(t, dir)
	segments = segmentFiles(t, dir)
	last := segments[len(segments)-1]
	for _, less := range []int{100, 700_000, 1<<20 - smallSegment} {
		data := used(read(t, last))
		write(t, last, data[:min(len(data), dataStart+1<<20-less)])
		got, lost := readAll(t, open(t, journal.Options{Dir: copyDir(t, dir), SegmentSize: smallSegment}))
		if !slices.Equal(got, want(2)) || lost != nil {
			t.Errorf("%d bytes less: got %v, lost %+v", less, got, lost)
		}
	}
}

// Who starts again behind any entry, or behind what was lost, gets the one that
// follows, and none twice.
func TestReadingGoesOnBehindAnyEntry(t *testing.T) {
	dir, segments := filled(t, 60, small, closeIt)
	hole, headless := read(t, segments[0]), read(t, segments[1])
	clear(hole[dataStart+2*584+10 : dataStart+2*584+20])
	clear(headless[:dataStart])
	write(t, segments[0], hole)
	write(t, segments[1], headless)
	j := open(t, journal.Options{Dir: dir, SegmentSize: smallSegment})
	var places []store.Position
	lost := 0
	for after := (store.Position{}); after != j.RecoveredEnd(); after = places[len(places)-1] {
		entries, err := j.Next(t.Context(), after, 7)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			places = append(places, e.At)
			if e.Lost != nil {
				lost++
			}
		}
	}
	if lost != 2 || len(places) != 60-1-13+2 {
		t.Fatalf("%d places, %d of them lost", len(places), lost)
	}
	for i := len(places) - 2; i >= 0; i-- {
		entries, err := j.Next(t.Context(), places[i], 1)
		if err != nil || entries[0].At != places[i+1] {
			t.Fatalf("behind %v: %+v, %v; want %v", places[i], entries[0].At, err, places[i+1])
		}
	}
}

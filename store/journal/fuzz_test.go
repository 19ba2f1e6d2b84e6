package journal_test

import (
	"bytes"
	"context"
	"slices"
	"testing"

	"github.com/sidehook/sidehook/store/journal"
	"github.com/sidehook/sidehook/webhook"
)

// hostile is what FuzzOpenSegment starts from: a segment with every kind of
// frame but a copy.
func hostile(t testing.TB) []byte {
	dir := t.TempDir()
	j := open(t, journal.Options{Dir: dir, SegmentSize: smallSegment})
	for i := range 3 {
		x := exchange(i+1, 50)
		x.Ending = webhook.Ending(i + 1)
		if err := j.Begin(&webhook.Begin{ID: x.ID}); err != nil {
			t.Fatal(err)
		}
		if err := j.End(context.Background(), x, true); err != nil {
			t.Fatal(err)
		}
	}
	j.Close()
	return used(read(t, segmentFiles(t, dir)[0]))
}

func FuzzOpenSegment(f *testing.F) {
	good := hostile(f)
	f.Add(good)
	f.Add(good[:dataStart+60])
	f.Add(append(slices.Clone(good), good[dataStart:]...))
	f.Add(append(slices.Clone(good[:dataStart]), bytes.Repeat(good[20:36], 50)...))
	for at := dataStart; at < len(good); at += 37 {
		data := slices.Clone(good)
		data[at] ^= 0x10
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d := newDisk()
		c := &content{data: data, durable: data, dirty: map[int64]bool{}}
		d.files["0000000000000001.segment"] = c
		d.files["0000000000000003.segment"] = c
		j, err := journal.Open(journal.Options{FS: d, SegmentSize: smallSegment})
		if err != nil {
			return
		}
		defer j.Close()
		readAll(t, j)
		x := exchange(9, 10)
		if err := j.End(t.Context(), x, true); err != nil {
			t.Fatal(err)
		}
		entries, err := j.Next(t.Context(), j.RecoveredEnd(), 1)
		if err != nil || entries[0].End == nil || entries[0].End.ID != x.ID {
			t.Fatalf("behind RecoveredEnd: %+v, %v", entries, err)
		}
	})
}

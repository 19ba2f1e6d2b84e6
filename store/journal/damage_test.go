package journal_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/journal"
)

const smallSegment = 16 << 10

// filled returns the directory of a journal with ends numbered from 1 to n in
// several segments, and the names of those, in order.
func filled(t testing.TB, n int, size func(i int) int, stop func(*journal.Journal)) (dir string, segments []string) {
	t.Helper()
	dir = t.TempDir()
	j := open(t, journal.Options{Dir: dir, SegmentSize: smallSegment})
	for i := range n {
		if err := j.End(t.Context(), exchange(i+1, size(i)), true); err != nil {
			t.Fatal(err)
		}
	}
	stop(j)
	return dir, segmentFiles(t, dir)
}

func small(int) int { return 500 }

func closeIt(j *journal.Journal) { j.Close() }
func abandon(*journal.Journal)   {}

// segmentFiles returns the paths of the segments with entries, in order.
func segmentFiles(t testing.TB, dir string) (paths []string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.segment"))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(paths)
	return slices.DeleteFunc(paths, func(p string) bool { return len(used(read(t, p))) <= dataStart })
}

const dataStart = 8192

func read(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func write(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// used returns data without trailing zeros.
func used(data []byte) []byte { return bytes.TrimRight(data, "\x00") }

// readAll returns the numbers of the ends and the lost entries that were there
// at Open.
func readAll(t testing.TB, j *journal.Journal) (numbers []string, lost []store.Lost) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for after := (store.Position{}); after != j.RecoveredEnd(); {
		entries, err := j.Next(ctx, after, 5)
		if err != nil {
			t.Fatalf("after %v: %v", after, err)
		}
		for _, e := range entries {
			after = e.At
			switch {
			case e.End != nil:
				n := numeric(t, []string{e.End.Request.Path})[0]
				if body := e.End.Response.Body.Bytes; !bytes.Equal(body, bytes.Repeat([]byte{byte(n)}, len(body))) {
					t.Fatalf("the body of %d is not what was appended", n)
				}
				numbers = append(numbers, e.End.Request.Path)
			case e.Lost != nil:
				lost = append(lost, *e.Lost)
			}
		}
	}
	return numbers, lost
}

// want returns the numbers from 1 to n without those left out.
func want(n int, without ...int) (numbers []string) {
	for i := 1; i <= n; i++ {
		if !slices.Contains(without, i) {
			numbers = append(numbers, fmt.Sprint(i))
		}
	}
	return numbers
}

func TestDamage(t *testing.T) {
	const n = 100
	for _, c := range []struct {
		name    string
		stop    func(*journal.Journal)
		damage  func(t *testing.T, segments []string)
		without []int
		lost    int
	}{
		{"nothing happened", closeIt, func(*testing.T, []string) {}, nil, 0},
		{"a torn tail ends the newest segment", abandon, func(t *testing.T, s []string) {
			data := read(t, s[len(s)-1])
			clear(data[len(used(data))-100:])
			write(t, s[len(s)-1], data)
		}, []int{n}, 0},
		{"the newest segment is lost from where its file is cut", abandon, func(t *testing.T, s []string) {
			data := used(read(t, s[len(s)-1]))
			write(t, s[len(s)-1], data[:len(data)-100])
		}, []int{n}, 1},
		{"a newest segment that is cut to its headers is not taken for an empty one", abandon, func(t *testing.T, s []string) {
			write(t, s[len(s)-1], read(t, s[len(s)-1])[:dataStart])
		}, lastSegment(n), 1},
		{"garbage behind the end is none of ours", abandon, func(t *testing.T, s []string) {
			data := read(t, s[len(s)-1])
			copy(data[len(used(data)):], bytes.Repeat([]byte("garbage "), 60))
			write(t, s[len(s)-1], data)
		}, nil, 0},
		{"zeros behind the file's end are none of ours", abandon, func(t *testing.T, s []string) {
			write(t, s[len(s)-1], append(read(t, s[len(s)-1]), make([]byte, 70_000)...))
		}, nil, 0},
		{"the last frame of a closed journal is told from a torn tail", closeIt, func(t *testing.T, s []string) {
			data := read(t, s[len(s)-1])
			data[len(used(data))-200] ^= 8
			write(t, s[len(s)-1], data)
		}, []int{n}, 1},
		{"one header of a segment is enough", closeIt, func(t *testing.T, s []string) {
			first, second := read(t, s[0]), read(t, s[1])
			clear(first[:4096])
			clear(second[4096:8192])
			write(t, s[0], first)
			write(t, s[1], second)
		}, nil, 0},
		{"a segment without headers is lost", closeIt, func(t *testing.T, s []string) {
			data := read(t, s[0])
			clear(data[:8192])
			write(t, s[0], data)
		}, firstSegment(), 1},
		{"a missing segment is lost", closeIt, func(t *testing.T, s []string) {
			if err := os.Remove(s[1]); err != nil {
				t.Fatal(err)
			}
		}, secondSegment(), 1},
		{"an older segment that is cut short is lost from there", closeIt, func(t *testing.T, s []string) {
			data := read(t, s[0])
			write(t, s[0], data[:8192])
		}, firstSegment(), 1},
		{"a hole is lost, and nothing behind it", closeIt, func(t *testing.T, s []string) {
			data := read(t, s[0])
			clear(data[dataStart+2*584+10 : dataStart+2*584+20])
			write(t, s[0], data)
		}, []int{3}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, _ := filled(t, n, small, c.stop)
			dir = copyDir(t, dir)
			c.damage(t, segmentFiles(t, dir))
			// What recovery writes must not change what recovery finds.
			for range 2 {
				open(t, journal.Options{Dir: dir, SegmentSize: smallSegment}).Close()
			}
			got, lost := readAll(t, open(t, journal.Options{Dir: dir, SegmentSize: smallSegment}))
			if !slices.Equal(got, want(n, c.without...)) {
				t.Errorf("got %v\nwant all but %v", got, c.without)
			}
			if len(lost) != c.lost {
				t.Errorf("lost %+v, want %d", lost, c.lost)
			}
		})
	}
}

// A consumer that dies before it has dealt with a loss must hear of it again.
func TestALossIsKeptUntilTheConsumerComesBack(t *testing.T) {
	dir, segments := filled(t, 30, small, closeIt)
	data := read(t, segments[0])
	clear(data[:dataStart])
	write(t, segments[0], data)
	j, dropped := drops(t, journal.Options{Dir: dir})
	entries, err := j.Next(t.Context(), store.Position{}, 100)
	if err != nil || entries[0].Lost == nil || len(entries) < 10 {
		t.Fatalf("got %d entries, %v", len(entries), err)
	}
	j.Close()
	if got := dropped(); got != nil {
		t.Errorf("%v dropped", got)
	}
	j, dropped = drops(t, journal.Options{Dir: dir})
	if _, lost := readAll(t, j); len(lost) != 1 {
		t.Errorf("lost %v", lost)
	}
	eventually(t, "the drop", func() bool { return slices.Equal(dropped(), []uint64{1}) })
}

// With ends of 500 bytes, a small segment holds 13.
func lastSegment(n int) (all []int) {
	for i := n - n%13 + 1; i <= n; i++ {
		all = append(all, i)
	}
	return all
}

func firstSegment() []int  { return []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13} }
func secondSegment() []int { return []int{14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26} }

func TestAFlippedBitLosesAtMostItsOwnEntry(t *testing.T) {
	const n = 60
	size := func(i int) int { return i * 20 }
	source, _ := filled(t, n, size, closeIt)
	rng := rand.New(rand.NewPCG(1, 1))
	for range 300 {
		dir := copyDir(t, source)
		segments := segmentFiles(t, dir)
		path := segments[rng.IntN(len(segments))]
		data := read(t, path)
		offset, bit := rng.IntN(len(used(data))), rng.IntN(8)
		data[offset] ^= 1 << bit
		write(t, path, data)

		j := open(t, journal.Options{Dir: dir, SegmentSize: smallSegment})
		got, lost := readAll(t, j)
		j.Close()
		missing := n - len(got)
		if !slices.IsSorted(numeric(t, got)) || missing > 1 || missing > len(lost) || len(lost) > 1 {
			t.Fatalf("bit %d of byte %d of %s: got %v, lost %+v", bit, offset, filepath.Base(path), got, lost)
		}
		if offset < dataStart && missing+len(lost) > 0 {
			t.Fatalf("bit %d of byte %d of a header: lost %+v", bit, offset, lost)
		}
	}
}

func numeric(t testing.TB, numbers []string) (out []int) {
	t.Helper()
	for _, s := range numbers {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, n)
	}
	return out
}

// A client chooses the bytes of a body. Those that look like a frame, with all
// that a stranger can know, must not become an entry when the real frame's
// header is damaged.
func TestAFrameInABodyIsNoEntry(t *testing.T) {
	_, foreign := filled(t, 3, small, closeIt)
	fake := read(t, foreign[0])[dataStart:]
	dir := t.TempDir()
	j := open(t, journal.Options{Dir: dir, SegmentSize: 1 << 20})
	for i := range 3 {
		x := exchange(100+i, 0)
		x.Response.Body.Bytes = fake
		if err := j.End(t.Context(), x, true); err != nil {
			t.Fatal(err)
		}
	}
	j.Close()
	path := segmentFiles(t, dir)[0]
	data := read(t, path)
	data[dataStart+20] ^= 1
	write(t, path, data)
	var got []string
	j = open(t, journal.Options{Dir: dir, SegmentSize: 1 << 20})
	entries, err := j.Next(t.Context(), store.Position{}, 10)
	for _, e := range entries {
		if e.End != nil {
			got = append(got, e.End.Request.Path)
		}
	}
	if err != nil || !slices.Equal(got, []string{"101", "102"}) || entries[0].Lost == nil {
		t.Errorf("got %v, %v", got, err)
	}
}

// A frame whose checksums are right and whose payload means nothing, as a later
// version may leave behind.
func TestAnEntryThatCannotBeDecodedIsLost(t *testing.T) {
	dir, segments := filled(t, 3, small, closeIt)
	data := read(t, segments[0])
	header := data[dataStart : dataStart+48]
	payload := data[dataStart+48:][:binary.LittleEndian.Uint32(header[32:])]
	payload[0] = 0x0f
	table := crc32.MakeTable(crc32.Castagnoli)
	binary.LittleEndian.PutUint32(header[40:], crc32.Checksum(payload, table))
	binary.LittleEndian.PutUint32(header[44:], crc32.Checksum(header[:44], table))
	write(t, segments[0], data)
	got, lost := readAll(t, open(t, journal.Options{Dir: dir, SegmentSize: smallSegment}))
	if !slices.Equal(got, []string{"2", "3"}) || len(lost) != 1 || lost[0].Bytes != int64(48+len(payload)) {
		t.Errorf("got %v, lost %+v", got, lost)
	}
}

func TestANewerFormatIsRefused(t *testing.T) {
	dir, segments := filled(t, 3, small, closeIt)
	data := read(t, segments[0])
	for page := 0; page < dataStart; page += 4096 {
		header := data[page : page+40]
		header[16] = 2
		sum := crc32.Checksum(header[:36], crc32.MakeTable(crc32.Castagnoli))
		binary.LittleEndian.PutUint32(header[36:], sum)
	}
	write(t, segments[0], data)
	if _, err := journal.Open(journal.Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "newer version") {
		t.Errorf("got %v", err)
	}
}

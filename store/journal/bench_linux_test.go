package journal_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/journal"
	"github.com/sidehook/sidehook/webhook"
)

// BenchmarkEnd measures durable ends (each with its begin) of about 1 KB, while
// a reader follows. One writer is to be compared with BenchmarkDatasync.
func BenchmarkEnd(b *testing.B) {
	for _, writers := range []int{1, 32, 128} {
		b.Run(fmt.Sprint(writers, " writers"), func(b *testing.B) {
			j := open(b, journal.Options{Dir: b.TempDir()})
			go follow(b.Context(), j)
			spread(b, writers, func() error {
				x := exchange(1, 700)
				if err := j.Begin(&webhook.Begin{ID: x.ID}); err != nil {
					return err
				}
				return j.End(context.Background(), x, true)
			})
		})
	}
}

// BenchmarkBegin measures begins, which wait for no disk.
func BenchmarkBegin(b *testing.B) {
	j := open(b, journal.Options{Dir: b.TempDir()})
	go follow(b.Context(), j)
	x := exchange(1, 700)
	b.ReportAllocs()
	for b.Loop() {
		if err := j.Begin(&webhook.Begin{ID: x.ID, API: "shop", Method: "PUT", Path: "/orders/7"}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkNext measures reading 1 KB ends in batches of 64.
func BenchmarkNext(b *testing.B) {
	j := open(b, journal.Options{Dir: b.TempDir()})
	for range 20_000 {
		if err := j.End(b.Context(), exchange(1, 700), false); err != nil {
			b.Fatal(err)
		}
	}
	var after store.Position
	b.ReportAllocs()
	b.ResetTimer()
	for n := 0; n < b.N; {
		entries, err := j.Next(b.Context(), after, 64)
		if err != nil {
			b.Fatal(err)
		}
		n += len(entries)
		if after = entries[len(entries)-1].At; n%20_000 < 64 {
			after = store.Position{}
		}
	}
}

// BenchmarkDatasync is the floor: a write of the same size to a file filled
// with zeros, and an fdatasync.
func BenchmarkDatasync(b *testing.B) {
	f, err := os.Create(filepath.Join(b.TempDir(), "file"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	const size = 32 << 20
	if _, err := f.Write(make([]byte, size)); err != nil {
		b.Fatal(err)
	}
	f.Sync()
	buf := make([]byte, 950)
	off := int64(0)
	for b.Loop() {
		if _, err := f.WriteAt(buf, off%(size-1000)); err != nil {
			b.Fatal(err)
		}
		off += 950
		if err := syscall.Fdatasync(int(f.Fd())); err != nil {
			b.Fatal(err)
		}
	}
}

// spread calls do b.N times from so many goroutines.
func spread(b *testing.B, writers int, do func() error) {
	var left atomic.Int64
	left.Store(int64(b.N))
	errs := make(chan error, writers)
	b.ReportAllocs()
	before := processorTime(b)
	b.ResetTimer()
	for range writers {
		go func() {
			var err error
			for err == nil && left.Add(-1) >= 0 {
				err = do()
			}
			errs <- err
		}()
	}
	for range writers {
		if err := <-errs; err != nil {
			b.Error(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ends/s")
	b.ReportMetric(float64(processorTime(b)-before)/float64(b.N), "cpu-ns/op")
}

// processorTime returns what this process has used so far.
func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// follow reads everything and calls Done, until the journal is closed.
func follow(ctx context.Context, j *journal.Journal) {
	var after store.Position
	for {
		entries, err := j.Next(ctx, after, 64)
		if err != nil {
			return
		}
		for _, e := range entries {
			if after = e.At; e.End != nil {
				j.Done(after)
			}
		}
	}
}

// BenchmarkCall measures ends of calls as a proxy makes them: other work before
// and behind the begin, and an API in between that takes a moment.
func BenchmarkCall(b *testing.B) {
	for _, writers := range []int{1, 32} {
		b.Run(fmt.Sprint(writers, " writers"), func(b *testing.B) {
			j := open(b, journal.Options{Dir: b.TempDir()})
			go follow(b.Context(), j)
			spread(b, writers, func() error {
				x := exchange(1, 700)
				work()
				if err := j.Begin(&webhook.Begin{ID: x.ID}); err != nil {
					return err
				}
				time.Sleep(200 * time.Microsecond)
				work()
				return j.End(context.Background(), x, true)
			})
		})
	}
}

// work takes some 50 microseconds.
func work() {
	var sum [32]byte
	for range 400 {
		sum = sha256.Sum256(sum[:])
	}
}

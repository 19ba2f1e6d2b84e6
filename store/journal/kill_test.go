package journal_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/journal"
)

const killedDir = "SIDEHOOK_TEST_JOURNAL_TO_KILL"

func TestMain(m *testing.M) {
	if dir := os.Getenv(killedDir); dir != "" {
		appendUntilKilled(dir)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// appendUntilKilled appends durable ends from several goroutines, and prints
// the number of each once it is acknowledged. What is even is Done.
func appendUntilKilled(dir string) {
	j, err := journal.Open(journal.Options{Dir: dir, SegmentSize: 64 << 10})
	if err != nil {
		fmt.Println(err)
		return
	}
	go doneEven(j)
	first, _ := strconv.Atoi(os.Args[len(os.Args)-1])
	var out sync.Mutex
	var running sync.WaitGroup
	for writer := range 8 {
		running.Go(func() {
			for n := first + writer; ; n += 8 {
				if err := j.End(context.Background(), exchange(n, n%4000), true); err != nil {
					fmt.Println(err)
					return
				}
				out.Lock()
				os.Stdout.WriteString(strconv.Itoa(n) + "\n")
				out.Unlock()
			}
		})
	}
	running.Wait()
}

func doneEven(j *journal.Journal) {
	var after store.Position
	for {
		entries, err := j.Next(context.Background(), after, 50)
		if err != nil {
			return
		}
		for _, e := range entries {
			after = e.At
			if n, _ := strconv.Atoi(e.End.Request.Path); n%2 == 0 {
				j.Done(after)
			}
		}
	}
}

func TestKilled(t *testing.T) {
	dir := t.TempDir()
	var acknowledged []int
	for round := range 5 {
		acknowledged = append(acknowledged, kill(t, dir, round*100_000, 50+round*150)...)
		j := open(t, journal.Options{Dir: dir, SegmentSize: 64 << 10})
		got, lost := readAll(t, j)
		j.Close()
		there := numeric(t, got)
		slices.Sort(there)
		if len(slices.Compact(slices.Clone(there))) != len(there) {
			t.Error("something came twice")
		}
		for _, n := range acknowledged {
			if _, ok := slices.BinarySearch(there, n); n%2 == 1 && !ok {
				t.Fatalf("round %d: %d was acknowledged and is missing; lost %+v", round, n, lost)
			}
		}
	}
}

// kill starts a process that appends, kills it when it has acknowledged so
// many, and returns all that it has acknowledged.
func kill(t *testing.T, dir string, first, after int) (acknowledged []int) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, strconv.Itoa(first))
	cmd.Env = append(os.Environ(), killedDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		n, err := strconv.Atoi(lines.Text())
		if err != nil {
			t.Error(lines.Text())
			continue
		}
		if acknowledged = append(acknowledged, n); len(acknowledged) == after {
			cmd.Process.Kill()
		}
	}
	cmd.Wait()
	if len(acknowledged) < after {
		t.Fatalf("it ended by itself after %d", len(acknowledged))
	}
	return acknowledged
}

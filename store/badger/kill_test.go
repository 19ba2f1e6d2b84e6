package badger_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/badger"
	"github.com/sidehook/sidehook/webhook"
)

// victimDir makes the test binary a process that records until it is killed.
const victimDir = "SIDEHOOK_TEST_VICTIM_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(victimDir); dir != "" {
		victim(dir)
	}
	os.Exit(m.Run())
}

const victimEntities = 12

// victim records, claims and settles from many goroutines, and says on stdout
// what was acknowledged.
func victim(dir string) {
	s, err := badger.Open(badger.Options{Dir: dir})
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	for range 16 {
		go func() {
			for {
				rs := make([]store.Record, 1+rand.IntN(10))
				for i := range rs {
					rs[i] = victimRecord()
				}
				got, err := s.Record(context.Background(), rs)
				for i := range got {
					err = errors.Join(err, got[i].Err)
				}
				if err != nil {
					fmt.Println("error", err)
				}
				for i := range rs {
					fmt.Println("recorded", rs[i].Exchange)
				}
			}
		}()
	}
	for {
		ds, _, err := s.Claim(context.Background(), "crm", 0, start, 8)
		if err != nil {
			fmt.Println("error", err)
		}
		for _, d := range ds {
			go func() {
				if err := attempt(s, d); err != nil {
					fmt.Println("error", err)
				}
				fmt.Println("settled", d.ID)
			}()
		}
		if len(ds) == 0 {
			<-s.Waiting()
		}
	}
}

// victimRecord is small, but now and then too large for a transaction.
func victimRecord() store.Record {
	n := rand.Uint64N(victimEntities)
	r := small(n, victimEntities)
	if rand.IntN(100) == 0 {
		plain := r.Derive
		r.Derive = func(before []webhook.Snapshot) (store.Consequences, error) {
			c, err := plain(before)
			body := []byte(`"` + strings.Repeat("b", 2<<20) + `"`)
			c.Snapshots[0].Body, c.Events[0].After = body, body
			return c, err
		}
	}
	return r
}

func TestNothingAcknowledgedIsLostToAKill(t *testing.T) {
	dir := t.TempDir()
	recorded, settled := map[string]bool{}, map[string]bool{}
	for range 12 {
		kill(t, dir, recorded, settled)
		verify(t, dir, recorded, settled)
		if t.Failed() {
			break
		}
	}
	t.Logf("%d records and %d settlements acknowledged", len(recorded), len(settled))
}

// kill runs a victim for a moment and collects what it acknowledged.
func kill(t *testing.T, dir string, recorded, settled map[string]bool) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), victimDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	var timer *time.Timer
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			if err != io.EOF {
				t.Error(err)
			}
			break
		}
		if timer == nil { // it is open: now its time runs
			timer = time.AfterFunc(time.Duration(50+rand.IntN(250))*time.Millisecond, func() { cmd.Process.Kill() })
		}
		what, id, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch what {
		case "recorded":
			recorded[id] = true
		case "settled":
			settled[id] = true
		default:
			t.Error("the victim says:", line)
		}
	}
	cmd.Wait()
}

// verify opens what the victim left behind.
func verify(t *testing.T, dir string, recorded, settled map[string]bool) {
	s := open(t, dir)
	defer s.Close()
	ctx := context.Background()
	seen := map[string]int{}
	sequences := map[string]uint64{}
	events, err := s.Events(ctx, store.EventQuery{Max: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	last := uint64(0)
	for i := range events {
		e := &events[i]
		seen[e.Exchange.String()]++
		if e.Sequence != sequences[e.Key.ID]+1 || e.Position <= last {
			t.Errorf("%s has sequence %d after %d, position %d after %d", e.Key, e.Sequence, sequences[e.Key.ID], e.Position, last)
		}
		sequences[e.Key.ID], last = e.Sequence, e.Position
		wholeRecord(t, s, e)
	}
	for id := range recorded {
		if seen[id] != 1 {
			t.Errorf("the acknowledged %s is there %d times", id, seen[id])
		}
	}
	for id := range settled {
		d, err := s.Delivery(ctx, webhook.DeliveryID(id))
		if err != nil || d.State != webhook.Delivered {
			t.Errorf("the settled %s is %v, %v", id, d, err)
		}
	}
	for id, sequence := range sequences {
		snap, err := s.Snapshot(ctx, webhook.EntityKey{API: "shop", Resource: "order", ID: id})
		if err != nil || snap.Sequence != sequence {
			t.Errorf("order %s has sequence %d, its last event %d: %v", id, snap.Sequence, sequence, err)
		}
	}
}

// wholeRecord checks that what was committed with e is there.
func wholeRecord(t *testing.T, s *badger.Store, e *webhook.Event) {
	ctx := context.Background()
	marks, err := s.Recorded(ctx, []webhook.ExchangeID{e.Exchange})
	if err != nil || !marks[e.Exchange] {
		t.Errorf("%s has an event and no mark: %v", e.Exchange, err)
	}
	ds, err := s.Deliveries(ctx, store.DeliveryQuery{Event: e.ID})
	if err != nil || len(ds) != 1 {
		t.Errorf("%s has %d deliveries: %v", e.ID, len(ds), err)
	}
}

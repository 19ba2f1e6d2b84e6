package engine_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sidehook/sidehook/caddymodule/engine"
	"github.com/sidehook/sidehook/webhook"
)

func missedEntries(n int) []engine.MissedEntry {
	at := time.Date(2026, 11, 22, 3, 4, 5, 6, time.UTC)
	var list []engine.MissedEntry
	for i := range n {
		list = append(list, engine.MissedEntry{
			Gap: webhook.ExchangeID{byte(i), byte(i >> 8), 1}, API: "crm", Resource: "project", From: at, Why: "no space left on device",
		})
	}
	return list
}

func TestMissedCallsAreKnownToTheNextProcess(t *testing.T) {
	for name, n := range map[string]int{"none": 0, "one": 1, "several": 100} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "missed")
			want := missedEntries(n)
			if err := engine.WriteMissed(path, missedEntries(3)); err != nil {
				t.Fatal(err)
			}
			if err := engine.WriteMissed(path, want); err != nil {
				t.Fatal(err)
			}
			got, all, err := engine.ReadMissed(path)
			if err != nil || all {
				t.Fatalf("all %v, error %v", all, err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAListOfMissedCallsThatIsNotKnownMeansAllResources(t *testing.T) {
	path := filepath.Join(t.TempDir(), "missed")
	for name, spoil := range map[string]func() error{
		"more than fits": func() error { return engine.WriteMissed(path, missedEntries(1000)) },
		"torn":           func() error { return os.WriteFile(path, []byte(`[{"gap":"exc_`), 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			if err := spoil(); err != nil {
				t.Fatal(err)
			}
			if left, all, err := engine.ReadMissed(path); !all || err != nil || left != nil {
				t.Errorf("left %v, all %v, error %v; want all", left, all, err)
			}
		})
	}
}

// The disk is full when the file is needed: its room must be there before.
func TestTheRoomForMissedCallsIsTakenBeforehand(t *testing.T) {
	path := filepath.Join(t.TempDir(), "missed")
	sizes := map[int64]bool{}
	for _, n := range []int{0, 5, 1000, 0} {
		if err := engine.WriteMissed(path, missedEntries(n)); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		sizes[info.Size()] = true
	}
	if len(sizes) != 1 || sizes[0] {
		t.Errorf("the file had sizes %v, want one", sizes)
	}
}

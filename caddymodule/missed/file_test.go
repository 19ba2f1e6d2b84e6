package missed

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sidehook/sidehook/webhook"
)

func entries(n int) []entry {
	at := time.Date(2026, 11, 22, 3, 4, 5, 6, time.UTC)
	var list []entry
	for i := range n {
		list = append(list, entry{
			Gap: webhook.ExchangeID{byte(i), byte(i >> 8), 1}, API: "crm", Resource: "project", From: at, Why: "no space left on device",
		})
	}
	return list
}

// writeFile makes entries the list at path.
func writeFile(path string, entries []entry) error {
	f, _, err := openFile(path)
	if err != nil && !errors.Is(err, errUnreadable) {
		return err
	}
	return errors.Join(f.write(entries), f.close())
}

// readFile returns the list at path; all is whether that is not known.
func readFile(path string) (left []entry, all bool, err error) {
	f, left, err := openFile(path)
	if all = errors.Is(err, errUnreadable); all {
		err = nil
	}
	if err != nil {
		return nil, false, err
	}
	return left, all, f.close()
}

func TestMissedCallsAreKnownToTheNextProcess(t *testing.T) {
	for name, n := range map[string]int{"none": 0, "one": 1, "several": 100} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "missed")
			want := entries(n)
			if err := writeFile(path, entries(3)); err != nil {
				t.Fatal(err)
			}
			if err := writeFile(path, want); err != nil {
				t.Fatal(err)
			}
			got, all, err := readFile(path)
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
		"more than fits": func() error { return writeFile(path, entries(1000)) },
		"torn":           func() error { return os.WriteFile(path, []byte(`[{"gap":"exc_`), 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			if err := spoil(); err != nil {
				t.Fatal(err)
			}
			if left, all, err := readFile(path); !all || err != nil || left != nil {
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
		if err := writeFile(path, entries(n)); err != nil {
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

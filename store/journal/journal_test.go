package journal_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/journal"
	"github.com/sidehook/sidehook/store/storetest"
)

func TestExam(t *testing.T) {
	for name, o := range map[string]journal.Options{
		"default":        {SegmentSize: 1 << 20},
		"small segments": {SegmentSize: 16 << 10},
		"sync":           {SegmentSize: 1 << 20, Sync: true},
	} {
		t.Run(name, func(t *testing.T) {
			storetest.Journal(t, func(t *testing.T) func() store.Journal { return opener(t, o) })
		})
	}
}

// opener returns a function that opens a journal in a new directory, and each
// further time one in a copy of the directory used before.
func opener(t *testing.T, o journal.Options) func() store.Journal {
	return func() store.Journal {
		o.Dir = copyDir(t, o.Dir)
		return open(t, o)
	}
}

func open(t testing.TB, o journal.Options) *journal.Journal {
	t.Helper()
	j, err := journal.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

// copyDir returns a new directory with the files of from, as they are now. A
// file that the journal removes meanwhile is left out.
func copyDir(t testing.TB, from string) string {
	t.Helper()
	dir := t.TempDir()
	if from == "" {
		return dir
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(from, e.Name()))
		if os.IsNotExist(err) {
			continue
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, e.Name()), data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

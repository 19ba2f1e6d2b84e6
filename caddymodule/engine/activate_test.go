package engine

import (
	"context"
	"testing"
)

// What the journal is told changes with a reload, and with one that is taken
// back.
func TestAReloadChangesWhetherBeginsAreSynced(t *testing.T) {
	bg := context.Background()
	e, err := engineWith(t, t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.close)
	want := func(what string, yes bool) {
		t.Helper()
		if got := e.Journal.Stats().SyncBegins; got != yes {
			t.Errorf("%s: begins are synced: %v, want %v", what, got, yes)
		}
	}
	want("without journal sync", false)
	with := emptySettings(t, "")
	with.JournalSync = true
	if err := e.Activate(bg, with); err != nil {
		t.Fatal(err)
	}
	want("with journal sync", true)
	e.Deactivate(with)
	want("taken back", false)
}

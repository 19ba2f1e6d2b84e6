package engine

import (
	"context"
	"testing"

	"github.com/sidehook/sidehook/caddymodule/settings"
	"github.com/sidehook/sidehook/webhook"
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

// A reload that cannot be put into force leaves everything as it was, what is delivered
// to whom included.
func TestAReloadThatFailsChangesNoDelivery(t *testing.T) {
	bg := context.Background()
	e, err := Open(t.TempDir(), discard())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.close)
	with := func(sub webhook.Subscription) *settings.Set {
		s := emptySettings(t)
		sub.Static, sub.Scopes, sub.Payload, sub.Sign.Scheme = true, []webhook.Pattern{"**"}, "standard", webhook.SignNone
		s.Subscriptions = []*webhook.Subscription{&sub}
		return s
	}
	good := with(webhook.Subscription{ID: "crm", URL: "https://crm.example.com/", Concurrency: 3})
	if err := e.Activate(bg, good); err != nil {
		t.Fatal(err)
	}
	if err := e.Activate(bg, with(webhook.Subscription{ID: "other", URL: "nonsense"})); err == nil {
		t.Fatal("a subscription that nothing can be delivered to is put into force")
	}
	if _, most := e.Deliverer.Busy("crm"); most != 3 || e.State("crm").Status != webhook.Active {
		t.Errorf("of the configuration in force crm is %s, with %d slots", e.State("crm").Status, most)
	}
	if _, known := e.Deliverer.State("other"); known && e.State("other").Status == webhook.Active {
		t.Error("what is not in force is delivered to")
	}
}

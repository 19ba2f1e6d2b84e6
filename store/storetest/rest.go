package storetest

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

var restCases = []storeCase{
	{"states keep their number",
		"Numbers are given once, from 1, and never again.",
		stateNumbers},
	{"a settlement may change the subscription",
		"Both are kept, or none.",
		settledState},
	{"configurations come back",
		"By the hash of their content, of any size.",
		configsKept},
	{"quarantined exchanges come back",
		"Whole, until they are dropped.",
		quarantined},
	{"notes are known after a restart",
		"Those of a record are put with it, and forgotten with it.",
		notes},
	{"a closed store refuses",
		"Close may be called again.",
		closedStore},
}

func stateNumbers(e *exam) {
	put := func(id webhook.SubscriptionID, status webhook.Status) uint64 {
		got, err := e.PutState(bg, webhook.SubscriptionState{ID: id, Status: status, Since: noon, HeldThrough: 3})
		e.must(err)
		return got.Number
	}
	e.same("first", uint64(1), put("crm", webhook.Active))
	e.same("second", uint64(2), put("erp", webhook.Active))
	e.reopen()
	e.same("kept", uint64(1), put("crm", webhook.Paused))
	e.same("third", uint64(3), put("new", webhook.Active))
	got, err := e.States(bg)
	e.must(err)
	slices.SortFunc(got, func(a, b webhook.SubscriptionState) int { return int(a.Number) - int(b.Number) })
	e.same("states", []webhook.SubscriptionState{
		{ID: "crm", Number: 1, Status: webhook.Paused, Since: noon, HeldThrough: 3},
		{ID: "erp", Number: 2, Status: webhook.Active, Since: noon, HeldThrough: 3},
		{ID: "new", Number: 3, Status: webhook.Active, Since: noon, HeldThrough: 3},
	}, got)
}

func settledState(e *exam) {
	d := e.record(change{order: "7", subs: subs("crm")})
	st := webhook.SubscriptionState{ID: "crm", Status: webhook.Gone, Reason: "410", Since: noon, Failures: 2}
	e.must(e.Settle(bg, webhook.Settlement{Delivery: d.Cancel("", noon), State: &st}))
	e.reopen()
	got, err := e.States(bg)
	e.must(err)
	st.Number = 1
	e.same("states", []webhook.SubscriptionState{st}, got)
}

func configsKept(e *exam) {
	for _, size := range []int{0, 10, 2 << 20} {
		config := []byte(strings.Repeat("c", size))
		id := webhook.NewConfigID(config)
		e.must(e.PutConfig(bg, id, config))
		e.must(e.PutConfig(bg, id, config))
		e.reopen()
		got, err := e.Config(bg, id)
		e.must(err)
		e.same("config", config, got)
	}
	if _, err := e.Config(bg, webhook.ConfigID{1}); !errors.Is(err, store.ErrNotFound) {
		e.Error("a configuration that is not there:", err)
	}
}

func quarantined(e *exam) {
	x := webhook.Exchange{ID: exchange(1), API: "shop", Started: noon, Ended: noon, Request: webhook.Request{Method: "PUT", Path: "/a"}}
	x.Response.Body.Bytes = []byte(strings.Repeat("b", 3<<20))
	want := store.Quarantined{Exchange: x, Segment: 4, Why: "rule 3 failed", At: noon.Add(time.Hour)}
	e.must(e.Quarantine(bg, want))
	other := want
	other.Exchange.ID = exchange(2)
	e.must(e.Quarantine(bg, other))
	e.must(e.Unquarantine(bg, other.Exchange.ID))
	e.must(e.Unquarantine(bg, exchange(3)))
	e.reopen()
	got, err := e.Quarantined(bg, 10)
	e.must(err)
	e.same("quarantined", []store.Quarantined{want}, got)
	want.Exchange.Response.Body.Bytes, want.Why = json.RawMessage("small"), "again"
	e.must(e.Quarantine(bg, want))
	got, err = e.Quarantined(bg, 10)
	e.must(err)
	e.same("in place of the first", "again", got[0].Why)
}

func notes(e *exam) {
	long := []byte(strings.Repeat("v", 200<<10))
	e.must(e.PutNotes(bg, store.Note{Key: "a/2", Value: long}, store.Note{Key: "a/1", Value: []byte("one")}, store.Note{Key: "b/1", Value: []byte{}}))
	noting := change{x: exchange(1), order: "7"}.record()
	derive := noting.Derive
	noting.Derive = func(before []webhook.Snapshot) (store.Consequences, error) {
		c, err := derive(before)
		c.Notes = []store.Note{{Key: "a/3", Value: []byte("three")}, {Key: "a/1"}, {Key: "a/0"}}
		return c, err
	}
	got, err := e.recordOne(noting)
	e.must(err)
	e.same("what was put with a record", 3, len(got.Notes))
	e.reopen()
	have, err := e.Notes(bg, "a/", 10)
	e.must(err)
	e.same("notes", []store.Note{{Key: "a/2", Value: long}, {Key: "a/3", Value: []byte("three")}}, have)
	have, err = e.Notes(bg, "", 1)
	e.must(err)
	e.same("as many as are wanted", "a/2", have[0].Key)
	e.same("as many as are wanted", 1, len(have))
	if have, err = e.Notes(bg, "c", 10); err != nil || len(have) > 0 {
		e.Error("notes that are not there:", have, err)
	}
}

func closedStore(e *exam) {
	e.must(e.Close())
	e.must(e.Close())
	if _, err := e.recordOne(change{x: exchange(1), order: "7"}.record()); err == nil {
		e.Error("Record returned no error")
	}
	if _, err := e.Events(bg, store.EventQuery{}); err == nil {
		e.Error("Events returned no error")
	}
}

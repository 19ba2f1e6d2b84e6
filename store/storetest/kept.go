package storetest

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

var keptCases = []storeCase{
	{"kept subscriptions come back",
		"Whole, of any size, deleted or not.",
		keptComeBack},
	{"of two changes of one revision one is refused",
		"A revision follows the one that is kept.",
		keptRevisions},
	{"a new subscription comes with its state, or not at all",
		"They are in one commit, and the state is given a number.",
		keptNew},
	{"a subscription changes with its state, or not at all",
		"They are in one commit; the number stays, and without a state the one there is stays.",
		keptTurned},
	{"a dropped subscription leaves nothing",
		"Its state goes too; its number is not given again.",
		keptDropped},
}

func keptOf(id webhook.SubscriptionID, revision uint64) store.Kept {
	return store.Kept{
		ID: id, Revision: revision, Owner: "o", Tenant: "acme",
		Body: []byte("sealed"), Created: noon, Changed: noon.Add(time.Minute),
	}
}

func (e *exam) allKept() []store.Kept {
	e.Helper()
	all, err := e.AllKept(bg)
	e.must(err)
	slices.SortFunc(all, func(a, b store.Kept) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return all
}

func keptComeBack(e *exam) {
	large, gone := keptOf("a", 1), keptOf("b", 1)
	large.Body = bytes.Repeat([]byte("long "), 300_000)
	gone.Body, gone.Deleted = nil, noon.Add(time.Hour)
	e.must(e.PutKept(bg, large, nil))
	e.must(e.PutKept(bg, gone, nil))
	e.same("before", []store.Kept{large, gone}, e.allKept())
	e.reopen()
	e.same("after", []store.Kept{large, gone}, e.allKept())
	small := keptOf("a", 2)
	e.must(e.PutKept(bg, small, nil))
	e.reopen()
	e.same("replaced", []store.Kept{small, gone}, e.allKept())
}

func keptRevisions(e *exam) {
	for _, wrong := range []uint64{0, 2} {
		if err := e.PutKept(bg, keptOf("a", wrong), nil); !errors.Is(err, store.ErrChanged) {
			e.Errorf("revision %d of a new one: %v", wrong, err)
		}
	}
	e.must(e.PutKept(bg, keptOf("a", 1), nil))
	results := make(chan error, 2)
	for range 2 {
		go func() { results <- e.PutKept(bg, keptOf("a", 2), nil) }()
	}
	refused := 0
	for range 2 {
		if err := <-results; errors.Is(err, store.ErrChanged) {
			refused++
		} else {
			e.must(err)
		}
	}
	e.same("refused", 1, refused)
}

func keptDropped(e *exam) {
	e.must(e.PutKept(bg, keptOf("a", 1), nil))
	_, err := e.PutState(bg, webhook.NewState("a", 0, noon))
	e.must(err)
	e.must(e.DropKept(bg, "a"))
	e.must(e.DropKept(bg, "a"))
	e.reopen()
	states, err := e.States(bg)
	e.must(err)
	e.same("states", []webhook.SubscriptionState(nil), states)
	e.same("kept", []store.Kept(nil), e.allKept())
	st, err := e.PutState(bg, webhook.NewState("b", 0, noon))
	e.must(err)
	e.same("number", uint64(2), st.Number)
}

func keptNew(e *exam) {
	first, other := webhook.NewState("a", 0, noon), webhook.NewState("a", 0, noon.Add(time.Hour))
	e.must(e.PutKept(bg, keptOf("a", 1), &first))
	e.same("number", uint64(1), first.Number)
	if err := e.PutKept(bg, keptOf("a", 1), &other); !errors.Is(err, store.ErrChanged) {
		e.Errorf("a second one of that id: %v", err)
	}
	refused := webhook.NewState("b", 0, noon)
	if err := e.PutKept(bg, keptOf("b", 2), &refused); !errors.Is(err, store.ErrChanged) {
		e.Errorf("revision 2 of a new one: %v", err)
	}
	e.same("of the one that was refused", uint64(0), refused.Number)
	e.reopen()
	states, err := e.States(bg)
	e.must(err)
	e.same("states", []webhook.SubscriptionState{first}, states)
}

func keptTurned(e *exam) {
	st := webhook.NewState("a", 0, noon)
	e.must(e.PutKept(bg, keptOf("a", 1), &st))
	paused := st.Pause("api", noon.Add(time.Hour))
	e.must(e.PutKept(bg, keptOf("a", 2), &paused))
	e.must(e.PutKept(bg, keptOf("a", 3), nil))
	late := st
	if err := e.PutKept(bg, keptOf("a", 3), &late); !errors.Is(err, store.ErrChanged) {
		e.Errorf("a change of an old version: %v", err)
	}
	e.reopen()
	states, err := e.States(bg)
	e.must(err)
	e.same("states", []webhook.SubscriptionState{paused}, states)
	e.same("kept", []store.Kept{keptOf("a", 3)}, e.allKept())
}

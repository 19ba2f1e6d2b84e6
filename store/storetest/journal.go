package storetest

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// Journal is the exam of a [store.Journal]. open returns the journal that was
// started in a new place by the case's first call of it; each further call
// opens it again. The exam calls open again after Close, and also without it,
// as a process does that is started after its predecessor was killed: open sees
// to it then that the abandoned journal cannot disturb the new one (by copying
// its files, for one). open ends the journals when the test ends.
func Journal(t *testing.T, start func(t *testing.T) (open func() store.Journal)) {
	for _, c := range journalCases {
		t.Run(c.name, func(t *testing.T) {
			defer func() {
				if t.Failed() {
					t.Log("the rule:", c.rule)
				}
			}()
			c.run(&journalExam{T: t, open: start(t)})
		})
	}
}

type journalCase struct {
	name string
	rule string
	run  func(*journalExam)
}

var journalCases = []journalCase{
	{"entries come in the order of appends",
		"Next returns begins and ends as they were appended, whole and equal.",
		inOrder},
	{"begins and ends of rejected calls are for a later start",
		"Next hands out no begin, and no end of a rejected call, of this process.",
		forLater},
	{"every field of an exchange comes back",
		"What derivation may read has to survive the journal.",
		everyField},
	{"who has read up to Last has all ends before it",
		"Last is where an entry is: that of the last end, or of earlier processes the last entry.",
		lastEnd},
	{"a reader waits for the next entry",
		"Next blocks until there is an entry.",
		readerWaits},
	{"a reader stops when its context ends",
		"Next returns the context's error, and takes nothing away from the next reader.",
		readerStops},
	{"Next returns at most max",
		"max bounds a batch; the rest follows after the last entry's position.",
		atMost},
	{"entries come back after Close",
		"What was appended and is not Done is there when the journal is opened again.",
		closed},
	{"entries come back after a kill",
		"An append that returned is in the page cache at least: it survives the death of the process.",
		killed},
	{"what is not Done comes back",
		"Only Done lets go of an end; a reader that starts at the zero position sees everything still kept.",
		notDone},
	{"positions grow over a restart",
		"Positions of entries grow in the order of appends, for the life of the journal.",
		positionsGrow},
	{"a large exchange fits",
		"Bodies of a MiB and more are ordinary.",
		large},
	{"entries handed out stay as they are",
		"Nothing changes what Next returned, and a reader that starts again gets it again.",
		stay},
	{"a reader that lags gets everything",
		"However much was appended since, the entries come in their order.",
		lags},
	{"a reader may go back",
		"Next goes on after any position, also one that it has passed.",
		goesBack},
	{"appends from many goroutines are all kept",
		"All methods are safe for concurrent use.",
		concurrent},
	{"a closed journal refuses",
		"After Close, appends wrap ErrJournalDown and Next returns io.EOF.",
		refuses},
	{"Close ends a waiting reader",
		"Close ends all calls of Next with io.EOF.",
		closeEndsReader},
	{"a begin that is done stays done",
		"After DoneBegin the end of a rejected call follows the begin, also for a reader of a later start.",
		doneBegin},
	{"what is too large leaves its begin open",
		"End wraps ErrTooLarge, not ErrJournalDown, and the exchange may be written again with less in it.",
		tooLarge},
	{"Done of anything is harmless",
		"Done may come twice, and for what was never there.",
		doneTwice},
}

// journalExam has what the cases need.
type journalExam struct {
	*testing.T
	open func() store.Journal
	made int
}

// exchange returns a new one of about size bytes.
func (e *journalExam) exchange(size int) *webhook.Exchange {
	e.made++
	at := time.Unix(1_770_000_000, int64(e.made)).UTC()
	return &webhook.Exchange{
		ID: webhook.NewExchangeID(at), API: "shop", Started: at, Ended: at.Add(time.Millisecond),
		Request: webhook.Request{Method: "PUT", Path: fmt.Sprintf("/orders/%d", e.made)},
		Response: webhook.Response{
			Status: 200, Body: webhook.Body{Bytes: bytes.Repeat([]byte{byte(e.made)}, size)},
		},
	}
}

func (e *journalExam) begin(j store.Journal, id webhook.ExchangeID) *webhook.Begin {
	e.Helper()
	b := &webhook.Begin{ID: id, API: "shop", Method: "PUT", Path: "/orders"}
	if err := j.Begin(b); err != nil {
		e.Fatal(err)
	}
	return b
}

// end appends a new exchange, durably, and returns it.
func (e *journalExam) end(j store.Journal, size int) *webhook.Exchange {
	e.Helper()
	x := e.exchange(size)
	if err := j.End(e.Context(), x, true); err != nil {
		e.Fatal(err)
	}
	return x
}

// next reads n entries after a position.
func (e *journalExam) next(j store.Journal, after store.Position, n int) []store.Entry {
	e.Helper()
	ctx, cancel := context.WithTimeout(e.Context(), 20*time.Second)
	defer cancel()
	var all []store.Entry
	for len(all) < n {
		got, err := j.Next(ctx, after, n-len(all))
		if err != nil {
			e.Fatalf("after %d of %d entries: %v", len(all), n, err)
		}
		for _, entry := range got {
			if !after.Before(entry.At) {
				e.Fatalf("an entry at %v follows one at %v", entry.At, after)
			}
			after = entry.At
		}
		all = append(all, got...)
	}
	return all
}

// sameBytes compares large bodies quickly.
var sameBytes = cmp.Comparer(bytes.Equal)

// wantEnds fails unless got are the ends want.
func (e *journalExam) wantEnds(got []store.Entry, want ...*webhook.Exchange) {
	e.Helper()
	var ends []*webhook.Exchange
	for _, entry := range got {
		ends = append(ends, entry.End)
	}
	if diff := cmp.Diff(want, ends, sameBytes); diff != "" {
		e.Fatalf("want(-) got(+):\n%s", diff)
	}
}

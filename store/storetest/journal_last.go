package storetest

import (
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

func lastEnd(e *journalExam) {
	j := e.open()
	if at := j.Last(); at != (store.Position{}) {
		e.Errorf("an empty journal ends at %v", at)
	}
	var want []*webhook.Exchange
	for range 2 {
		for range 3 {
			want = append(want, e.end(j, 1000))
			e.wantEnds(e.upTo(j, j.Last()), want...)
		}
		j = e.open()
		e.wantEnds(e.upTo(j, j.Last()), want...)
	}
}

// upTo returns the entries with an end up to a position, where one is.
func (e *journalExam) upTo(j store.Journal, last store.Position) (ends []store.Entry) {
	e.Helper()
	for at := (store.Position{}); at.Before(last); {
		entries, err := j.Next(e.Context(), at, 1)
		if err != nil {
			e.Fatal(err)
		}
		if at = entries[0].At; last.Before(at) {
			e.Fatalf("there is no entry at %v", last)
		}
		if entries[0].End != nil {
			ends = append(ends, entries[0])
		}
	}
	return ends
}

package storetest

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

func concurrent(e *journalExam) {
	const writers, each = 16, 25
	j := e.open()
	errs := make(chan error, writers)
	want := make(map[webhook.ExchangeID]bool)
	for range writers {
		var mine []*webhook.Exchange
		for range each {
			x := e.exchange(200)
			mine = append(mine, x)
			want[x.ID] = true
		}
		go func() {
			var err error
			for i, x := range mine {
				err = errors.Join(err, j.Begin(&webhook.Begin{ID: x.ID}), j.End(context.Background(), x, i%2 == 0))
			}
			errs <- err
		}()
	}
	e.next(j, store.Position{}, writers*each)
	for range writers {
		if err := <-errs; err != nil {
			e.Error(err)
		}
	}
	got := e.next(e.open(), store.Position{}, 2*writers*each)
	begun := make(map[webhook.ExchangeID]bool)
	for _, entry := range got {
		if entry.Begin != nil {
			begun[entry.Begin.ID] = true
		} else if id := entry.End.ID; !want[id] || !begun[id] {
			e.Fatalf("the end of %s: appended %v, begun %v", id, want[id], begun[id])
		} else {
			delete(want, id)
		}
	}
	if len(want) > 0 {
		e.Errorf("%d ends are missing", len(want))
	}
}

func refuses(e *journalExam) {
	j := e.open()
	e.end(j, 10)
	if err := j.Close(); err != nil {
		e.Fatal(err)
	}
	if err := j.Begin(&webhook.Begin{ID: webhook.ExchangeID{1}}); !errors.Is(err, store.ErrJournalDown) {
		e.Errorf("Begin: %v", err)
	}
	if err := j.End(e.Context(), e.exchange(1), true); !errors.Is(err, store.ErrJournalDown) {
		e.Errorf("End: %v", err)
	}
	if _, err := j.Next(e.Context(), store.Position{}, 1); err != io.EOF {
		e.Errorf("Next: %v", err)
	}
	if err := j.Close(); err != nil {
		e.Errorf("Close again: %v", err)
	}
}

func closeEndsReader(e *journalExam) {
	j := e.open()
	ended := make(chan error, 1)
	go func() {
		_, err := j.Next(e.Context(), store.Position{}, 1)
		ended <- err
	}()
	if err := j.Close(); err != nil {
		e.Fatal(err)
	}
	select {
	case err := <-ended:
		if err != io.EOF {
			e.Errorf("got %v, want io.EOF", err)
		}
	case <-time.After(20 * time.Second):
		e.Error("Next is still waiting")
	}
}

func doneBegin(e *journalExam) {
	j := e.open()
	slow, over := e.exchange(10).ID, e.exchange(10).ID
	e.begin(j, slow)
	e.begin(j, over)
	for round := range 3 {
		j = e.open()
		last := e.end(j, 10)
		begun, ended := map[webhook.ExchangeID]bool{}, map[webhook.ExchangeID]bool{}
		for after := (store.Position{}); !ended[last.ID]; {
			entry := e.next(j, after, 1)[0]
			if after = entry.At; entry.Begin != nil {
				begun[entry.Begin.ID] = true
				continue
			}
			if entry.End.ID == over && entry.End.Ending != webhook.Rejected {
				e.Errorf("the begin that is done ended %v", entry.End.Ending)
			}
			ended[entry.End.ID] = true
		}
		if !begun[slow] || ended[slow] {
			e.Errorf("the begin that is open: begun %v, ended %v", begun[slow], ended[slow])
		}
		if round > 0 && begun[over] && !ended[over] {
			e.Error("the begin that is done is open again")
		}
		j.DoneBegin(over)
	}
}

func tooLarge(e *journalExam) {
	j := e.open()
	x := e.exchange(33 << 20)
	e.begin(j, x.ID)
	err := j.End(e.Context(), x, true)
	if !errors.Is(err, store.ErrTooLarge) || errors.Is(err, store.ErrJournalDown) {
		e.Errorf("got %v", err)
	}
	x.Response.Body = webhook.Body{Missing: webhook.TooLarge}
	if err := j.End(e.Context(), x, true); err != nil {
		e.Error(err)
	}
	e.wantEnds(e.next(j, store.Position{}, 1), x)
	e.wantEnds(e.next(e.open(), store.Position{}, 2)[1:], x)
}

func doneTwice(e *journalExam) {
	j := e.open()
	j.Done(store.Position{})
	j.Done(store.Position{Segment: 1 << 40, Offset: 7})
	j.DoneBegin(webhook.ExchangeID{1})
	x, y := e.end(j, 10), e.end(j, 10)
	got := e.next(j, store.Position{}, 2)
	j.Done(got[0].At)
	j.Done(got[0].At)
	e.wantEnds(e.next(j, got[0].At, 1), y)
	_ = x
}

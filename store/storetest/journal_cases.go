package storetest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

func inOrder(e *journalExam) {
	j := e.open()
	x := e.exchange(10)
	b := e.begin(j, x.ID)
	first := e.end(j, 10)
	if err := j.End(e.Context(), x, false); err != nil {
		e.Fatal(err)
	}
	e.wantEnds(e.next(j, store.Position{}, 2), first, x)
	got := e.next(e.open(), store.Position{}, 3)
	if diff := cmp.Diff(b, got[0].Begin); diff != "" {
		e.Errorf("want(-) got(+):\n%s", diff)
	}
	e.wantEnds(got[1:], first, x)
}

func forLater(e *journalExam) {
	j := e.open()
	slow, refused := e.exchange(10), e.exchange(10)
	refused.Ending = webhook.Rejected
	e.begin(j, slow.ID)
	e.begin(j, refused.ID)
	if err := j.End(e.Context(), refused, false); err != nil {
		e.Fatal(err)
	}
	x := e.end(j, 10)
	e.wantEnds(e.next(j, store.Position{}, 1), x)
	got := e.next(e.open(), store.Position{}, 4)
	if got[0].Begin == nil || got[0].Begin.ID != slow.ID || got[1].Begin == nil {
		e.Fatalf("got %+v, %+v instead of the begins", got[0], got[1])
	}
	if got[2].End.Ending != webhook.Rejected {
		e.Errorf("the rejected call ended %v", got[2].End.Ending)
	}
	e.wantEnds(got[3:], x)
}

func everyField(e *journalExam) {
	j := e.open()
	at := time.Unix(1_770_000_000, 5).UTC()
	x := &webhook.Exchange{
		ID: webhook.NewExchangeID(at), API: "shop", Config: webhook.NewConfigID([]byte("{}")),
		Started: at, Ended: at, Ending: webhook.Truncated,
		Request: webhook.Request{
			Method: "PATCH", Path: "/a", Query: "b=c", Header: webhook.Header{"A": {"b", ""}},
			Body: webhook.Body{Bytes: []byte("{}")}, ID: "r", Trace: "t", SkipKey: "s", Caller: []byte{7},
		},
		Response: webhook.Response{
			Status: 202, Header: webhook.Header{"C": {"d"}}, Body: webhook.Body{Missing: webhook.TooLarge},
		},
		Before:       &webhook.Observation{Requested: at, Received: at, Status: 200, Body: webhook.Body{Bytes: []byte("[]")}},
		Placeholders: map[string]string{"k": "v"}, Overlapped: true, ClientGone: true,
		Cause: webhook.ExchangeID{1},
	}
	if err := j.End(e.Context(), x, true); err != nil {
		e.Fatal(err)
	}
	e.wantEnds(e.next(j, store.Position{}, 1), x)
	e.wantEnds(e.next(e.open(), store.Position{}, 1), x)
}

func readerWaits(e *journalExam) {
	j := e.open()
	first := e.end(j, 10)
	after := e.next(j, store.Position{}, 1)[0].At
	got := make(chan []store.Entry, 1)
	go func() {
		entries, _ := j.Next(e.Context(), after, 10)
		got <- entries
	}()
	second := e.end(j, 10)
	select {
	case entries := <-got:
		e.wantEnds(entries, second)
	case <-time.After(20 * time.Second):
		e.Fatalf("the reader behind %s did not get %s", first.ID, second.ID)
	}
}

func readerStops(e *journalExam) {
	j := e.open()
	ctx, cancel := context.WithCancel(e.Context())
	stopped := make(chan error, 1)
	go func() {
		_, err := j.Next(ctx, store.Position{}, 1)
		stopped <- err
	}()
	cancel()
	if err := <-stopped; !errors.Is(err, context.Canceled) {
		e.Fatalf("got %v, want the context's error", err)
	}
	x := e.end(j, 10)
	e.wantEnds(e.next(j, store.Position{}, 1), x)
}

func atMost(e *journalExam) {
	j := e.open()
	for range 5 {
		e.end(j, 10)
	}
	got, err := j.Next(e.Context(), store.Position{}, 2)
	if err != nil || len(got) < 1 || len(got) > 2 {
		e.Fatalf("got %d entries, %v", len(got), err)
	}
	e.next(j, got[len(got)-1].At, 5-len(got))
}

func closed(e *journalExam) {
	j := e.open()
	want := []*webhook.Exchange{e.end(j, 10), e.end(j, 1000)}
	if err := j.Close(); err != nil {
		e.Fatal(err)
	}
	e.wantEnds(e.next(e.open(), store.Position{}, 2), want...)
}

func killed(e *journalExam) {
	j := e.open()
	x := e.exchange(10)
	e.begin(j, x.ID)
	if err := j.End(e.Context(), x, false); err != nil {
		e.Fatal(err)
	}
	durable := e.end(j, 10)
	got := e.next(e.open(), store.Position{}, 3)
	if got[0].Begin == nil || got[0].Begin.ID != x.ID {
		e.Fatalf("got %+v instead of the begin", got[0])
	}
	e.wantEnds(got[1:], x, durable)
}

func notDone(e *journalExam) {
	j := e.open()
	first, second := e.end(j, 10), e.end(j, 10)
	got := e.next(j, store.Position{}, 2)
	j.Done(got[1].At)
	if err := j.Close(); err != nil {
		e.Fatal(err)
	}
	entries := e.next(e.open(), store.Position{}, 1)
	e.wantEnds(entries, first)
	_ = second // it may come back, or not
}

func positionsGrow(e *journalExam) {
	j := e.open()
	e.end(j, 10)
	last := e.next(j, store.Position{}, 1)[0].At
	for range 3 {
		j = e.open()
		x := e.end(j, 10)
		got := e.next(j, last, 1)
		e.wantEnds(got, x)
		last = got[0].At
	}
}

func large(e *journalExam) {
	j := e.open()
	small, big, last := e.end(j, 10), e.end(j, 3<<20), e.end(j, 10)
	e.wantEnds(e.next(j, store.Position{}, 3), small, big, last)
	e.wantEnds(e.next(e.open(), store.Position{}, 3), small, big, last)
}

func stay(e *journalExam) {
	j := e.open()
	x := e.end(j, 100)
	want := *x
	want.Response.Body.Bytes = bytes.Clone(x.Response.Body.Bytes)
	first := e.next(j, store.Position{}, 1)
	again := e.next(j, store.Position{}, 1)
	for range 3 {
		e.end(j, 100)
	}
	e.next(j, again[0].At, 3)
	e.next(j, store.Position{}, 4)
	e.wantEnds(first, &want)
	e.wantEnds(again, &want)
}

func lags(e *journalExam) {
	j := e.open()
	var want []*webhook.Exchange
	for range 3000 {
		x := e.exchange(10)
		want = append(want, x)
		if err := j.End(e.Context(), x, false); err != nil {
			e.Fatal(err)
		}
	}
	got := e.next(j, store.Position{}, 100)
	for range 20 { // large ones push others out of whatever is kept in memory
		want = append(want, e.end(j, 1<<20))
		got = append(got, e.next(j, got[len(got)-1].At, 100)...)
	}
	got = append(got, e.next(j, got[len(got)-1].At, len(want)-len(got))...)
	e.wantEnds(got, want...)
}

func goesBack(e *journalExam) {
	j := e.open()
	var want []*webhook.Exchange
	for range 9 {
		want = append(want, e.end(j, 100))
	}
	got := e.next(j, store.Position{}, 6)
	e.wantEnds(e.next(j, got[1].At, 3), want[2:5]...)
	e.wantEnds(e.next(j, got[5].At, 2), want[6:8]...)
	e.wantEnds(e.next(j, got[3].At, 5), want[4:]...)
	x := e.end(j, 100)
	e.wantEnds(e.next(j, store.Position{}, 10), append(want, x)...)
}

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

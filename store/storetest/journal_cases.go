package storetest

import (
	"bytes"
	"context"
	"errors"
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

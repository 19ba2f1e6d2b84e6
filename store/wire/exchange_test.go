package wire_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sidehook/sidehook/store/wire"
	"github.com/sidehook/sidehook/webhook"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 123456789, time.UTC)

// sameBytes tells nil from empty, and compares large bodies quickly.
var sameBytes = cmp.Comparer(func(a, b []byte) bool { return bytes.Equal(a, b) && (a == nil) == (b == nil) })

// fullExchange has a value in every field.
func fullExchange() *webhook.Exchange {
	return &webhook.Exchange{
		ID: webhook.NewExchangeID(noon), API: "shop", Config: webhook.NewConfigID([]byte("{}")),
		Started: noon, Ended: noon.Add(time.Millisecond), Ending: webhook.Truncated,
		Request: webhook.Request{
			Method: "PATCH", Path: "/orders/7%2F1", Query: "a=1&b=\xff",
			Header: webhook.Header{"Content-Type": {"application/json"}, "X-Two": {"a", ""}, "X-None": nil},
			Body:   webhook.Body{Bytes: []byte(`{"status":"paid"}`)},
			ID:     "req-1", Trace: "00-01-02-03", SkipKey: "sync", Caller: []byte{1, 2, 3},
		},
		Response: webhook.Response{
			Status: 200, Header: webhook.Header{"Etag": {`"7"`}},
			Body: webhook.Body{Bytes: []byte{}, Missing: webhook.CutOff},
		},
		Before: &webhook.Observation{
			Requested: noon, Received: noon.Add(time.Second), Status: 404,
			Header: webhook.Header{"A": {"b"}},
			Body:   webhook.Body{Bytes: bytes.Repeat([]byte("x"), 70_000), Missing: webhook.TooLarge},
			Error:  "cut off", Service: true,
		},
		Placeholders: map[string]string{"http.auth.user.id": "ann", "": "empty", "none": ""},
		Overlapped:   true, ClientGone: true, Cause: webhook.NewExchangeID(noon), Service: true, Seed: "order",
	}
}

func TestExchange(t *testing.T) {
	for name, x := range map[string]*webhook.Exchange{
		"every field comes back":  fullExchange(),
		"a bare one comes back":   {ID: webhook.ExchangeID{1}},
		"no answer to the before": {ID: webhook.ExchangeID{1}, Before: &webhook.Observation{}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := wire.DecodeExchange(wire.AppendExchange([]byte("before")[6:], x))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(x, got, sameBytes); diff != "" {
				t.Error("want(-) got(+):\n", diff)
			}
		})
	}
}

func TestBegin(t *testing.T) {
	want := &webhook.Begin{
		ID: webhook.NewExchangeID(noon), API: "shop", Config: webhook.ConfigID{9}, Started: noon,
		Method: "PUT", Path: "/a", Query: "b", Placeholders: map[string]string{"k": "v"},
		Header: webhook.Header{"X-Space": {"n", "m"}}, SkipKey: "sync",
	}
	got, err := wire.DecodeBegin(wire.AppendBegin(nil, want))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("want(-) got(+):\n", diff)
	}
}

func TestFieldsOfALaterVersionAreSkipped(t *testing.T) {
	data := wire.AppendExchange(nil, fullExchange())
	data = wire.AppendString(data, 900, "new text")
	data = wire.AppendUint(data, 901, 7)
	data = wire.AppendTime(data, 902, noon)
	data = wire.AppendStringMap(data, 903, map[string]string{"a": "b"})
	got, err := wire.DecodeExchange(data)
	if err != nil {
		t.Fatal(err)
	}
	want := fullExchange()
	ids := cmpopts.IgnoreFields(webhook.Exchange{}, "ID", "Cause")
	if diff := cmp.Diff(want, got, ids); diff != "" {
		t.Error("want(-) got(+):\n", diff)
	}
}

func TestDecodeExchangeRefuses(t *testing.T) {
	id := wire.AppendID(nil, 1, webhook.ExchangeID{1})
	for name, data := range map[string][]byte{
		"nothing at all":             {},
		"no id":                      wire.AppendString(nil, 2, "shop"),
		"a short id":                 wire.AppendBytes(nil, 1, []byte("short")),
		"a long id":                  wire.AppendBytes(nil, 1, make([]byte, 17)),
		"an ending it does not know": wire.AppendUint(id, 6, 200),
		"a reason it does not know":  wire.AppendUint(id, 25, 200),
		"text where a number stands": wire.AppendString(id, 6, "completed"),
		"a cut end":                  wire.AppendString(id, 2, "shop")[:21],
		"a broken header":            wire.AppendBytes(id, 23, []byte{0xff}),
		"a broken before":            wire.AppendBytes(id, 7, []byte{0x0a, 9}),
	} {
		t.Run(name, func(t *testing.T) {
			if x, err := wire.DecodeExchange(data); err == nil {
				t.Errorf("decoded to %+v", x)
			}
		})
	}
}

func FuzzDecodeExchange(f *testing.F) {
	f.Add(wire.AppendExchange(nil, fullExchange()))
	f.Add(wire.AppendExchange(nil, &webhook.Exchange{ID: webhook.ExchangeID{1}}))
	f.Add([]byte{0x0b, 0x0b, 0x0c})
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _ = wire.DecodeBegin(data)
		x, err := wire.DecodeExchange(bytes.Clone(data))
		if err != nil {
			return
		}
		again, err := wire.DecodeExchange(wire.AppendExchange(nil, x))
		if err != nil {
			t.Fatal("its own encoding:", err)
		}
		// Times beyond what a nanosecond count holds do not exist in an encoding.
		if diff := cmp.Diff(x, again, sameBytes); diff != "" {
			t.Error("decoded(-) again(+):\n", diff)
		}
	})
}

func BenchmarkAppendExchange(b *testing.B) {
	x := fullExchange()
	x.Before = nil
	var buf []byte
	for b.Loop() {
		buf = wire.AppendExchange(buf[:0], x)
	}
}

func BenchmarkDecodeExchange(b *testing.B) {
	x := fullExchange()
	x.Before = nil
	data := wire.AppendExchange(nil, x)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := wire.DecodeExchange(data); err != nil {
			b.Fatal(err)
		}
	}
}

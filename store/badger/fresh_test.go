package badger_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sidehook/sidehook/store/badger"
	"github.com/sidehook/sidehook/webhook"
)

func TestADeliveryIsWrittenTwice(t *testing.T) {
	s := open(t, t.TempDir())
	ctx := context.Background()
	if _, err := s.Record(ctx, small(1, 1)); err != nil {
		t.Fatal(err)
	}
	before, err := badger.Keys(s)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Record(ctx, small(2, 1)); err != nil {
		t.Fatal(err)
	}
	after, err := badger.Keys(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range "duFaqLlDf" {
		want := 0
		if table == 'd' {
			want = 1
		}
		if n := after[string(table)] - before[string(table)]; n != want {
			t.Errorf("recording puts %d keys of table %q", n, table)
		}
	}
	ds, _, err := s.Claim(ctx, "crm", 0, start, 10)
	if err != nil || len(ds) != 1 {
		t.Fatalf("%d are given out of a lane: %v", len(ds), err)
	}
	a := webhook.Attempt{Delivery: ds[0].ID, Number: 1, Started: start, Outcome: webhook.Accepted}
	puts, deletes, err := badger.Settle(s, webhook.Settlement{Delivery: ds[0].After(a, nil), Attempt: &a})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]int{"d": 1}, puts); diff != "" || len(deletes) > 0 {
		t.Errorf("settling deletes %v and puts: want(-) got(+):\n%s", deletes, diff)
	}
}

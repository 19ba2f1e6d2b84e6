package badger_test

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sidehook/sidehook/store/badger"
	"github.com/sidehook/sidehook/webhook"
)

// What is held when a subscription that was gone is resumed, and released later,
// may be a lot: neither costs more for it.
func TestResumingAndReleasingMoveOnlyWhatIsNew(t *testing.T) {
	for name, entities := range map[string]uint64{"a lane each": 3000, "long lanes": 50} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir)
			badger.FewFresh(s, 20, 1000, 20)
			recordSpan(t, s, span(1, 600), entities)
			few(t, s, 590) // what came since it was chosen is delivered
			s.Close()
			s = open(t, dir)
			want(t, "beyond the boundary", span(591, 600), takeAll(t, s, 590))
			recordSpan(t, s, span(601, 615), entities)
			few(t, s, 605)
			want(t, "beyond the second boundary", span(606, 615), takeAll(t, s, 605))
			recordSpan(t, s, span(616, 620), entities)
			few(t, s, 0)
			all := takeAll(t, s, 0)
			want(t, "released", slices.Concat(span(1, 590), span(601, 605), span(616, 620)), all)
			last := map[uint64]uint64{}
			for _, p := range all {
				lane := p % entities
				if p < last[lane] {
					t.Errorf("%d came behind %d of its lane", p, last[lane])
				}
				last[lane] = p
			}
		})
	}
}

// What may be given out while more is held is given out just as well, and with all
// that follows it, when nothing is held any more: it has been put to what was held.
func TestWhatIsOpenIsPutToWhatWasHeld(t *testing.T) {
	for name, c := range map[string]struct {
		entities uint64
		again    bool // it was so before: what the two sections are for is the other way round
	}{
		"lanes of its own":           {1000, false},
		"lanes of its own, again":    {1000, true},
		"lanes that are held":        {50, false},
		"lanes that are held, again": {50, true},
	} {
		t.Run(name, func(t *testing.T) {
			dir, entities := t.TempDir(), c.entities
			s := open(t, dir)
			badger.FewFresh(s, 3, 6, 2)
			recordSpan(t, s, span(1, 100), entities)
			if c.again {
				few(t, s, 80)
				few(t, s, 0)
			}
			few(t, s, 90)
			recordSpan(t, s, span(101, 200), entities)
			s.Close()
			s = open(t, dir)
			if _, err := badger.HoldThrough(s, "crm", 0); err != nil {
				t.Fatal(err)
			}
			all := takeAll(t, s, 0)
			want(t, "released", span(1, 200), all)
			last := map[uint64]uint64{}
			for _, p := range all {
				lane := p % entities
				if p < last[lane] {
					t.Errorf("%d came behind %d of its lane", p, last[lane])
				}
				last[lane] = p
			}
		})
	}
}

// recordSpan records an event at each of some positions.
func recordSpan(t *testing.T, s *badger.Store, positions []uint64, entities uint64) {
	t.Helper()
	for _, p := range positions {
		if _, err := record(s, small(p, entities)); err != nil {
			t.Fatal(err)
		}
	}
}

// few moves the boundary, with few writes.
func few(t *testing.T, s *badger.Store, through uint64) {
	t.Helper()
	writes, err := badger.HoldThrough(s, "crm", through)
	if err != nil {
		t.Fatal(err)
	}
	if writes > 200 {
		t.Errorf("holding through %d takes %d writes", through, writes)
	}
}

// takeAll delivers what is beyond a boundary, and returns the positions as they
// were given out.
func takeAll(t *testing.T, s *badger.Store, through uint64) (all []uint64) {
	t.Helper()
	for {
		ds, _, err := s.Claim(context.Background(), "crm", through, start, 10_000)
		if err != nil {
			t.Fatal(err)
		}
		if len(ds) == 0 {
			return all
		}
		for _, d := range ds {
			all = append(all, d.Position)
			a := webhook.Attempt{Delivery: d.ID, Number: 1, Started: start, Outcome: webhook.Accepted}
			if err := s.Settle(context.Background(), webhook.Settlement{Delivery: d.After(a, nil), Attempt: &a}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func want(t *testing.T, what string, want, got []uint64) {
	t.Helper()
	if diff := cmp.Diff(want, slices.Sorted(slices.Values(got))); diff != "" {
		t.Errorf("%s: want(-) got(+):\n%s", what, diff)
	}
}

func span(from, to uint64) (all []uint64) {
	for p := from; p <= to; p++ {
		all = append(all, p)
	}
	return all
}

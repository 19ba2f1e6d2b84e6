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
			ctx := context.Background()
			entity := uint64(0)
			add := func(n uint64) {
				for range n {
					if _, err := record(s, small(entity, entities)); err != nil {
						t.Fatal(err)
					}
					entity++
				}
			}
			through := func(to uint64) {
				writes, err := badger.HoldThrough(s, "crm", to)
				if err != nil {
					t.Fatal(err)
				}
				if writes > 200 {
					t.Errorf("holding through %d takes %d writes", to, writes)
				}
			}
			given := func(through uint64) (all []uint64) {
				for {
					ds, _, err := s.Claim(ctx, "crm", through, start, 10_000)
					if err != nil {
						t.Fatal(err)
					}
					if len(ds) == 0 {
						return all
					}
					for _, d := range ds {
						all = append(all, d.Position)
						a := webhook.Attempt{Delivery: d.ID, Number: 1, Started: start, Outcome: webhook.Accepted}
						if err := s.Settle(ctx, webhook.Settlement{Delivery: d.After(a, nil), Attempt: &a}); err != nil {
							t.Fatal(err)
						}
					}
				}
			}
			add(600)
			through(590) // what came since it was chosen is delivered
			s.Close()
			s = open(t, dir)
			if diff := cmp.Diff(span(591, 600), slices.Sorted(slices.Values(given(590)))); diff != "" {
				t.Errorf("beyond the boundary: want(-) got(+):\n%s", diff)
			}
			add(15)
			through(605)
			if diff := cmp.Diff(span(606, 615), slices.Sorted(slices.Values(given(605)))); diff != "" {
				t.Errorf("beyond the second boundary: want(-) got(+):\n%s", diff)
			}
			add(5)
			through(0)
			all := given(0)
			want := slices.Concat(span(1, 590), span(601, 605), span(616, 620))
			if diff := cmp.Diff(want, slices.Sorted(slices.Values(all))); diff != "" {
				t.Errorf("released: want(-) got(+):\n%s", diff)
			}
			last := map[uint64]uint64{}
			for _, p := range all {
				lane := (p - 1) % entities
				if p < last[lane] {
					t.Errorf("%d came behind %d of its lane", p, last[lane])
				}
				last[lane] = p
			}
		})
	}
}

func span(from, to uint64) (all []uint64) {
	for p := from; p <= to; p++ {
		all = append(all, p)
	}
	return all
}

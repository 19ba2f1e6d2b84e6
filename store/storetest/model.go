package storetest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/sidehook/sidehook/webhook"
)

var modelCases = []storeCase{
	{"the queue does what a simple one does",
		"Whatever is recorded, claimed, settled, taken back, held, released and reopened: what is given out is what a list in memory would give out, and Waiting has told of whom there is some.",
		likeTheModel},
}

// model is a queue as a list.
type model struct {
	*exam
	random  *rand.Rand
	owed    []webhook.Delivery // by position
	final   []webhook.Delivery
	out     map[webhook.DeliveryID]webhook.Delivery
	through map[webhook.SubscriptionID]uint64
	made    uint64
	told    map[webhook.SubscriptionID]bool // since it was last claimed for
}

func likeTheModel(e *exam) {
	for seed := range uint64(5) {
		m := &model{exam: e, random: rand.New(rand.NewPCG(seed, 7)), out: map[webhook.DeliveryID]webhook.Delivery{}, through: map[webhook.SubscriptionID]uint64{}, told: map[webhook.SubscriptionID]bool{}}
		subs := []webhook.SubscriptionID{webhook.SubscriptionID(fmt.Sprint("a", seed)), webhook.SubscriptionID(fmt.Sprint("b", seed))}
		for step := range 400 {
			m.step(subs)
			m.hear(subs)
			if e.Failed() {
				e.Fatalf("seed %d, step %d", seed, step)
			}
		}
		for _, sub := range subs { // nothing is left given out
			m.back()
			m.claim(sub)
		}
	}
}

func (m *model) step(subs []webhook.SubscriptionID) {
	sub := subs[m.random.IntN(len(subs))]
	switch n := m.random.IntN(100); {
	case n < 35:
		m.record(subs)
	case n < 60:
		m.claim(sub)
	case n < 85:
		m.settleOne()
	case n < 90:
		m.back()
	case n < 93:
		m.retry()
	case n < 94:
		m.release(sub)
	case n < 98:
		m.through[sub], m.told[sub] = 0, true // who changes it asks
		if m.random.IntN(2) == 0 && m.made > 0 {
			m.through[sub] = m.made - m.random.Uint64N(min(m.made, 8))
		}
	default:
		m.reopen()
		clear(m.out)
	}
}

// hear notes of whom Waiting tells: of all for whom there is more than the last claim
// gave out.
func (m *model) hear(subs []webhook.SubscriptionID) {
	maps.Copy(m.told, m.stirred())
	for _, sub := range subs {
		if n := len(m.due(sub)); n > 0 && !m.told[sub] {
			m.Errorf("nobody is told of %d of %s", n, sub)
		}
	}
}

func (m *model) record(subs []webhook.SubscriptionID) {
	c := change{x: webhook.NewExchangeID(noon), order: fmt.Sprint(m.random.IntN(4)), subs: subs}
	if m.random.IntN(4) > 0 {
		c.lane = c.order
	}
	c.rank = webhook.Priority(m.random.IntN(3))
	got, err := m.recordOne(c.record())
	m.must(err)
	m.owed = append(m.owed, got.Deliveries...)
	m.made = got.Events[0].Position
}

// due returns what a claim must give out.
func (m *model) due(sub webhook.SubscriptionID) (ids []webhook.DeliveryID) {
	taken := map[string]bool{"": false}
	for _, d := range m.out {
		if d.Subscription == sub && d.Lane != "" {
			taken[d.Lane] = true
		}
	}
	for _, d := range m.owed {
		_, out := m.out[d.ID]
		if d.Subscription != sub || d.Position <= m.through[sub] || out || taken[d.Lane] {
			continue
		}
		taken[d.Lane] = d.Lane != ""
		if d.State == webhook.Held {
			continue
		}
		ids = append(ids, d.ID)
	}
	slices.Sort(ids)
	return ids
}

func (m *model) claim(sub webhook.SubscriptionID) {
	m.Helper()
	want := m.due(sub)
	ds := m.exam.claim(sub, m.through[sub], far)
	var got []webhook.DeliveryID
	for i, d := range ds {
		if i > 0 && d.Priority < ds[i-1].Priority {
			m.Errorf("priority %d after %d", d.Priority, ds[i-1].Priority)
		}
		got = append(got, d.ID)
		m.out[d.ID] = d
	}
	slices.Sort(got)
	m.hear(nil)
	m.told[sub] = false
	m.same(fmt.Sprintf("claim of %s through %d", sub, m.through[sub]), want, got)
}

// settleOne settles one that is given out, or now and then any.
func (m *model) settleOne() {
	for _, d := range m.owed {
		_, out := m.out[d.ID]
		if !out && m.random.IntN(60) > 0 || out && m.random.IntN(3) == 0 {
			continue
		}
		delete(m.out, d.ID)
		if out && m.random.IntN(8) == 0 {
			m.hold(d)
			return
		}
		i := slices.IndexFunc(m.owed, func(o webhook.Delivery) bool { return o.ID == d.ID })
		if out && m.random.IntN(3) == 0 {
			m.owed[i] = m.settle(d, webhook.Failed, noon)
			if !m.owed[i].State.Final() {
				return
			}
		} else {
			m.owed[i] = d.Cancel("", noon)
			m.must(m.Settle(bg, webhook.Settlement{Delivery: m.owed[i]}))
		}
		m.final = append(m.final, m.owed[i])
		m.owed = slices.Delete(m.owed, i, i+1)
		return
	}
}

// hold settles d as held, where it stands.
func (m *model) hold(d webhook.Delivery) {
	d.Settled = noon
	d = d.Hold()
	m.must(m.Settle(bg, webhook.Settlement{Delivery: d}))
	i := slices.IndexFunc(m.owed, func(o webhook.Delivery) bool { return o.ID == d.ID })
	m.owed[i] = d
}

// release makes all that is held of sub pending again.
func (m *model) release(sub webhook.SubscriptionID) {
	want := 0
	for i, d := range m.owed {
		if d.Subscription == sub && d.State == webhook.Held {
			m.owed[i] = d.Retry(noon)
			want++
		}
	}
	n, err := m.Release(bg, sub, noon)
	m.must(err)
	m.same("released", want, n)
}

// back takes back all that is given out.
func (m *model) back() {
	for id := range m.out {
		m.Unclaim(id)
	}
	clear(m.out)
}

// retry makes a final delivery pending again: it takes its old place.
func (m *model) retry() {
	if len(m.final) == 0 {
		return
	}
	i := m.random.IntN(len(m.final))
	d := m.final[i].Retry(noon)
	m.final = slices.Delete(m.final, i, i+1)
	m.must(m.Settle(bg, webhook.Settlement{Delivery: d}))
	at, _ := slices.BinarySearchFunc(m.owed, d, func(a, b webhook.Delivery) int { return int(a.Position) - int(b.Position) })
	m.owed = slices.Insert(m.owed, at, d)
}

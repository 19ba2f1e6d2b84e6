package badger

import (
	"strconv"
	"testing"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

// crowd is a queue that shows as much as it may, of so many subscriptions: the first was
// asked first.
type crowd struct {
	*queue
	lines []*line
	n     uint64
}

func newCrowd(lines int) *crowd {
	c := &crowd{queue: newQueue(nil)}
	for i := range lines {
		c.lines = append(c.lines, c.line(webhook.SubscriptionID(strconv.Itoa(i))))
		c.lines[i].claimed = time.Unix(int64(i), 0)
	}
	for i := range maxShown {
		c.show(i % lines)
	}
	return c
}

// show shows one more of a subscription.
func (c *crowd) show(i int) {
	c.n++
	p := queuePlace{due: c.n, place: place{position: c.n, tail: c.n}}
	c.shown(c.lines[i].id, c.lines[i].hold.open, "", p)
}

// What is shown is bounded over all subscriptions; those that were asked least lately are
// read from the disk again when they are.
func TestWhoWasAskedLeastLatelyIsShownNoMore(t *testing.T) {
	c := newCrowd(1000)
	c.show(999)
	all := 0
	for i, l := range c.lines {
		n := l.shown()
		all += n
		if first := &l.windows[webhook.Live]; (n == 0) == first.whole || (n > 0) != (i >= 249) {
			t.Errorf("of subscription %d, %d are shown, whole %v", i, n, first.whole)
		}
	}
	if all != c.shownN || all > maxShown-maxShown/4 {
		t.Errorf("%d are shown, and %d counted", all, c.shownN)
	}
}

// What it costs to show one more if what is shown is full.
func BenchmarkShowOneMore(b *testing.B) {
	for _, lines := range []int{1000, 40_000} { // there are more subscriptions than may be shown
		b.Run(strconv.Itoa(lines), func(b *testing.B) {
			c := newCrowd(lines)
			for i := maxShown; b.Loop(); i++ {
				c.show(i % lines)
			}
		})
	}
}

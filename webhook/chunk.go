package webhook

import (
	"slices"
	"time"
)

// Chunking says that a subscription gets the events of one exchange, scope and
// resource together.
type Chunking struct {
	Size  int           // events in one chunk at most; 0: each event is delivered by itself
	Delay time.Duration // chunk number K, from 0, is due after K times this
}

// MaxChunk bounds [Chunking].Size.
const MaxChunk = 1000

// chunkBytes ends a chunk early: when its events hold more than this.
const chunkBytes = 1 << 20

// Chunk makes a delivery carry more than one event, or one as the only one of a
// chunk. It is not changed once it is made.
type Chunk struct {
	Number  int       // among those of the exchange, scope, resource and subscription; from 0
	Further [][8]byte // tails of the ids of the events behind [Delivery].Event, which are of its exchange
}

// Events returns the events that d carries, in order; one, if it is no chunk.
func (d *Delivery) Events() []EventID {
	all := []EventID{d.Event}
	if d.Chunk == nil {
		return all
	}
	x, _, _ := d.Event.Exchange()
	for _, tail := range d.Chunk.Further {
		all = append(all, JoinEventID(x, tail))
	}
	return all
}

// WebhookID returns what the receiver knows d by, the same on every attempt and
// in every replay: the event's id, or the chunk's, "chk_" and 39 characters.
func (d *Delivery) WebhookID() string {
	if d.Chunk == nil {
		return string(d.Event)
	}
	parts := []string{string(d.Subscription)}
	for _, id := range d.Events() {
		parts = append(parts, string(id))
	}
	hash := hashParts(parts...)
	x, _, ok := d.Event.Exchange()
	if !ok {
		x = ExchangeID(hash)
	}
	return joinID(chunkPrefix, x, [8]byte(hash))
}

// ChunkExchange returns the exchange that a chunk's id names; ok is false for a
// text of another form.
func ChunkExchange(id string) (x ExchangeID, ok bool) {
	x, _, ok = splitID(id, chunkPrefix)
	return x, ok
}

// Owing gathers the deliveries that the events of one exchange cause. Its zero
// value is ready for use.
type Owing struct {
	Deliveries []Delivery

	// Ahead is how far what is due goes by a clock that is ahead of the one by which
	// deliveries are made.
	Ahead time.Duration

	open map[chunkKind]*openChunk
}

// chunkKind is what the events of a chunk have in common.
type chunkKind struct {
	sub             SubscriptionID
	scope, resource string
}

// openChunk is the last chunk of its kind.
type openChunk struct {
	at    int // of its delivery
	size  int
	bytes int
}

// Add adds a delivery of e to s, which wants it, or adds e to the chunk that is
// not full yet. now is when the deliveries are made; the order of the calls is
// that of the events.
func (o *Owing) Add(e *Event, s *Subscription, unjudged bool, now time.Time) {
	if s.Chunk.Size == 0 {
		o.Deliveries = append(o.Deliveries, newDelivery(e, s, unjudged, now))
		return
	}
	kind := chunkKind{s.ID, e.Scope, e.Key.Resource}
	c := o.open[kind]
	if c == nil || c.size >= s.Chunk.Size || c.bytes+e.Bytes() > chunkBytes {
		o.begin(kind, e, s, unjudged, now)
		return
	}
	c.size++
	c.bytes += e.Bytes()
	d := &o.Deliveries[c.at]
	d.Bytes = told(c.bytes)
	_, tail, _ := e.ID.Exchange()
	d.Chunk.Further = append(d.Chunk.Further, tail)
	d.Unjudged = d.Unjudged || unjudged
	if d.Lane != "" && d.Lane != s.Order.Lane(e) {
		d.Lane = ""
	}
}

// begin begins the next chunk of a kind with e. The first stays in the lane that
// all its events share; the others would hold theirs while they wait.
func (o *Owing) begin(kind chunkKind, e *Event, s *Subscription, unjudged bool, now time.Time) {
	d := newDelivery(e, s, unjudged, now)
	d.Chunk = &Chunk{}
	if last := o.open[kind]; last != nil {
		d.Chunk.Number = o.Deliveries[last.at].Chunk.Number + 1
		d.Lane = ""
		d.Due = now.Add(o.Ahead + time.Duration(d.Chunk.Number)*s.Chunk.Delay)
	}
	if o.open == nil {
		o.open = map[chunkKind]*openChunk{}
	}
	o.open[kind] = &openChunk{at: len(o.Deliveries), size: 1, bytes: e.Bytes()}
	o.Deliveries = append(o.Deliveries, d)
}

func newDelivery(e *Event, s *Subscription, unjudged bool, now time.Time) Delivery {
	return Delivery{
		ID: NewDeliveryID(e.ID, s.ID, 0), Event: e.ID, Subscription: s.ID, Lane: s.Order.Lane(e),
		Bytes: told(e.Bytes()), Unjudged: unjudged, State: Pending, Due: now, Created: now,
	}
}

// told is how [Delivery].Bytes says n.
func told(n int) int {
	if n < littleBytes {
		return 0
	}
	return n
}

// Carries reports whether d carries an event.
func (d *Delivery) Carries(id EventID) bool {
	if d.Event == id {
		return true
	}
	if d.Chunk == nil {
		return false
	}
	of, _, _ := d.Event.Exchange()
	x, tail, ok := id.Exchange()
	return ok && x == of && slices.Contains(d.Chunk.Further, tail)
}

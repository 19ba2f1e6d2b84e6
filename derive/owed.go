package derive

import (
	"context"
	"slices"
	"time"

	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/webhook"
)

// Bounds of the exchanges of earlier processes that wait for a GET of the
// service. Beyond them the oldest goes without.
const (
	maxOwed  = 256
	maxOwedB = maxOutstandingB / 4 // bytes of their bodies
)

// owed are exchanges that an earlier process left unrecorded, and whose
// after-GETs went with it. The service makes them, once all is read that ended
// after: only of the last exchange on an entity does a GET tell. An exchange waits
// here no longer than until another on one of its entities is read, so none waits
// behind it.
type owed struct {
	oldest []*owing
	lanes  map[webhook.EntityKey]*owing
	bytes  int
}

// owing is one of them.
type owing struct {
	call  *Call
	gets  []partFetch
	names []webhook.EntityKey // that its entity may have since, if that is one
	lanes []webhook.EntityKey
	size  int
}

// owe notes t, of an earlier process, if a GET would tell its after. Whatever is
// owed to its entities from before is not asked any more: the GET would show what
// t's call did, too.
func (d *Deriver) owe(t *ticket) {
	d.supersede(t.plan)
	lanes := d.Traffic.lanes(nil, t.keys)
	get := d.service(t.x)
	if get == nil {
		return
	}
	c := d.Traffic.recover(t.x.ID)
	gets := c.takeParts(owedParts(t.plan, get))
	if len(gets) == 0 {
		c.resolve(nil, false)
		return
	}
	names := t.plan.Subjects[0].Names() // only a single subject has any
	d.Traffic.leadAll(names, t.keys[0])
	d.owed.add(&owing{call: c, gets: gets, names: names, lanes: lanes, size: bodies(t.x)})
}

// owedParts returns the entities of a plan whose after get would show.
func owedParts(pl *rules.Plan, get Get) (parts []Part) {
	for i := range pl.Subjects {
		if target := pl.Subjects[i].Fetch; target != "" && len(parts) < maxOwed {
			parts = append(parts, Part{Key: pl.Subjects[i].Key, Fetch: func(ctx context.Context) *webhook.Observation { return get(ctx, target) }})
		}
	}
	return parts
}

// service returns what asks the api of x as itself; nil if nothing may.
func (d *Deriver) service(x *webhook.Exchange) Get {
	if d.Service == nil {
		return nil
	}
	return d.Service(x)
}

func (w *owed) add(o *owing) {
	if w.lanes == nil {
		w.lanes = make(map[webhook.EntityKey]*owing)
	}
	w.oldest = append(w.oldest, o)
	w.bytes += o.size
	for _, key := range o.lanes {
		w.lanes[key] = o
	}
	for len(w.oldest) > maxOwed || w.bytes > maxOwedB {
		w.drop(w.oldest[0])
	}
}

// drop lets o go without its GETs. A nil o is none.
func (w *owed) drop(o *owing) {
	if o == nil {
		return
	}
	w.take(o)
	for _, g := range o.gets {
		g.call.resolve(nil, false)
	}
	o.call.resolve(nil, false)
}

// take takes o out.
func (w *owed) take(o *owing) {
	w.oldest = slices.DeleteFunc(w.oldest, func(other *owing) bool { return other == o })
	w.bytes -= o.size
	for _, key := range o.lanes {
		if w.lanes[key] == o {
			delete(w.lanes, key)
		}
	}
}

// ask makes the GETs that are owed still.
func (w *owed) ask() {
	for _, o := range w.oldest {
		o.call.askNow(o.gets, o.names...)
	}
	*w = owed{}
}

// askNow makes the GETs of c's parts, as if c had ended now, but of entities on
// which a call of this process came first. names are others of its entity.
func (c *Call) askNow(gets []partFetch, names ...webhook.EntityKey) {
	gets = slices.DeleteFunc(gets, func(g partFetch) bool {
		late := c.traffic.mayHaveChanged(append(names, g.key)...)
		if late {
			g.call.resolve(nil, true)
		}
		return late
	})
	c.traffic.mu.Lock()
	c.ended = time.Now()
	c.traffic.mu.Unlock()
	c.traffic.fetches.Go(func() { c.observeParts(gets) })
}

// bodies returns how many bytes the bodies of x hold.
func bodies(x *webhook.Exchange) int {
	n := cap(x.Request.Body.Bytes) + cap(x.Response.Body.Bytes)
	if x.Before != nil {
		n += cap(x.Before.Body.Bytes)
	}
	return n
}

// supersede drops what is owed to the entities that a plan's exchange is about.
func (d *Deriver) supersede(pl *rules.Plan) {
	for _, key := range d.Traffic.lanes(nil, pl.Keys(nil)) {
		d.owed.drop(d.owed.lanes[key])
	}
}

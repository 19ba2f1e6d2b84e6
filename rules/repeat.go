package rules

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/sidehook/sidehook/rules/likeness"
	"github.com/sidehook/sidehook/webhook"
)

// repeatFor is how long a call with an Idempotency-Key is remembered.
const repeatFor = 24 * time.Hour

// repeatResource is the resource of the snapshots by which calls with an
// Idempotency-Key are remembered. No configuration can declare it.
const repeatResource = "!repeat"

// IsRepeat reports whether a key is no entity's, but stands for a call with an
// Idempotency-Key: the exchanges of such calls have a lane of their own, and
// its snapshot says which entities the first of them named.
func IsRepeat(key webhook.EntityKey) bool { return key.Resource == repeatResource }

// repeatKey returns what the call is remembered by, if it may be a repeat or be
// repeated: it carries an Idempotency-Key
// (draft-ietf-httpapi-idempotency-key-header) and a credential, and the API said
// that it was done, or a GET may show it. It is the same for the same caller, api,
// tenant, method, path, query, key and body.
func (c *call) repeatKey() (webhook.EntityKey, bool) {
	q := &c.x.Request
	key := cmp.Or(q.Header.Get("Idempotency-Key"), q.Header.Get("X-Idempotency-Key"))
	if key == "" || len(q.Caller) == 0 || !q.Body.Whole() || c.later {
		return webhook.EntityKey{}, false
	}
	sum := hashAll(q.Caller, []byte(c.p.method(q)), []byte(q.Path), []byte(q.Query), []byte(key), q.Body.Bytes)
	return webhook.EntityKey{API: c.p.api, Tenant: c.vars.keyTenant(), Resource: repeatResource, ID: sum}, true
}

// repeats reports whether the plan's exchange repeats the one that first
// remembers: that was done at most 24 hours ago, and the answer names the same
// entities or none.
func (pl *Plan) repeats(first *webhook.Snapshot) bool {
	if first.Exchange == (webhook.ExchangeID{}) || pl.call.x.Started.Sub(first.Seen) > repeatFor {
		return false
	}
	return len(pl.Subjects) == 0 || pl.named() == first.Version
}

// done reports whether what came of the plan's exchange shows that it was done.
func (pl *Plan) done(out *Derived) bool {
	return !pl.call.unsure || slices.ContainsFunc(out.Events, func(e webhook.Event) bool { return e.Gap == nil })
}

// remember returns what recognises repeats of the plan's exchange.
func (pl *Plan) remember() webhook.Snapshot {
	x := pl.call.x
	return webhook.Snapshot{
		Key: pl.repeat, Seen: x.Ended, Via: webhook.FromRequest, Exchange: x.ID,
		Version: pl.named(), Until: x.Ended.Add(repeatFor),
	}
}

// replay reports whether the API says that it did nothing but answer as it had
// answered an earlier call.
func (c *call) replay() bool {
	h := c.x.Response.Header
	said := cmp.Or(h.Get("Idempotent-Replayed"), h.Get("Idempotency-Replayed"), h.Get("X-Idempotent-Replayed"))
	return strings.EqualFold(strings.TrimSpace(said), "true")
}

// isAnswerAgain reports whether a create that shows what is there already, otherwise than
// it is, may be answered as an earlier call was: nothing else gives a new thing the id
// of another, unless the request chose it.
func (d *deriver) isAnswerAgain(ch *change) bool {
	if now := d.version(ch.o.body); now != "" && ch.snap.Version != "" && likeness.Older(ch.snap.Version, now) {
		return false
	}
	return ch.s.Kind == Create && !d.e.named && !d.e.res.singular && !d.e.res.hasID(object(ch.s.asked))
}

// replays reports whether the exchange did nothing to s because it is a replay.
// Of an entity that nothing is known of, the first call may have been missed: its
// answer is believed.
func (d *deriver) replays(s *Subject, snap *webhook.Snapshot) bool {
	switch s.Kind {
	case Create:
		return d.replay() && snap.Sequence > 0
	case Update, Upsert, Delete:
		return d.replay() && snap.Known()
	}
	return false
}

// replayed records that nothing became of s.
func (d *deriver) replayed(s *Subject, snap *webhook.Snapshot) {
	ch := &d.change
	*ch = change{s: s, snap: snap, b: d.before(s, snap, d.alone), same: true}
	ch.o = unknownAfter
	d.trace.begin(d, ch, Seen{})
	d.out.NoChange++
}

// named stands for the entities of the plan.
func (pl *Plan) named() string {
	parts := make([][]byte, 0, 2*len(pl.Subjects))
	for i := range pl.Subjects {
		k := &pl.Subjects[i].Key
		parts = append(parts, []byte(k.Resource), []byte(k.ID))
	}
	return hashAll(parts...)
}

// hashAll hashes parts unambiguously, each with its length.
func hashAll(parts ...[]byte) string {
	h := sha256.New()
	for _, p := range parts {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(p)))
		h.Write(n[:])
		h.Write(p)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

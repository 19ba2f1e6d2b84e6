package badger

import (
	"context"
	"errors"
	"fmt"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// Record implements [store.Recorder]. Derive is called by the caller's
// goroutine, on what is committed and what the records before lead to. If the
// committer finds that one of the snapshots has changed since, it calls Derive
// again.
func (s *Store) Record(ctx context.Context, rs []store.Record) ([]store.Recorded, error) {
	c := &recordCall{parts: make([]recording, len(rs)), results: make([]store.Recorded, len(rs))}
	open := false
	for i := range rs {
		p := &c.parts[i]
		p.Record, p.result = &rs[i], &c.results[i]
		if s.marks.has(p.Exchange) {
			p.end(store.Recorded{Duplicate: true})
			continue
		}
		if err := c.derive(s, p); err != nil {
			return nil, err
		}
		open = true
	}
	if !open {
		return c.results, nil
	}
	if err := s.hand(ctx, &member{work: c.work, next: c.next}); err != nil {
		return nil, err
	}
	return c.results, nil
}

// recordCall is a call of Record: a member with one part for each record.
type recordCall struct {
	parts   []recording
	results []store.Recorded
	at      int // the part that the committer is at

	// latest are the snapshots that records of this call lead to.
	latest map[webhook.EntityKey]*kept

	// strayed: a record was not committed as it was derived first, so what
	// leans on its snapshots is derived again.
	strayed bool
}

// derive derives p before it is handed over.
func (c *recordCall) derive(s *Store, p *recording) error {
	err := p.derive(func(k webhook.EntityKey) (*kept, error) {
		if found, ok := c.latest[k]; ok {
			p.leans = true
			return found, nil
		}
		found, err := s.readLatest(k)
		return &found, err
	})
	switch {
	case err == nil:
		c.note(p)
	case p.leans && !isTrouble(err):
		p.failed = err
	default:
		return p.fail(err)
	}
	return nil
}

// note keeps the snapshots that p leads to, for those behind it. The position
// of their newest event follows when p is put.
func (c *recordCall) note(p *recording) {
	for i := range p.change.Snapshots {
		if c.latest == nil {
			c.latest = make(map[webhook.EntityKey]*kept, len(c.parts))
		}
		next := p.change.kept(i)
		c.latest[next.snapshot.Key] = next
	}
}

// kept returns snapshot i as it will be read when c is put.
func (c *changes) kept(i int) *kept {
	of := &c.chains[i]
	return &kept{snapshotHead: of.head, digest: of.prior.digest, near: of.near, snapshot: c.Snapshots[i]}
}

// work is the member's work on the part that it is at.
func (c *recordCall) work(t *tx) error {
	p := &c.parts[c.at]
	if p.ended {
		return nil
	}
	as, err := p.put(t, c.strayed)
	if err == nil {
		err = t.mine.err
	}
	if err != nil {
		t.forget()
		as, err = rederived, p.fail(err)
	}
	c.strayed = c.strayed || as == rederived
	return err
}

// next moves on to the next part.
func (c *recordCall) next() bool {
	c.at++
	return c.at < len(c.parts)
}

// recording is a record on its way.
type recording struct {
	*store.Record
	result *store.Recorded
	ended  bool  // the result is final, and nothing is written
	leans  bool  // prior has snapshots of records of the same call
	failed error // the error of Derive, which counts if what it leaned on is put
	prior  map[webhook.EntityKey]*kept
	change changes
}

// end makes r the result.
func (p *recording) end(r store.Recorded) { *p.result, p.ended = r, true }

// fail ends p with an error that is its own, and returns one that is the
// store's trouble.
func (p *recording) fail(err error) error {
	if isTrouble(err) {
		return err
	}
	p.end(store.Recorded{Err: err})
	return nil
}

// isTrouble reports whether err is the store's and not of one record.
func isTrouble(err error) bool {
	var read *readError
	return errors.As(err, &read) || errors.Is(err, errNotOpen)
}

// derive computes the consequences from the snapshots that read returns.
func (p *recording) derive(read func(webhook.EntityKey) (*kept, error)) error {
	p.prior = make(map[webhook.EntityKey]*kept, len(p.Entities))
	before := make([]webhook.Snapshot, len(p.Entities))
	for i, k := range p.Entities {
		found, err := p.read(k, read)
		if err == nil && found.snapshot.Alias != "" {
			k.ID = found.snapshot.Alias
			found, err = p.read(k, read)
		}
		if err != nil {
			return err
		}
		before[i] = found.snapshot
	}
	c, err := p.consequences(before)
	if err != nil {
		return err
	}
	for i := range c.Snapshots {
		if _, err := p.read(c.Snapshots[i].Key, read); err != nil {
			return err
		}
	}
	p.change = newChanges(p.prior, c)
	return nil
}

// consequences calls Derive; a panic of it is its error.
func (p *recording) consequences(before []webhook.Snapshot) (c store.Consequences, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic while %s was derived: %v", p.Exchange, r)
		}
	}()
	return p.Derive(before)
}

func (p *recording) read(k webhook.EntityKey, read func(webhook.EntityKey) (*kept, error)) (*kept, error) {
	if found, ok := p.prior[k]; ok {
		return found, nil
	}
	found, err := read(k)
	if err != nil {
		return nil, fmt.Errorf("record %s: snapshot of %s: %w", p.Exchange, k, err)
	}
	p.prior[k] = found
	return found, nil
}

// How a record was put.
type putAs int

const (
	derived   putAs = iota // as it was derived first
	rederived              // or not at all
)

// put puts p's consequences and its mark. strayed says that the records of the
// call before it are not what p was derived from.
func (p *recording) put(t *tx, strayed bool) (putAs, error) {
	*p.result = store.Recorded{}
	if t.marked(p.Exchange) {
		p.result.Duplicate = true
		return rederived, nil
	}
	as := derived
	same, err := p.unchanged(t)
	if err != nil {
		return as, err
	}
	stands := same && !(strayed && p.leans)
	switch {
	case stands && p.failed != nil:
		p.end(store.Recorded{Err: p.failed})
		return as, nil
	case !stands:
		as = rederived
		err := p.derive(func(k webhook.EntityKey) (*kept, error) {
			found, err := readKept(t, k)
			return &found, err
		})
		if err != nil {
			return as, err
		}
	}
	if p.result.Consequences, err = t.putChanges(&p.change); err != nil {
		return as, fmt.Errorf("record %s: %w", p.Exchange, err)
	}
	t.mark(mark{p.Segment, p.Exchange})
	return as, nil
}

// unchanged reports whether the snapshots are still those that Derive saw.
func (p *recording) unchanged(t *tx) (bool, error) {
	for _, prior := range p.prior {
		v, err := t.get(keySnapshot(prior.digest))
		if err != nil {
			return false, err
		}
		if !v.found() {
			if prior.rev != 0 {
				return false, nil
			}
			continue
		}
		data := v.bytes
		if v.long {
			if data, err = joinPieces(t, keySnapshot(prior.digest), v.bytes); err != nil {
				return false, err
			}
		}
		head, _, err := parseHead(data)
		if err != nil || head.rev != prior.rev {
			return false, err
		}
		prior.snapshotHead = head // its newest event was placed only when it was put
	}
	return true, nil
}

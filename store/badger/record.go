package badger

import (
	"context"
	"fmt"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// Record implements [store.Recorder]. Derive is called by the caller's
// goroutine, on what is committed. If the committer finds that one of the
// snapshots has changed since, it calls Derive again.
func (s *Store) Record(ctx context.Context, r store.Record) (store.Recorded, error) {
	if s.marks.has(r.Exchange) {
		return store.Recorded{Duplicate: true}, nil
	}
	p := &recording{Record: r}
	if err := p.derive(s.readLatest); err != nil {
		return store.Recorded{}, err
	}
	if err := s.commit(ctx, p.work); err != nil {
		return store.Recorded{}, err
	}
	return p.result, nil
}

// recording is a record on its way.
type recording struct {
	store.Record
	prior  map[webhook.EntityKey]*kept
	change changes
	result store.Recorded
}

// derive computes the consequences from the snapshots that read returns.
func (p *recording) derive(read func(webhook.EntityKey) (kept, error)) error {
	p.prior = make(map[webhook.EntityKey]*kept, len(p.Entities))
	before := make([]webhook.Snapshot, len(p.Entities))
	for i, k := range p.Entities {
		found, err := p.read(k, read)
		if err != nil {
			return err
		}
		before[i] = found.snapshot
	}
	c, err := p.Derive(before)
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

func (p *recording) read(k webhook.EntityKey, read func(webhook.EntityKey) (kept, error)) (*kept, error) {
	if found, ok := p.prior[k]; ok {
		return found, nil
	}
	found, err := read(k)
	if err != nil {
		return nil, fmt.Errorf("record %s: snapshot of %s: %w", p.Exchange, k, err)
	}
	p.prior[k] = &found
	return &found, nil
}

// work is the member's work.
func (p *recording) work(t *tx) error {
	p.result = store.Recorded{}
	if t.marked(p.Exchange) {
		p.result.Duplicate = true
		return nil
	}
	same, err := p.unchanged(t)
	if err != nil {
		return err
	}
	if !same {
		read := func(k webhook.EntityKey) (kept, error) { return readKept(t, k) }
		if err := p.derive(read); err != nil {
			return err
		}
	}
	if p.result.Consequences, err = t.putChanges(&p.change); err != nil {
		return fmt.Errorf("record %s: %w", p.Exchange, err)
	}
	t.mark(mark{p.Segment, p.Exchange})
	return nil
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
	}
	return true, nil
}

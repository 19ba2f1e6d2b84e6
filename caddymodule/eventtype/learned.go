package eventtype

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/sidehook/sidehook/internal/shape"
	"github.com/sidehook/sidehook/rules"
	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// Bounds of what is learned of event types.
const (
	maxLearned  = 500         // types
	maxNamed    = 5_000       // scopes whose type is known at once
	maxTaught   = 256 << 10   // bytes of a document that teaches
	taughtFirst = 50          // documents of a type that all teach
	taughtEvery = time.Second // behind those, one in so long does
	keepTypes   = 30 * time.Second
	typeNotes   = "type/" // prefix of the notes that they are kept in
)

// Learned is what traffic has taught of event types: which fields there are, of
// which types, and no value. What is learned is kept from time to time: what was
// not comes again with the traffic.
type Learned struct {
	mu    sync.Mutex
	types map[string]*learnedType
	named map[[2]string]*learnedType // by api and scope; nil: of no type
	of    *rules.Program             // the first of those by which named is
}

// Earned is what the rules in force can earn.
type Earned interface {
	// First returns the first of them, which stands for all: if it is another, so
	// may be what they earn. nil: there is none.
	First() *rules.Program

	// EventTypes returns what they can earn, by scope.
	EventTypes() []Type
}

type learnedType struct {
	key    string
	shape  shape.Shape
	taught int
	last   time.Time
	kept   bool
}

// Load reads what an earlier process has kept.
func (l *Learned) Load(ctx context.Context, notes store.Notes) error {
	l.types = map[string]*learnedType{}
	found, err := notes.Notes(ctx, typeNotes, maxLearned)
	if err != nil {
		return fmt.Errorf("read what is known of event types: %w", err)
	}
	for _, n := range found {
		t := &learnedType{key: strings.TrimPrefix(n.Key, typeNotes), taught: taughtFirst, kept: true}
		if json.Unmarshal(n.Value, &t.shape) == nil {
			l.types[t.key] = t
		}
	}
	return nil
}

// Learn lets an event teach what events of its type look like.
func (l *Learned) Learn(s Earned, ev *webhook.Event, now time.Time) {
	data := dataOf(ev)
	if ev.Gap != nil || len(data) == 0 || len(data) > maxTaught {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.typeOf(s, ev)
	if t == nil || t.taught >= taughtFirst && now.Sub(t.last) < taughtEvery {
		return
	}
	t.taught, t.last, t.kept = t.taught+1, now, false
	t.shape.Learn(data, GroupOf(ev.Tenant, ev.Unowned))
}

// dataOf is what the standard payload of an event has as data.
func dataOf(ev *webhook.Event) json.RawMessage {
	if ev.Operation == webhook.Called {
		return ev.Item
	}
	return ev.Entity()
}

// GroupOf names a tenant, and does not tell which. What has no owner is the
// operator's.
func GroupOf(tenant string, unowned bool) uint64 {
	if unowned {
		return 0
	}
	sum := sha256.Sum256([]byte(tenant))
	return max(1, binary.BigEndian.Uint64(sum[:])>>1)
}

// typeOf returns the type of an event, nil if there is none. l.mu is held.
func (l *Learned) typeOf(s Earned, ev *webhook.Event) *learnedType {
	first := s.First()
	if first == nil {
		return nil
	}
	if l.of != first {
		l.of, l.named = first, map[[2]string]*learnedType{}
	}
	at := [2]string{ev.Key.API, ev.Scope}
	t, known := l.named[at]
	if known || len(l.named) >= maxNamed {
		return t
	}
	for _, declared := range s.EventTypes() {
		if declared.API != ev.Key.API || !Fills(declared.Name, ev.Scope) {
			continue
		}
		if t = l.types[declared.Key()]; t == nil && len(l.types) < maxLearned {
			t = &learnedType{key: declared.Key()}
			l.types[t.key] = t
		}
		break
	}
	l.named[at] = t
	return t
}

// ShapeOf returns what is known of a type, as JSON of a [shape.Shape] that is the
// caller's own.
func (l *Learned) ShapeOf(t *Type) (s shape.Shape, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	known := l.types[t.Key()]
	if known == nil {
		return s, nil
	}
	text, err := json.Marshal(&known.shape)
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	return s, err
}

// keep makes durable what was learned since, and forgets the types that no rule
// in force earns, if others need their room.
func (l *Learned) keep(ctx context.Context, s Earned, notes store.Notes) error {
	l.mu.Lock()
	var put []store.Note
	for _, t := range l.types {
		if t.kept {
			continue
		}
		text, err := json.Marshal(&t.shape)
		if err != nil {
			l.mu.Unlock()
			return err
		}
		t.kept = true
		put = append(put, store.Note{Key: typeNotes + t.key, Value: text})
	}
	if len(l.types) >= maxLearned {
		put = append(put, l.forget(s)...)
	}
	l.mu.Unlock()
	if len(put) == 0 {
		return nil
	}
	return notes.PutNotes(ctx, put...)
}

// forget drops the types that no rule of s earns. l.mu is held.
func (l *Learned) forget(s Earned) (gone []store.Note) {
	earned := map[string]bool{}
	for _, t := range s.EventTypes() {
		earned[t.Key()] = true
	}
	for key := range l.types {
		if !earned[key] {
			delete(l.types, key)
			gone = append(gone, store.Note{Key: typeNotes + key})
		}
	}
	l.of = nil
	return gone
}

// Keep keeps in notes what is learned, from time to time and when ctx ends. now
// returns what counts, and failed is told what could not be kept.
func (l *Learned) Keep(ctx context.Context, now func() Earned, notes store.Notes, failed func(error)) {
	tick := time.NewTicker(keepTypes)
	defer tick.Stop()
	for ended := false; !ended; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			ended = true
		}
		if err := l.keep(context.WithoutCancel(ctx), now(), notes); err != nil {
			failed(err)
		}
	}
}

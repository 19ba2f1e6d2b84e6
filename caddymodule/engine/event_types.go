package engine

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
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

// EventType is something that a rule can earn.
type EventType struct {
	API string
	rules.Scope
}

// Key orders event types, and is of one alone.
func (t *EventType) Key() string { return t.Name + " " + t.API }

// EventTypes returns what the rules in force can earn, by scope.
func (s *Settings) EventTypes() (types []EventType) {
	for _, h := range s.Handlers {
		for _, scope := range h.Program.Scopes() {
			types = append(types, EventType{h.Program.API(), scope})
		}
	}
	slices.SortStableFunc(types, func(a, b EventType) int { return strings.Compare(a.Key(), b.Key()) })
	return slices.CompactFunc(types, func(a, b EventType) bool { return a.Key() == b.Key() })
}

// learned is what traffic has taught of event types: which fields there are, of
// which types, and no value. What is learned is kept from time to time: what was
// not comes again with the traffic.
type learned struct {
	mu    sync.Mutex
	types map[string]*learnedType
	named map[[2]string]*learnedType // by api and scope; nil: of no type
	of    *Handler                   // the first of those by which named is
}

type learnedType struct {
	key    string
	shape  shape.Shape
	taught int
	last   time.Time
	kept   bool
}

// load reads what an earlier process has kept.
func (l *learned) load(ctx context.Context, notes store.Notes) error {
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

// learn lets an event teach what events of its type look like.
func (l *learned) learn(s *Settings, ev *webhook.Event, now time.Time) {
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
func (l *learned) typeOf(s *Settings, ev *webhook.Event) *learnedType {
	if len(s.Handlers) == 0 {
		return nil
	}
	if l.of != s.Handlers[0] {
		l.of, l.named = s.Handlers[0], map[[2]string]*learnedType{}
	}
	at := [2]string{ev.Key.API, ev.Scope}
	t, known := l.named[at]
	if known || len(l.named) >= maxNamed {
		return t
	}
	for _, declared := range s.EventTypes() {
		if declared.API != ev.Key.API || !FillsScope(declared.Name, ev.Scope) {
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

// FillsScope reports whether scope is what a declared one may come to, whose
// parameters stand in braces.
func FillsScope(declared, scope string) bool {
	if !strings.Contains(declared, "{") {
		return declared == scope
	}
	pattern := ScopeParameter.ReplaceAllLiteralString(regexp.QuoteMeta(declared), `[A-Za-z0-9_-]+`)
	ok, err := regexp.MatchString("^"+pattern+"$", scope)
	return ok && err == nil
}

// ScopeParameter is {name}, as QuoteMeta writes it or not.
var ScopeParameter = regexp.MustCompile(`\\?\{[a-z_][a-z0-9_]*\\?\}`)

// ShapeOf returns what is known of a type, as JSON of a [shape.Shape] that is the
// caller's own.
func (l *learned) ShapeOf(t *EventType) (s shape.Shape, err error) {
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
func (l *learned) keep(ctx context.Context, s *Settings, notes store.Notes) error {
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
func (l *learned) forget(s *Settings) (gone []store.Note) {
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

// keepLearned keeps what is learned of event types, from time to time and when
// ctx ends.
func (e *Engine) keepLearned(ctx context.Context) {
	tick := time.NewTicker(keepTypes)
	defer tick.Stop()
	for ended := false; !ended; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			ended = true
		}
		if err := e.Learned.keep(context.WithoutCancel(ctx), e.Current(), e.Store); err != nil {
			e.Logger.Warn("what is known of event types is not kept", "error", err)
		}
	}
}

// DescribeType says what t is, in words.
func DescribeType(t *EventType) string {
	if t.Description != "" {
		return t.Description
	}
	last := t.Name[strings.LastIndexAny(t.Name, "./")+1:]
	what := strings.NewReplacer("{", "", "}", "", "_", " ", ".", " ").Replace(t.Resource)
	switch last {
	case "created", "updated", "deleted":
		if rest := strings.TrimSuffix(t.Name, last); rest == t.Resource+"." || rest == t.Resource+"/" {
			return fmt.Sprintf("A %s was %s.", what, last)
		}
	}
	words := strings.FieldsFunc(strings.TrimPrefix(t.Name, t.Resource), func(r rune) bool { return r == '.' || r == '/' })
	return fmt.Sprintf("Of a %s: %s.", what, cmp.Or(strings.ReplaceAll(strings.Join(words, " "), "_", " "), last))
}

// ExampleScope is t's scope, with the names of its parameters as their values.
func (t *EventType) ExampleScope() string {
	return strings.NewReplacer("{", "", "}", "").Replace(t.Name)
}

// ExampleResource is t's resource, with the names of its parameters as their values.
func (t *EventType) ExampleResource() string {
	return strings.NewReplacer("{", "", "}", "").Replace(t.Resource)
}

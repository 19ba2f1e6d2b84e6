package hosts

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sidehook/sidehook/examples/receiver"
)

// account is what an application itself says had changed: for each entity, as
// "resource/id", the states that it went through, in the application's order.
type account map[string][]state

// state is an entity as the application kept it.
type state struct {
	body   string // JSON; "" when it was deleted
	unseen bool   // it came about past Sidehook
}

// add appends a state to an entity's list.
func (a account) add(entity, body string) { a[entity] = append(a[entity], state{body: body}) }

// events returns the lines, one for each event, that the account of one entity
// must have caused. A change in ignored fields alone is none.
func (a account) events(t *testing.T, entity string, ignored []string) (lines []string) {
	t.Helper()
	var before map[string]any
	for _, s := range a[entity] {
		after := object(t, s.body)
		switch {
		case s.unseen, before == nil && after == nil:
		case before == nil:
			lines = append(lines, "created "+text(after))
		case after == nil:
			lines = append(lines, "deleted "+text(before))
		default:
			if was := previous(before, after); !onlyIn(was, ignored) {
				lines = append(lines, "updated "+text(after)+" was "+text(without(was, ignored)))
			}
		}
		before = after
	}
	return lines
}

// compare fails the test unless the webhooks of the plain scopes are, for each
// entity, what the application says had changed, numbered without holes; other
// scopes must be among allowed.
func compare(t *testing.T, a account, events []receiver.Event, ignored []string, allowed ...string) {
	t.Helper()
	got := map[string][]string{}
	for _, e := range events {
		kind, verb, _ := strings.Cut(e.Type, ".")
		entity := e.Entity.Type + "/" + e.Entity.ID
		if kind != e.Entity.Type || !slices.Contains([]string{"created", "updated", "deleted"}, verb) {
			if !slices.Contains(allowed, e.Type) {
				t.Errorf("nobody asked for %s of %s", e.Type, entity)
			}
			continue
		}
		got[entity] = append(got[entity], line(t, verb, e, ignored))
		if n := uint64(len(got[entity])); e.Entity.Sequence != n {
			t.Errorf("the %s of %s is #%d, want #%d", e.Type, entity, e.Entity.Sequence, n)
		}
	}
	want := map[string][]string{}
	for entity := range a {
		if lines := a.events(t, entity, ignored); len(lines) > 0 {
			want[entity] = lines
		}
	}
	if len(want) == 0 {
		t.Error("the application says that nothing had changed: this compares nothing")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what the application says (-) and what Sidehook said (+):\n%s", diff)
	}
}

// count returns how many events have a scope.
func count(events []receiver.Event, scope string) (n int) {
	for _, e := range events {
		if e.Type == scope {
			n++
		}
	}
	return n
}

// wantChain fails the test unless each of one entity's events begins where the
// one before ended, and the last ends at now.
func wantChain(t *testing.T, events []receiver.Event, now string) {
	t.Helper()
	var last map[string]any
	for _, e := range events {
		data := object(t, string(e.Data))
		if e.Previous != nil {
			if was, want := text(object(t, string(e.Previous))), text(previous(last, data)); was != want {
				t.Errorf("%s #%d came from %s, after the event before it from %s", e.Type, e.Entity.Sequence, was, want)
			}
		}
		last = data
	}
	if got, want := text(last), text(object(t, now)); got != want {
		t.Errorf("the events end with %s, and the application has %s", got, want)
	}
}

// line writes an event as account.events does.
func line(t *testing.T, verb string, e receiver.Event, ignored []string) string {
	t.Helper()
	line := verb + " " + text(object(t, string(e.Data)))
	if verb != "updated" {
		return line
	}
	if len(e.Previous) == 0 {
		return line + " was ?"
	}
	return line + " was " + text(without(object(t, string(e.Previous)), ignored))
}

// previous returns what differs, with the old values, nested as the entity is;
// what was not there is null.
func previous(before, after map[string]any) map[string]any {
	was := map[string]any{}
	for name, old := range before {
		now, kept := after[name]
		oldFields, nested := old.(map[string]any)
		nowFields, both := now.(map[string]any)
		switch {
		case nested && both:
			if below := previous(oldFields, nowFields); len(below) > 0 {
				was[name] = below
			}
		case !kept || text(old) != text(now):
			was[name] = old
		}
	}
	for name := range after {
		if _, had := before[name]; !had {
			was[name] = nil
		}
	}
	return was
}

func onlyIn(was map[string]any, ignored []string) bool { return len(without(was, ignored)) == 0 }

func without(fields map[string]any, names []string) map[string]any {
	rest := map[string]any{}
	for name, value := range fields {
		if !slices.Contains(names, name) {
			rest[name] = value
		}
	}
	return rest
}

// object reads JSON, numbers with their digits; nil for "".
func object(t *testing.T, body string) (fields map[string]any) {
	t.Helper()
	if body == "" {
		return nil
	}
	dec := json.NewDecoder(strings.NewReader(body))
	dec.UseNumber()
	if err := dec.Decode(&fields); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return fields
}

// text writes a value in one way only: names sorted.
func text(value any) string {
	out, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(out)
}

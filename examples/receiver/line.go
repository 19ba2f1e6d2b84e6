package receiver

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Line tells a in one line, for people.
func (a Arrival) Line() string {
	if !a.Accepted() {
		return fmt.Sprintf("✗ %d %s, attempt %d: %s", a.Status, a.ID, a.Attempt, a.Problem)
	}
	line := fmt.Sprintf("✓ %s  %s", a.Event.Type, a.Event.Subject())
	if changes := a.Event.Changes(); len(changes) > 0 {
		line += "  " + strings.Join(changes, ", ")
	}
	if a.Attempt > 1 {
		line += fmt.Sprintf("  (attempt %d)", a.Attempt)
	}
	if a.Repeat {
		line += "  (seen before: nothing to do)"
	}
	return line
}

// Subject names the entity, like "project 1001 #2".
func (e *Event) Subject() string {
	return fmt.Sprintf("%s %s #%d", e.Entity.Type, e.Entity.ID, e.Entity.Sequence)
}

// Changes tells what differs, one "path: old → new" for each changed value,
// sorted: the old values are in previous, the new ones in data.
func (e *Event) Changes() []string {
	if len(e.Previous) == 0 || bytes.Equal(e.Previous, []byte("null")) {
		return nil
	}
	var changes []string
	compare("", decode(e.Previous), decode(e.Data), &changes)
	slices.Sort(changes)
	return changes
}

func compare(path string, old, now any, changes *[]string) {
	fields, nested := old.(map[string]any)
	current, both := now.(map[string]any)
	if !nested || !both {
		*changes = append(*changes, fmt.Sprintf("%s: %s → %s", path, show(old), show(now)))
		return
	}
	for name, value := range fields {
		compare(strings.TrimPrefix(path+"."+name, "."), value, current[name], changes)
	}
}

// decode keeps the digits of numbers: 15000.00 stays 15000.00.
func decode(text []byte) any {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var value any
	if err := dec.Decode(&value); err != nil {
		return nil
	}
	return value
}

// show writes a value as a person would: text without quotes, nothing as –.
func show(value any) string {
	switch v := value.(type) {
	case nil:
		return "–"
	case string:
		return v
	}
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(text)
}

package main

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/sidehook/sidehook/examples/receiver"
)

// is reports whether a is the webhook that w describes.
func (w want) is(a receiver.Arrival) bool {
	return w.line() == line(a) && bytes.Contains(a.Event.Data, []byte(w.has))
}

func (w want) line() string {
	return strings.TrimSpace(w.scope + "  " + w.subject + "  " + w.changes)
}

func line(a receiver.Arrival) string {
	e := a.Event
	return strings.TrimSpace(e.Type + "  " + e.Subject() + "  " + strings.Join(changes(a), ", "))
}

// changes are those of a but updated_at, which the API sets at every call: its
// value is not known before, and alone it earns nothing (ignore, in the Caddyfile).
func changes(a receiver.Arrival) []string {
	return slices.DeleteFunc(a.Event.Changes(), func(change string) bool {
		return strings.HasPrefix(change, "updated_at: ")
	})
}

// judge says whether exactly what the story wants arrived: everything, once,
// in order per entity, and nothing else.
func judge(s *stage, took time.Duration, out io.Writer) error {
	events, err := s.settled()
	if err != nil {
		return fmt.Errorf("%w\n%s", err, s.difference())
	}
	if difference := s.difference(); difference != "" {
		return fmt.Errorf("what arrived is not what was expected (- missing, + too much):\n%s", difference)
	}
	if disorder := s.disorder(); disorder != "" {
		return fmt.Errorf("%s", disorder)
	}
	if want := distinct(); events != want {
		return fmt.Errorf("sidehook recorded %d events, not %d", events, want)
	}
	calls, webhooks, refused := 0, 0, 0
	for _, step := range story {
		if step.method != "" {
			calls++
		}
	}
	for _, r := range s.receivers {
		arrivals, _ := r.Arrivals()
		for _, a := range arrivals {
			if a.Accepted() {
				webhooks++
			} else {
				refused++
			}
		}
	}
	fmt.Fprintf(out, "\n%d calls, %d events, %d webhooks, each signed, expected and in order; %d attempts were refused and\n"+
		"made again. Nothing is missing, nothing came twice. It took %.1f s.\n", calls, events, webhooks, refused, took.Seconds())
	return nil
}

// difference lists what is missing and what came beyond the steps that were
// played; "" if nothing.
func (s *stage) difference() string {
	var diff []string
	for _, name := range names {
		missing := wanted(name, story[:s.played])
		arrivals, _ := s.receivers[name].Arrivals()
		for _, a := range arrivals {
			switch i := slices.IndexFunc(missing, func(w want) bool { return w.is(a) }); {
			case !a.Accepted() && a.Status != 503:
				diff = append(diff, fmt.Sprintf("+ %s: %s", name, a.Line()))
			case !a.Accepted():
			case i >= 0:
				missing = slices.Delete(missing, i, i+1)
			default:
				diff = append(diff, fmt.Sprintf("+ %s: %s  [%s]", name, line(a), a.ID))
			}
		}
		for _, m := range missing {
			diff = append(diff, strings.TrimSpace(fmt.Sprintf("- %s: %s  %s", name, m.line(), m.has)))
		}
	}
	return strings.Join(diff, "\n")
}

// disorder names an entity whose sequence went back at a receiver; "" if none.
func (s *stage) disorder() string {
	for _, name := range names {
		last := map[string]uint64{}
		arrivals, _ := s.receivers[name].Arrivals()
		for _, a := range arrivals {
			entity := a.Event.Entity.Type + " " + a.Event.Entity.ID
			if a.Accepted() && a.Event.Entity.Sequence < last[entity] {
				return fmt.Sprintf("%s got %s after #%d", name, line(a), last[entity])
			}
			if a.Accepted() {
				last[entity] = a.Event.Entity.Sequence
			}
		}
	}
	return ""
}

// wanted lists what steps owe to a receiver.
func wanted(name string, steps []step) (all []want) {
	for _, step := range steps {
		for _, w := range step.want {
			if w.to == name {
				all = append(all, w)
			}
		}
	}
	return all
}

// distinct counts the events of the story: two receivers may want one event.
func distinct() int {
	events := map[string]bool{}
	for _, name := range names {
		for _, w := range wanted(name, story) {
			events[w.scope+" "+w.subject] = true
		}
	}
	return len(events)
}

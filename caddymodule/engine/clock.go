package engine

import (
	"context"
	"time"

	"github.com/sidehook/sidehook/store"
)

// clockNote is the note of how far the clock has come by which what is due goes.
const clockNote = "deliver/clock"

// keepClock makes durable how far that clock has come.
func (e *Engine) keepClock(ctx context.Context, reached time.Time) error {
	return e.Store.PutNotes(ctx, store.Note{Key: clockNote, Value: []byte(reached.UTC().Format(time.RFC3339Nano))})
}

// reached returns how far it had come, as the note says or the newest event, which is
// due since it was recorded.
func (e *Engine) reached(ctx context.Context) (at time.Time, err error) {
	notes, err := e.Store.Notes(ctx, clockNote, 1)
	if err != nil {
		return at, err
	}
	if len(notes) > 0 {
		at, _ = time.Parse(time.RFC3339Nano, string(notes[0].Value)) // what is none holds up no start
	}
	events, err := e.Store.Events(ctx, store.EventQuery{Newest: true, Max: 1})
	if len(events) > 0 && events[0].Recorded.After(at) {
		at = events[0].Recorded
	}
	return at, err
}

// ahead returns how far it is ahead of the machine's.
func (e *Engine) ahead() time.Duration { return max(0, time.Until(e.Deliverer.Now())) }

// patient is the clock by which what is kept for a time goes. It is the machine's, but
// where that jumps ahead it follows slowly: nothing is deleted because it did so for a
// moment, and after a sleep it is right again within a third of that.
type patient struct {
	at   time.Time // what it said last
	read time.Time // when that was; zero: not yet
}

// believed is how much faster than time passes it follows.
const believed = 4

// now returns what it says, and how much faster than time it goes from there on.
func (p *patient) now() (at time.Time, pace int) {
	now := time.Now()
	if p.read.IsZero() {
		p.at, p.read = now.Round(0), now
	}
	passed := now.Sub(p.read) // also if the machine's clock was set
	p.read = now
	if p.on(now.Round(0), passed).Before(now.Round(0)) {
		return p.at, believed
	}
	return p.at, 1
}

// on moves it on after so much has passed, when the machine's says wall.
func (p *patient) on(wall time.Time, passed time.Duration) time.Time {
	if p.at = p.at.Add(believed * passed); p.at.After(wall) {
		p.at = wall
	}
	return p.at
}

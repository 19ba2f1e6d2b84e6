package command_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/sidehook/sidehook/caddymodule/command"
)

// A flag says a position, how long ago, or a time; 0 is a position, not now.
func TestTimesOfFlags(t *testing.T) {
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	for text, want := range map[string]any{
		"0":                    json.Number("0"),
		"41":                   json.Number("41"),
		"90m":                  "2026-03-02T07:30:00Z",
		"3d":                   "2026-02-27T09:00:00Z",
		"2026-03-01T08:00:00Z": "2026-03-01T08:00:00Z",
		"soon":                 "soon",
	} {
		if got := command.TimeFlag(text, now); got != want {
			t.Errorf("%s: %#v, want %#v", text, got, want)
		}
	}
}

package capture_test

import (
	"testing"

	"github.com/sidehook/sidehook/caddymodule/capture"
)

// What a stranger put into a path leads nowhere else.
func TestPlainPath(t *testing.T) {
	for target, want := range map[string]bool{
		"/things/1":         true,
		"/things/1?a=../..": true,
		"/things/a..b/.c":   true,
		"/things/%2e%2e":    false,
		"/things/..%2fx":    false,
		"/things/../admin":  false,
		"/things/./1":       false,
		"/things/.":         false,
		"http://x/things/1": false,
		"things/1":          false,
		"/things/%zz":       false,
		"":                  false,
	} {
		if got := capture.PlainPath(target); got != want {
			t.Errorf("%s: %v, want %v", target, got, want)
		}
	}
}

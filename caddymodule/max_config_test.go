package caddymodule_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/sidehook/sidehook/caddymodule"
)

// A bound is a number or "none" in JSON, and written as it was read.
func TestABoundIsANumberOrNone(t *testing.T) {
	for text, want := range map[string]string{
		`7`: "", `"none"`: "", `0`: `0: write a number from 1 on, or "none"`, `"many"`: `"many": write a number from 1 on, or "none"`, `1.5`: "1.5: write",
	} {
		var m caddymodule.MaxCount
		err := json.Unmarshal([]byte(text), &m)
		if want != "" {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %s in it", text, err, want)
			}
			continue
		}
		again, marshalled := json.Marshal(m)
		if err != nil || marshalled != nil || string(again) != text {
			t.Errorf("%s became %s: %v, %v", text, again, err, marshalled)
		}
	}
}

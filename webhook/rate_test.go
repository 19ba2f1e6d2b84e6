package webhook_test

import (
	"testing"
	"time"

	"github.com/sidehook/sidehook/webhook"
)

func TestParseRate(t *testing.T) {
	for text, want := range map[string]webhook.Rate{
		"50/s": {50, time.Second}, "1/m": {1, time.Minute}, "1000000/h": {1000000, time.Hour}, "none": {},
	} {
		if got, err := webhook.ParseRate(text); err != nil || got != want {
			t.Errorf("%s is %v (%v), want %v", text, got, err, want)
		} else if got.String() != text {
			t.Errorf("%s is written as %s", text, got)
		}
	}
	for _, text := range []string{"", "50", "50/", "/s", "0/s", "-1/s", "50/d", "50/ s", "1.5/s", "50/s/s", "1000001/s", "s/50"} {
		if got, err := webhook.ParseRate(text); err == nil {
			t.Errorf("%q is taken for %v", text, got)
		}
	}
}

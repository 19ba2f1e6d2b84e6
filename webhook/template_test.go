package webhook_test

import (
	"strings"
	"testing"

	"github.com/sidehook/sidehook/webhook"
)

// However often a name stands in a template, and however large what it stands for
// is: no more is made than may be.
func TestATemplateMakesNoMoreThanItMay(t *testing.T) {
	tmpl, err := webhook.ParseTemplate("a" + strings.Repeat("{body}", 10_000))
	if err != nil {
		t.Fatal(err)
	}
	asked, body := 0, strings.Repeat("x", 1000)
	_, err = tmpl.Execute(3001, func(string) (string, error) { asked++; return body, nil })
	if err == nil || !strings.Contains(err.Error(), "more than 3001 bytes") || asked != 4 {
		t.Errorf("got %v after %d", err, asked)
	}
	few, err := webhook.ParseTemplate("a{body}{{b}}")
	if err != nil {
		t.Fatal(err)
	}
	got, err := few.Execute(1004, func(string) (string, error) { return body, nil })
	if err != nil || got != "a"+body+"{b}" {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
}

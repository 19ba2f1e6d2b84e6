package rules_test

import (
	"testing"

	"github.com/sidehook/sidehook/webhook"
)

// An answer of white space, or of a byte order mark alone, has nothing in it
// that could be redacted.
func TestABlankBodyIsRedactedToItself(t *testing.T) {
	m := compile(t, []byte(shop)).Match("PATCH", "/api/projects/5")
	for _, blank := range []string{" \n", "\n", "\xef\xbb\xbf"} {
		got := m.Redact(webhook.Body{Bytes: []byte(blank)}, webhook.Header{"Content-Type": {"application/json"}})
		if string(got.Bytes) != blank {
			t.Errorf("%q became %q, %v", blank, got.Bytes, got.Missing)
		}
	}
}

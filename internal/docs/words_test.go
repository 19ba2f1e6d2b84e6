package docs_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// words returns what pattern finds in Go files: its group, the first of each match.
func words(t *testing.T, pattern string, files ...string) (found []string) {
	t.Helper()
	for _, file := range files {
		for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(read(t, filepath.Join(root, file)), -1) {
			found = append(found, match[1])
		}
	}
	if len(found) < 5 {
		t.Fatalf("%v has only %q: the test looks at the wrong place", files, found)
	}
	return found
}

// Whoever reads a word of a closed list in a metric, an event or an attempt finds on a
// page what it means; and the OpenAPI document has the list, which is written by hand.
func TestTheWordsOfClosedListsAreTold(t *testing.T) {
	alerts, guarantees, delivery := read(t, filepath.Join(root, "docs/alerts.md")), read(t, filepath.Join(root, "docs/guarantees.md")), read(t, filepath.Join(root, "docs/delivery.md"))
	tell := func(page, text string, found []string) {
		for _, word := range found {
			if !strings.Contains(text, "`"+word+"`") {
				t.Errorf("%s does not tell of %s", page, word)
			}
		}
	}
	metrics := words(t, `(?:counter\(|Name: )"([a-z_]+)"`, "caddymodule/metrics/metrics.go")
	for i := range metrics {
		metrics[i] = "sidehook_" + metrics[i]
	}
	tell("docs/alerts.md", alerts, append(metrics, words(t, `NewDesc\("([a-z_]+)"`, "caddymodule/engine/metrics.go")...))
	gaps := words(t, `\tGap[A-Z]\w+ += "([a-z_]+)"`, "webhook/event.go")
	tell("docs/guarantees.md", guarantees, gaps)
	if list := `enum:"` + strings.Join(gaps, "|") + `"`; !strings.Contains(read(t, filepath.Join(root, "webhook/event.go")), list) {
		t.Errorf("webhook.Gap does not say %s", list)
	}
	outcomes := words(t, `\t[A-Z]\w+ +Outcome = "([a-z_]+)"`, "webhook/attempt.go")
	tell("docs/delivery.md", delivery, outcomes)
}

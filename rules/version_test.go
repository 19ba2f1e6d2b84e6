package rules_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sidehook/sidehook/rules/cases"
)

// Each version is older than the next; the second pair of each call is the
// other way round, and of two that are equal neither is older.
func TestVersionsAreOrdered(t *testing.T) {
	for _, tt := range []struct {
		older, newer string
		equal        bool
	}{
		{older: `9`, newer: `10`},
		{older: `"9"`, newer: `"10"`},
		{older: `"9007199254740993"`, newer: `"9007199254740994"`},
		{older: `1795321855.45`, newer: `1795321855.5`},
		{older: `1.50`, newer: `1.5`, equal: true},
		{older: `"9-7ebe984936e7b58a79bb604c466595ce"`, newer: `"10-897bc8b63c59c82ed0c18406a8174520"`},
		{older: `"3-7ebe984936e7b58a79bb604c466595ce"`, newer: `"3-897bc8b63c59c82ed0c18406a8174520"`, equal: true},
		{older: `"v9"`, newer: `"v10"`},
		{older: `"1.9.3"`, newer: `"1.10.0"`},
		{older: `"2026-03-02T09:00:00Z"`, newer: `"2026-03-02T09:00:00.5Z"`},
		{older: `"2026-03-02T09:00:00.45Z"`, newer: `"2026-03-02T09:00:00.5Z"`},
		{older: `"2026-03-02T10:30:00+02:00"`, newer: `"2026-03-02T09:00:00Z"`},
		{older: `"2026-03-02 09:00:00.999Z"`, newer: `"2026-03-02 09:00:01.000Z"`},
		{older: `"2026-03-02 09:00:00"`, newer: `"2026-03-02 09:00:01"`},
		{older: `"Mon, 30 Nov 2026 09:00:00 GMT"`, newer: `"Fri, 04 Dec 2026 09:00:00 GMT"`},
		{older: `"01ARZ3NDEKTSV4RRFFQ69G5FAV"`, newer: `"01BX5ZZKBKACTAV9WEVGEMMVRZ"`},
	} {
		if overtaken(t, tt.older, tt.newer) {
			t.Errorf("%s overwrites nothing after %s: it was taken for older", tt.newer, tt.older)
		}
		if overtaken(t, tt.newer, tt.older) == tt.equal {
			t.Errorf("%s after %s: taken for older %v", tt.older, tt.newer, !tt.equal)
		}
	}
}

// overtaken reports whether an answer with version now is skipped where
// version known was seen.
func overtaken(t *testing.T, known, now string) bool {
	t.Helper()
	c, err := cases.Parse(fmt.Appendf(nil, `Versions.
-- config.json --
{"resources": [{"name": "task", "path": "/tasks", "version": "v"}]}
-- before --
:version %s

{"id": 5, "v": %s, "title": "A", "a": 1, "b": 2}
-- exchange --
PATCH /tasks/5

{"title": "B"}
---
200

{"id": 5, "v": %s, "title": "B", "a": 1, "b": 2}
-- events --
`, strings.Trim(known, `"`), known, now))
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.Update(compile(t, c.Config))
	if err != nil {
		t.Fatal(err)
	}
	_, events, _ := strings.Cut(string(out), "-- events --\n")
	return strings.Contains(events, "skipped: task/5: the answer is older")
}

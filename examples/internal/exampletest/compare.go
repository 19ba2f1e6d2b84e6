package exampletest

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Sample returns a sample body of the product's documentation, a file in
// testdata.
func Sample(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Same compares a body with the documentation's: the same members, of the same
// kind, with the same values, numbers digit by digit. Where the values cannot be
// the same (an id, a time), free names the member, and only the kind is compared
// and the form of a text: what stands between its letters and digits.
func Same(t *testing.T, want, got string, free ...string) {
	t.Helper()
	if diff := cmp.Diff(read(t, want, free), read(t, got, free)); diff != "" {
		t.Errorf("body (-documented +sent):\n%s", diff)
	}
}

// SameSet is [Same], but for the order of the list at path, names joined by dots.
func SameSet(t *testing.T, path, want, got string, free ...string) {
	t.Helper()
	sorted := func(text string) any {
		v := read(t, text, free)
		at := v
		for name := range strings.SplitSeq(path, ".") {
			object, _ := at.(map[string]any)
			at = object[name]
		}
		if list, ok := at.([]any); ok {
			slices.SortFunc(list, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		}
		return v
	}
	if diff := cmp.Diff(sorted(want), sorted(got)); diff != "" {
		t.Errorf("body (-documented +sent):\n%s", diff)
	}
}

func read(t *testing.T, text string, free []string) any {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return blur(v, "", free)
}

// word is what differs between two texts of one form.
var word = regexp.MustCompile(`[\pL\d]+`)

// blur replaces the values at free paths by their form.
func blur(v any, path string, free []string) any {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			v[name] = blur(inner, strings.TrimPrefix(path+"."+name, "."), free)
		}
	case []any:
		for i, inner := range v {
			v[i] = blur(inner, path, free)
		}
	case json.Number:
		if slices.Contains(free, path) {
			return "a number"
		}
	case string:
		if slices.Contains(free, path) {
			return word.ReplaceAllString(v, "x")
		}
	}
	return v
}

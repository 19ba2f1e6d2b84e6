package shape_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/sidehook/sidehook/internal/shape"
)

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Fields, types, formats and what is always there are learned; values are not.
func TestWhatIsLearned(t *testing.T) {
	var s shape.Shape
	for _, doc := range []string{
		`{"id":7,"name":"Secret Roof","at":"2026-11-22T08:00:00Z","tags":["hidden"],"owner":{"email":"ann@corp.test"},"total":1.5}`,
		`{"id":8,"name":null,"at":"2026-11-23T08:00:00Z","tags":[],"owner":{"email":"bob@corp.test"},"total":2,"note":"private"}`,
		`no JSON`,
	} {
		s.Learn([]byte(doc), 1)
	}
	want := `{"type":"object","properties":{"at":{"type":"string","format":"date-time"},"id":{"type":"integer"},"name":{"type":["null","string"]},` +
		`"note":{"type":"string"},"owner":{"type":"object","properties":{"email":{"type":"string","format":"email"}},"required":["email"]},` +
		`"tags":{"type":"array","items":{"type":"string"}},"total":{"type":"number"}},"required":["at","id","name","owner","tags","total"]}`
	if got := jsonOf(t, s.Schema(1)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	resolved, err := s.Schema(1).Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	var example any
	text := jsonOf(t, s.Example(1))
	if err := json.Unmarshal([]byte(text), &example); err != nil {
		t.Fatal(err)
	}
	if err := resolved.Validate(example); err != nil {
		t.Errorf("the example %s: %v", text, err)
	}
	kept := jsonOf(t, &s)
	for _, value := range []string{"Roof", "hidden", "corp", "private", "2026-11-22"} {
		if strings.Contains(text+kept, value) {
			t.Errorf("%q is kept or shown", value)
		}
	}
	var back shape.Shape
	if err := json.Unmarshal([]byte(kept), &back); err != nil || jsonOf(t, back.Schema(1)) != want {
		t.Errorf("it does not come back as it was: %v", err)
	}
}

// Names that only one group has are told to that group only.
func TestNamesOfOneGroupAreItsOwn(t *testing.T) {
	var s shape.Shape
	s.Learn([]byte(`{"id":1,"plan_of_merger":{"price":1}}`), 1)
	if s.Known(2) || !s.Known(1) || len(s.Schema(2).Properties) > 0 || jsonOf(t, s.Example(2)) != "{}" {
		t.Error("what one group had is told to another")
	}
	s.Learn([]byte(`{"id":2}`), 2)
	for group, want := range map[uint64]string{
		1: `{"id":1,"plan_of_merger":{"price":1}}`, 2: `{"id":1}`, 3: `{"id":1}`, shape.Everybody: `{"id":1,"plan_of_merger":{"price":1}}`,
	} {
		if got := jsonOf(t, s.Example(group)); got != want {
			t.Errorf("group %d is told %s, want %s", group, got, want)
		}
	}
	if got := jsonOf(t, s.Schema(2)); strings.Contains(got, "merger") {
		t.Errorf("a group is told %s", got)
	}
}

// Names that are values make a map, and however strange documents are, a shape
// stays small.
func TestAShapeIsBounded(t *testing.T) {
	for _, doc := range []string{`{"by":{"ann@corp.test":1}}`, `{"by":{"8412345":1}}`, `{"by":{"two words":1}}`, `{"by":{"0f8fad5b-d9cb-469f-a165-70867728950e":1}}`} {
		var s shape.Shape
		s.Learn([]byte(doc), 1)
		if got := jsonOf(t, &s) + jsonOf(t, s.Schema(1)); !strings.Contains(got, `"additionalProperties":{"type":"integer"}`) || strings.Contains(got, "ann") || strings.Contains(got, "84") {
			t.Errorf("%s is %s", doc, got)
		}
	}
	var s shape.Shape
	for i := range 3000 {
		s.Learn(fmt.Appendf(nil, `{"f%d":{"g%d":[[[[[[[[[[{"h":1}]]]]]]]]]]}}`, i%70, i), uint64(i))
	}
	s.Learn([]byte(strings.Repeat("[", 5000)+strings.Repeat("]", 5000)), 1)
	if size := len(jsonOf(t, &s)); size > 64<<10 {
		t.Errorf("it has %d bytes", size)
	}
	if _, err := s.Schema(shape.Everybody).Resolve(&jsonschema.ResolveOptions{}); err != nil {
		t.Error(err)
	}
}

package ruleset

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/sidehook/sidehook/rules"
)

// FullName is a resource's name with that of its api.
type FullName struct{ API, Name string }

// MakeEqual is what to do where there is a [Difference].
const MakeEqual = "make them equal, or give one block another api's name"

// Effective returns r with what the handler says for all its resources: lists
// add up, and of single values the resource's counts.
func Effective(r rules.Resource, c *rules.Config) rules.Resource {
	own, all := reflect.ValueOf(&r.Defaults).Elem(), reflect.ValueOf(c.Defaults)
	for i := range own.NumField() {
		switch mine, theirs := own.Field(i), all.Field(i); {
		case mine.Kind() == reflect.Slice:
			mine.Set(reflect.AppendSlice(theirs.Slice(0, theirs.Len()), mine))
		case mine.IsZero():
			mine.Set(theirs)
		}
	}
	verbs := [...]*string{&r.Created, &r.Updated, &r.Deleted}
	for i, verb := range c.Verbs {
		if i < len(verbs) && *verbs[i] == "" {
			*verbs[i] = r.Name + "." + verb
		}
	}
	return r
}

// Difference says in what a and b differ; "" if they are equal.
func Difference(a, b rules.Resource) string {
	one, two := optionsOf(a), optionsOf(b)
	for _, key := range keysOf(one, two) {
		switch x, y := string(one[key]), string(two[key]); {
		case x == y:
		case x == "":
			return fmt.Sprintf("only one has %s %s", key, y)
		case y == "":
			return fmt.Sprintf("only one has %s %s", key, x)
		default:
			return fmt.Sprintf("%s is %s in one and %s in the other", key, x, y)
		}
	}
	return ""
}

// optionsOf returns the options of r, as JSON by their names.
func optionsOf(r rules.Resource) map[string]json.RawMessage {
	text, err := json.Marshal(r)
	out := make(map[string]json.RawMessage)
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	if err != nil {
		out["declaration"] = json.RawMessage(fmt.Sprintf("%+v", r))
	}
	return out
}

// keysOf returns the keys of a and of b, sorted.
func keysOf(a, b map[string]json.RawMessage) []string {
	keys := slices.Collect(maps.Keys(a))
	keys = slices.AppendSeq(keys, maps.Keys(b))
	slices.Sort(keys)
	return slices.Compact(keys)
}

package lang_test

import (
	"strings"
	"testing"

	"github.com/sidehook/sidehook/rules/lang"
)

// What is often written in place of what the language has is an error that says what to
// write.
func TestAMistakeSaysWhatToWrite(t *testing.T) {
	for _, c := range []struct{ wrong, write string }{
		{`entity.status = "open"`, "write == to compare"},
		{`entity.status === "open"`, "write == to compare"},
		{`entity.status is "open"`, "write =="},
		{`entity.status ne "open"`, "write !="},
		{`entity.status <> "open"`, "write !="},
		{`entity->status == "open"`, "write a dot"},
		{`entity.name =~ "^a"`, `write matches, as in entity.name matches`},
		{`entity.a & entity.b`, "write && for and"},
		{`entity.a AND entity.b`, "write and, in small letters, or &&"},
		{`entity.tags includes "a"`, "write contains"},
		{`contains(entity.tags, "a")`, `write contains between two values, as in entity.name contains "x"`},
		{`entity.name startswith "a"`, "write startsWith between two values"},
		{`entity.status in ("a", "b")`, `write a list in brackets, as in entity.status in ["a", "b"]`},
		{`entity.items.any(.x > 1)`, "write any(entity.items, …)"},
		{`if entity.done`, "leave if out"},
		{`entity.done &&`, "it ends where a value is wanted"},
		{`entity.a == "b`, "literal not terminated"},
		{`entity.done == True`, "write true"},
		{`entity.done == NULL`, "write nil"},
		{`old.status == "open"`, "write before"},
		{`befor.status == "open"`, "did you mean before?"},
		{`entity.status == open`, "write text in quotes, and a field of the entity as entity.open"},
		{`"entity.status" == "open"`, "write the name of a value without quotes, like entity.status"},
		{`resource.name == "open"`, "write resource alone, or entity.name"},
		{`request.boddy.a == 1`, "did you mean request.body?"},
		{`response.status == "200"`, "it is a number: write 200"},
	} {
		_, err := lang.Compile(c.wrong, lang.EnvRule)
		if err == nil || !strings.Contains(err.Error(), c.write) {
			t.Errorf("%s: got %v, want one that says %q", c.wrong, err, c.write)
		}
	}
	for _, right := range []string{`"a" in entity.tags`, `"a" in ["a", "b"]`, `resource == "task"`, `entity.id.x == 1`} {
		if _, err := lang.Compile(right, lang.EnvRule); err != nil {
			t.Error(err)
		}
	}
}

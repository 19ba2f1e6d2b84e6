package lang

import (
	"fmt"
	"strings"
)

// roots are beginnings of paths that somebody writes who thinks of expressions,
// or of JSONPath. As paths they would name a field called entity, and so mostly
// nothing. The longer ones are first.
var roots = []string{"response.body.", "request.body.", "entity.", "before.", "after.", "response.", "$."}

// CheckWritten says what is wrong with s as somebody wrote it where a path or a
// glob is wanted, beyond what [ParsePath] and [ParseGlob] refuse: a name of
// expressions at its beginning, or a comma. `\entity.x` and `a\,b` are fields
// that are called so.
func CheckWritten(s string) error {
	if err := checkWritten(s, "inside the entity"); err != nil {
		return err
	}
	return checkPlaces(s)
}

// CheckWrittenQuery is [CheckWritten] for where [ParseQuery] reads s: paths into
// the body of an answer.
func CheckWrittenQuery(s string) error {
	if strings.ContainsAny(s, `#()[]{}`) {
		s = strings.ReplaceAll(s, ",", "") // it may be part of a value, and ends no path
	}
	return checkWritten(s, "inside the answer's body")
}

func checkWritten(s, begin string) error {
	if root, inside := cutRoot(s); root != "" {
		return fmt.Errorf(`path %q: paths begin %s: write %s; for a field that is called %s write \%s`,
			s, begin, inside, firstOf(root), root+inside)
	}
	if at := comma(s); at >= 0 {
		return fmt.Errorf(`path %q: paths are separated by spaces, in JSON each is a text of its own: write %s; for a comma in a name write \,`,
			s, strings.Join(strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(`, []"`, r) }), " "))
	}
	return nil
}

// checkPlaces refuses what other languages write for the elements of an array, and
// between names: as names they would mean nothing that there is.
func checkPlaces(s string) error {
	hidden := strings.NewReplacer(`\\`, "", `\[`, "", `\/`, "").Replace(s)
	if strings.Contains(hidden, "[") {
		return fmt.Errorf(`path %q: write * for any element of an array, or its number, as a name of its own: %s; for a bracket in a name write \[`,
			s, strings.Trim(elementPath.Replace(s), "."))
	}
	if strings.HasPrefix(hidden, "/") {
		return fmt.Errorf(`path %q: names are joined by dots: write %s; for a slash that begins a name write \/`,
			s, strings.ReplaceAll(strings.Trim(s, "/"), "/", "."))
	}
	return nil
}

// elementPath writes what has brackets without them.
var elementPath = strings.NewReplacer("[]", ".*", "[", ".", "]", "", `"`, "")

// checkArgument is [CheckWritten] for an argument of the predicate name.
func checkArgument(name, s string) error {
	if root, inside := cutRoot(s); root != "" {
		return fmt.Errorf(`%s: path %q: paths begin inside the entity: write %q; for a field that is called %s write "\\%s"`,
			name, s, inside, firstOf(root), root+inside)
	}
	if at := comma(s); at >= 0 {
		return fmt.Errorf(`%s: path %q: put each path in quotes of its own, with the comma outside; for a comma in a name write "\\,"`, name, s)
	}
	return nil
}

// cutRoot returns the root that s begins with, "" if none, and the path below it.
func cutRoot(s string) (root, inside string) {
	for _, root := range roots {
		if rest, ok := strings.CutPrefix(s, root); ok && strings.Trim(rest, ".,") != "" {
			return root, strings.Trim(rest, ".,")
		}
	}
	return "", s
}

// firstOf returns the first name of root.
func firstOf(root string) string {
	name, _, _ := strings.Cut(root, ".")
	return name
}

// comma returns where s has a comma that is not escaped, -1 if nowhere.
func comma(s string) int {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case ',':
			return i
		}
	}
	return -1
}

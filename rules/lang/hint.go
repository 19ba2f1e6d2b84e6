package lang

import (
	"regexp"
	"strings"
)

// meant are words and signs of other languages, as the parser complains of them, and
// what to write for them.
var meant = map[string]string{
	`Identifier("is")`: "==", `Identifier("equals")`: "==", `Identifier("eq")`: "==",
	`Identifier("ne")`: "!=", `Identifier("isnt")`: "!=",
	`Identifier("gt")`: ">", `Identifier("gte")`: ">=", `Identifier("lt")`: "<", `Identifier("lte")`: "<=",
	`Identifier("includes")`: "contains", `Identifier("has")`: "contains", `Identifier("like")`: `contains, or matches "^…$"`,
	`Identifier("AND")`: "and, in small letters, or &&", `Identifier("OR")`: "or, in small letters, or ||", `Identifier("NOT")`: "not, in small letters, or !",
	`Operator("&")`: "&& for and, || for or", `Operator("=")`: "== to compare",
	`Operator(";")`: "&& between conditions",
}

// misspelt are signs that the parser takes for several, and what to write.
var misspelt = []struct{ sign, complaint, write string }{
	{"=~", `Operator("=")`, `matches, as in entity.name matches "^x"`},
	{"<>", `Operator(">")`, "!= for not equal"},
	{"->", `Operator(">")`, "a dot before a field, as in entity.status"},
}

// betweenOperators are the operators that are words and stand between two values.
var betweenOperators = []string{"contains", "matches", "startsWith", "endsWith", "in"}

var (
	unexpectedWord     = regexp.MustCompile(`^unexpected token (?:Identifier|Operator)\("(\w+)"\)`)
	listInParentheses  = regexp.MustCompile(`\bin\s*\(`)
	methodWithElements = regexp.MustCompile(`([\w.]+)\.(\w+)\(\s*\.`)
	openEnd            = regexp.MustCompile(`(?:&&|\|\||[=<>+*/%-]|\b(?:and|or|not|in|contains|matches|startsWith|endsWith))\s*$`)
)

// hint says what to write for mistakes that are often made.
func hint(src, complaint string) string {
	for _, m := range misspelt {
		if strings.Contains(complaint, m.complaint) && strings.Contains(src, m.sign) {
			return "; write " + m.write
		}
	}
	for word, write := range meant {
		if strings.Contains(complaint, word) {
			return "; write " + write
		}
	}
	if m := unexpectedWord.FindStringSubmatch(complaint); m != nil {
		if near := nearest(m[1], betweenOperators); near != "" {
			return "; write " + near + ` between two values, as in entity.name ` + near + exampleOf(near)
		}
	}
	return otherHint(src, complaint)
}

func exampleOf(operator string) string {
	if operator == "in" {
		return ` ["a", "b"]`
	}
	return ` "x"`
}

// otherHint is hint, of what no single word tells.
func otherHint(src, complaint string) string {
	switch {
	case strings.HasPrefix(src, "if "):
		return "; leave if out"
	case strings.Contains(complaint, `Operator(",")`) && listInParentheses.MatchString(src):
		return `; write a list in brackets, as in entity.status in ["a", "b"]`
	case strings.Contains(complaint, `Operator(".")`) && methodWithElements.MatchString(src):
		m := methodWithElements.FindStringSubmatch(src)
		return "; values have no methods: write " + m[2] + "(" + m[1] + ", …)"
	case strings.Contains(complaint, `Operator(":")`) && strings.Contains(src, "{"):
		return `; an object that an element becomes has two braces, as in map(item.rows, {{"id": .id}})`
	case strings.Contains(complaint, "invalid char escape"):
		return `; write each \ in a text twice, as in "^\\d+$"`
	case strings.Contains(complaint, "value out of range"):
		return "; integers beyond 9223372036854775807 are texts here: write it in quotes"
	case strings.Contains(complaint, "EOF") && strings.Count(src, `"`)%2 == 1:
		return "; a quote is missing (in a Caddyfile put the whole expression in backticks)"
	case strings.Contains(complaint, "EOF") && openEnd.MatchString(src):
		return "; it ends where a value is wanted: write one, or leave the last operator out"
	}
	return ""
}

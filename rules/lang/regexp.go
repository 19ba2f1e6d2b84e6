package lang

import (
	"fmt"
	"regexp"
	"regexp/syntax"
)

// maxRegexp bounds what the regular expression of one `matches` may weigh: a few
// characters like (\pL{9}){99} stand for megabytes of instructions.
const maxRegexp = 20_000

// compileRegexp returns a regular expression and its weight: about how many
// instructions it comes to. At worst each byte of a text meets each of them.
func compileRegexp(pattern string) (_ *regexp.Regexp, weight int, err error) {
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil, 0, err
	}
	if weight = weighRegexp(parsed); weight > maxRegexp {
		return nil, 0, fmt.Errorf("it comes to more than %d instructions: repeat less", maxRegexp)
	}
	re, err := regexp.Compile(pattern)
	return re, weight, err
}

// weighRegexp weighs what is repeated as often as it is repeated, which is how
// it is compiled; the ranges of a class weigh something too. Beyond maxRegexp it
// no longer counts exactly.
func weighRegexp(re *syntax.Regexp) int {
	weight := 1 + len(re.Rune)/8
	if re.Op == syntax.OpLiteral {
		weight = len(re.Rune)
	}
	for _, sub := range re.Sub {
		weight = min(weight+weighRegexp(sub), maxRegexp+1)
	}
	if re.Op == syntax.OpRepeat {
		weight *= max(1, re.Min, re.Max)
	}
	return min(weight, maxRegexp+1)
}

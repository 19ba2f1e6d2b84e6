package rules

import (
	"regexp"
	"slices"
	"strings"
)

// longestSentence is how long a text may be that is nothing but what is said of a call.
const longestSentence = 200

// readsNo reports whether a text about a call says that it was not done. What the request
// asks for is no complaint: "Task rejected", to /tasks/5/reject.
func (c *call) readsNo(text string) bool {
	plain := lettersOf(text)
	if wordIn(noTexts, text) || slices.Contains(noWords, plain) || errCode.MatchString(text) {
		return !c.asksFor(plain)
	}
	if !c.e.named && !strings.ContainsAny(text, " \t\n") {
		return false // an id, in which there may be any letters
	}
	plain = lettersOf(quoted.ReplaceAllString(text, "")) // names, of what was deleted
	return slices.ContainsFunc(noStems, func(stem string) bool { return strings.Contains(plain, stem) && !c.asksFor(stem) }) && !c.saysDone(text)
}

// saysLater is readsNo for what is done later: to a delete also what asks for somebody's
// word, or tells that it goes on.
func (c *call) saysLater(text string) bool {
	if wordIn(laterTexts, text) {
		return true
	}
	plain := lettersOf(text)
	return c.e.kind == Delete && slices.ContainsFunc(laterStems, func(stem string) bool { return strings.Contains(plain, stem) }) && !c.saysDone(text)
}

// asksFor reports whether the request speaks of a word itself, or of most of it: of
// reject, and an answer of rejected. It does not say what became of a delete.
func (c *call) asksFor(word string) bool {
	if c.e.kind == Delete || len(word) < len("fail") {
		return false
	}
	word = strings.TrimSuffix(word, "ed")
	body := c.x.Request.Body.Bytes
	return strings.Contains(lettersOf(c.x.Request.Path), word) || len(body) <= longestBody && strings.Contains(lettersOf(string(body)), word)
}

// longestBody is how long a body may be in which words are looked for.
const longestBody = 1 << 14

// saysDone reports whether a sentence about one entity says that it was done, whatever is
// said behind that: "Task deleted. This cannot be undone".
func (c *call) saysDone(text string) bool {
	done := doneFirst.FindString(text)
	return c.e.named && done != "" && !negates.MatchString(done)
}

var (
	doneFirst = regexp.MustCompile(`(?i)^[^.!?;:,(]*\b(?:deleted|removed|destroyed|erased|saved|updated)(?: (?:successfully|permanently)\b| *(?:$|[.!;,(]| and | without | with no ))`)
	negates   = regexp.MustCompile(`(?i)\b(?:not|no|none|already|never|nothing|nobody|cannot|cant|unable|only|if|when|until|must|should|fail\w*|error \w+ing|0)\b|n[\x27’]t\b`)
	errCode   = regexp.MustCompile(`(?i)^err(?:eur)?(?:[^a-z]|$)`)
	quoted    = regexp.MustCompile("\"[^\"]*\"|“[^”]*”|`[^`]*`")
)

// lettersOf returns the letters of a text, in lower case.
func lettersOf(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r >= 'a' && r <= 'z':
			return r
		}
		return -1
	}, text)
}

var (
	noWords = []string{"ko", "nok", "no", "unchanged"}
	noStems = []string{
		"notfound", "nosuch", "doesnotexist", "doesntexist", "error", "fail", "denied", "invalid", "cannot", "cantbe", "cantdel", "cantrem", "cantfind",
		"couldnot", "unable", "notallowed", "forbidden", "unauthor", "refuse", "reject", "already", "notpermitted", "nopermission", "exception", "notdeleted",
		"notbe", "nothing",
	}
	laterStems = []string{"scheduled", "queued", "pending", "inprogress", "willbe", "confirm", "processing", "deleting", "terminating"}
)

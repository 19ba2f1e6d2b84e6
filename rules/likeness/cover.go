package likeness

import (
	"strings"

	"github.com/sidehook/sidehook/rules/tree"
)

// Masks reports whether mask is text with parts of it covered: "****34", "a***@x.com".
// What is covered all over may be null, too, or a bool.
func Masks(mask, text *tree.Value) bool {
	if mask == nil || text == nil || mask.Kind != tree.String || text.Kind >= tree.Array {
		return false
	}
	m, rest := plainText(mask), plainText(text)
	switch {
	case m == rest || m == "":
		return false
	case text.Kind != tree.String && text.Kind != tree.Number:
		return coverAt(m) == len(m) || isCoverWord(m) && strings.ContainsAny(m[:1], "[({<")
	case isCoverWord(m):
		return true
	}
	anywhere := false // a cover stands before what comes now
	for m != "" {
		if size := coverAt(m); size > 0 {
			m, anywhere = m[size:], true
			continue
		}
		end := 1
		for end < len(m) && coverAt(m[end:]) == 0 {
			end++
		}
		at := strings.Index(rest, m[:end])
		switch {
		case end == len(m): // what is left is the end of text
			return anywhere && strings.HasSuffix(rest, m)
		case at < 0 || at > 0 && !anywhere:
			return false
		}
		rest, m, anywhere = rest[at+end:], m[end:], false
	}
	return anywhere
}

// isCoverWord reports whether text is a word that stands for what is covered.
func isCoverWord(text string) bool {
	switch strings.ToLower(strings.Trim(text, "[](){}<> ")) {
	case "redacted", "filtered", "masked", "hidden":
		return true
	}
	return false
}

// coverAt returns how many bytes at the start of s cover others: two asterisks,
// bullets or more, or four X.
func coverAt(s string) int {
	for _, c := range [...]struct {
		mark  string
		least int
	}{{"*", 2}, {"•", 2}, {"●", 2}, {"X", 4}, {"x", 4}, {"#", 4}} {
		n := 0
		for strings.HasPrefix(s[n:], c.mark) {
			n += len(c.mark)
		}
		if n >= c.least*len(c.mark) {
			return n
		}
	}
	return 0
}

// Personal reports whether a field at that path is likely to say how the entity
// stands to who asks, and not what it is: can_edit, likedByMe, viewerRole.
func Personal(path string) bool {
	for name := range strings.SplitSeq(path, ".") {
		if personalNames[PlainName(name)] {
			return true
		}
		for _, first := range [...]string{"can", "my", "viewer"} {
			if rest, ok := strings.CutPrefix(name, first); ok && rest != "" && (rest[0] == '_' || rest[0] >= 'A' && rest[0] <= 'Z') {
				return true
			}
		}
	}
	return false
}

// PlainName returns name in lower case and without separators.
func PlainName(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '_' || r == '-' || r == '\\':
			return -1
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return r
	}, name)
}

var personalNames = map[string]bool{
	"permissions": true, "permission": true, "abilities": true, "capabilities": true, "allowedactions": true, "rights": true,
	"ismine": true, "mine": true, "isowner": true, "ismember": true, "isadmin": true, "isauthor": true, "editable": true, "deletable": true,
	"liked": true, "isliked": true, "likedbyme": true, "favorite": true, "favorited": true, "favourite": true, "favourited": true,
	"isfavorite": true, "isfavourite": true, "starred": true, "isstarred": true, "bookmarked": true, "subscribed": true, "issubscribed": true,
	"watching": true, "iswatching": true, "following": true, "isfollowing": true, "voted": true, "upvoted": true,
	"unread": true, "isunread": true, "isread": true, "unreadcount": true, "lastreadat": true, "lastseenat": true,
	"viewer": true, "currentuser": true, "yourrole": true,
}

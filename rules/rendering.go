package rules

import (
	"bytes"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sidehook/sidehook/rules/tree"
)

// sameThing reports whether two views show one value in two ways: a reference as
// an id and as what it leads to, a number as text, a time with another offset, a
// link with another host.
func sameThing(a, b *tree.Value) bool { return sameBy(a, b, sameScalar) }

// nearlySame is sameThing for values that nobody set: one view may show fewer
// digits, or null for what is empty.
func nearlySame(a, b *tree.Value) bool {
	return sameBy(a, b, nearScalar) || isVoid(a) && isVoid(b)
}

// isVoid reports whether v is null or empty: what some views write as one others
// write as the other.
func isVoid(v *tree.Value) bool {
	switch {
	case v == nil:
		return false
	case v.Kind == tree.String:
		return plainText(v) == ""
	}
	return v.Kind == tree.Null || v.Kind >= tree.Array && len(v.Elems())+len(v.Members()) == 0
}

func sameBy(a, b *tree.Value, scalar func(a, b *tree.Value) bool) bool {
	switch {
	case a == nil || b == nil || a.Kind == tree.Null || b.Kind == tree.Null:
		return false
	case a.Kind < tree.Array && b.Kind < tree.Array:
		return scalar(a, b)
	case a.Kind < tree.Array:
		return refersTo(b, a)
	case b.Kind < tree.Array:
		return refersTo(a, b)
	case a.Kind != b.Kind:
		return false
	case a.Kind == tree.Object:
		return sameReference(a, b)
	}
	x, y := a.Elems(), b.Elems()
	return len(x) == len(y) && !slices.ContainsFunc(x, func(v tree.Value) bool {
		w := &y[0]
		y = y[1:]
		return !tree.Equal(&v, w) && !sameBy(&v, w, scalar)
	})
}

func sameScalar(a, b *tree.Value) bool {
	if a.Kind == tree.Bool && b.Kind == tree.Bool {
		return tree.Equal(a, b)
	}
	x, y := plainText(a), plainText(b)
	if x == y || sameTime(x, y, 9) || sameAddress(x, y) {
		return true
	}
	m, n := numberOf(a, b, x), numberOf(b, a, y)
	return m != nil && n != nil && tree.Equal(m, n)
}

// nearScalar is sameScalar, but for digits that one of them leaves out.
func nearScalar(a, b *tree.Value) bool {
	if sameScalar(a, b) {
		return true
	}
	x, y := plainText(a), plainText(b)
	if few, many := ordered(fractionOf(x), fractionOf(y)); few%3 == 0 && many >= 3 && many > few && sameTime(x, y, few) {
		return true // and not a zero at the end that was left out
	}
	if numberOf(a, b, x) == nil || numberOf(b, a, y) == nil {
		return false
	}
	few, many := ordered(fractionOf(x), fractionOf(y))
	if few < 1 || few+2 > many {
		return false // a zero at the end may have been left out
	}
	m, err1 := strconv.ParseFloat(x, 64)
	n, err2 := strconv.ParseFloat(y, 64)
	return err1 == nil && err2 == nil && strconv.FormatFloat(m, 'f', few, 64) == strconv.FormatFloat(n, 'f', few, 64)
}

func ordered(a, b int) (few, many int) { return min(a, b), max(a, b) }

// numberOf returns the number that v is, or its text tells beside other, which is
// one: texts of digits alone may be ids, where 007 is not 7.
func numberOf(v, other *tree.Value, text string) *tree.Value {
	if v.Kind == tree.Bool || v.Kind == tree.String && other.Kind != tree.Number && !isDecimal(text) {
		return nil
	}
	n, err := tree.Parse(text)
	if err != nil || n.Kind != tree.Number {
		return nil
	}
	return n
}

// partOf reports whether all that is in list a is in list b, as often.
func partOf(a, b *tree.Value) bool {
	count := make(map[string]int, len(b.Elems()))
	for i := range b.Elems() {
		count[string(b.Elems()[i].Shared())]++
	}
	for i := range a.Elems() {
		text := string(a.Elems()[i].Shared())
		if count[text]--; count[text] < 0 {
			return false
		}
	}
	return true
}

// sameAddress reports whether two links differ by scheme and host only: an API
// asked under another name writes its links with that.
func sameAddress(a, b string) bool {
	if !strings.HasPrefix(a, "http") || !strings.HasPrefix(b, "http") {
		return false
	}
	x, err1 := url.Parse(a)
	y, err2 := url.Parse(b)
	return err1 == nil && err2 == nil && x.Host != "" && y.Host != "" && len(x.Path) > 1 &&
		x.EscapedPath() == y.EscapedPath() && x.RawQuery == y.RawQuery && x.Fragment == y.Fragment
}

// plainText returns the text of a scalar.
func plainText(v *tree.Value) string {
	if text, ok := v.Text(); ok || v.Kind == tree.String {
		return text
	}
	return string(v.Shared())
}

// isDecimal reports whether s is a number with a point in it, as amounts are told:
// texts of digits alone may be ids, where 007 is not 7.
func isDecimal(s string) bool {
	whole, part, ok := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	return ok && isDigits(whole) && isDigits(part)
}

// sameTime reports whether two texts tell one time, as far as so many digits of a
// second do.
func sameTime(a, b string, digits int) bool {
	x, ok1 := timeOf(a)
	y, ok2 := timeOf(b)
	if !ok1 || !ok2 {
		return false
	}
	unit := time.Second
	for range digits {
		unit /= 10
	}
	return x.Truncate(unit).Equal(y.Truncate(unit))
}

// fractionOf returns how many digits of a second a time has, 9 at most.
func fractionOf(s string) (n int) {
	_, fraction, _ := strings.Cut(s, ".")
	for n < min(len(fraction), 9) && fraction[n] >= '0' && fraction[n] <= '9' {
		n++
	}
	return n
}

// references are names of members by which what leads to an object may know it.
var references = [...]string{"id", "_id", "uuid", "guid", "@id", "iri", "href", "url", "uri", "self", "key", "code", "slug", "login", "name", "value", "raw"}

// refersTo reports whether ref is a reference to the object thing.
func refersTo(thing, ref *tree.Value) bool {
	if !thing.IsObject() || ref.Kind == tree.Bool {
		return false
	}
	text := plainText(ref)
	return slices.ContainsFunc(references[:], func(name string) bool { return text != "" && thing.Get(name).Is(text) })
}

// refers reports whether v can be told to be the same thing as another or not.
func refers(v *tree.Value) bool {
	return v.Kind == tree.Number || v.Kind == tree.String ||
		slices.ContainsFunc(references[:], func(name string) bool { _, ok := v.Get(name).Text(); return ok })
}

// sameReference reports whether of two objects that go by one name one shows a
// part of the other.
func sameReference(a, b *tree.Value) bool {
	if len(a.Members()) > len(b.Members()) {
		a, b = b, a
	}
	named := false
	for i := range a.Members() {
		m := &a.Members()[i]
		if !tree.Equal(&m.Value, b.Get(m.Name)) {
			return false
		}
		named = named || slices.Contains(references[:], m.Name)
	}
	return named
}

// fuller reports whether of two renderings of one thing a shows more than b.
func fuller(a, b *tree.Value) bool {
	for a.Kind == tree.Array && b.Kind == tree.Array && len(a.Elems()) > 0 && len(b.Elems()) > 0 {
		a, b = &a.Elems()[0], &b.Elems()[0]
	}
	return a.Kind == tree.Object && len(a.Members()) > len(b.Members())
}

// besideReference returns the paths of what thing, at path, shows beside that it is
// what ref leads to.
func besideReference(path string, thing, ref *tree.Value) (paths []string) {
	for i := range thing.Members() {
		if m := &thing.Members()[i]; !sameThing(&m.Value, ref) || !slices.Contains(references[:], m.Name) {
			paths = append(paths, tree.Join(path, m.Name))
		}
	}
	return paths
}

// masks reports whether mask is text with parts of it covered: "****34", "a***@x.com".
// What is covered all over may be null, too, or a bool.
func masks(mask, text *tree.Value) bool {
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

// personal reports whether a field at that path is likely to say how the entity
// stands to who asks, and not what it is: can_edit, likedByMe, viewerRole.
func personal(path string) bool {
	for name := range strings.SplitSeq(path, ".") {
		if personalNames[plainName(name)] {
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

// plainName returns name in lower case and without separators.
func plainName(name string) string {
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

// sameLink reports whether two links lead to one thing, and differ only by what
// signs them or says how long they are good for: those are new at each look.
func sameLink(a, b *tree.Value) bool {
	if a == nil || b == nil || a.Kind != tree.String || b.Kind != tree.String || bytes.IndexByte(a.Shared(), '?') < 0 {
		return false
	}
	x, y := plainText(a), plainText(b)
	to, query, signed := strings.Cut(x, "?")
	other, otherQuery, otherSigned := strings.Cut(y, "?")
	if !signed || !otherSigned || to != other || !strings.Contains(to, "/") {
		return false
	}
	p, err1 := url.ParseQuery(query)
	q, err2 := url.ParseQuery(otherQuery)
	if err1 != nil || err2 != nil || !isSigned(p) || !isSigned(q) {
		return false
	}
	strip := func(name string, _ []string) bool { return signing[strings.ToLower(name)] || signingPrefix(name) }
	maps.DeleteFunc(p, strip)
	maps.DeleteFunc(q, strip)
	return maps.EqualFunc(p, q, slices.Equal)
}

// isSigned reports whether a query has a signature or a token in it.
func isSigned(q url.Values) bool {
	for name := range q {
		switch plainName(name) {
		case "signature", "sig", "token", "accesstoken", "hmac", "hash", "xamzsignature", "xgoogsignature", "xosssignature", "xcossignature", "jwt":
			return true
		}
	}
	return false
}

func signingPrefix(name string) bool {
	name = strings.ToLower(name)
	return strings.HasPrefix(name, "x-amz-") || strings.HasPrefix(name, "x-goog-") || strings.HasPrefix(name, "x-oss-")
}

// signing are parameters that sign a link, or say how long it is good for, in
// lower case. Those of Azure's signatures are of two letters.
var signing = map[string]bool{
	"signature": true, "sig": true, "token": true, "access_token": true, "hmac": true, "hash": true, "jwt": true,
	"expires": true, "expiry": true, "expiration": true, "exp": true, "ts": true, "timestamp": true, "nonce": true,
	"policy": true, "key-pair-id": true, "awsaccesskeyid": true, "googleaccessid": true, "ossaccesskeyid": true,
	"se": true, "st": true, "sp": true, "sv": true, "sr": true, "spr": true, "sip": true, "ske": true, "skt": true, "sks": true, "skv": true, "skoid": true, "sktid": true,
}

// ofTheCall are fields beside an entity that say something of the call, and are
// new with each, in lower case and without separators.
var ofTheCall = map[string]bool{
	"requestid": true, "reqid": true, "traceid": true, "correlationid": true, "csrftoken": true, "csrf": true, "xsrftoken": true,
	"authenticitytoken": true, "took": true, "servertime": true, "generatedat": true, "retrievedat": true, "fetchedat": true,
}

// Package likeness tells what two ways of writing say of each other: whether values that
// two views show are one value (value.go), whether two ids (id.go), links (link.go) or
// versions (version.go) are, and which is later, and whether one covers the other
// (cover.go), as **** does a password. It knows of no call and no resource.
package likeness

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sidehook/sidehook/rules/tree"
)

// Same reports whether two views show one value in two ways: a reference as
// an id and as what it leads to, a number as text, a time with another offset, a
// link with another host.
func Same(a, b *tree.Value) bool { return sameBy(a, b, sameScalar) }

// Nearly is Same for values that nobody set: one view may show fewer
// digits, or null for what is empty.
func Nearly(a, b *tree.Value) bool {
	return sameBy(a, b, nearScalar) || IsVoid(a) && IsVoid(b)
}

// IsVoid reports whether v is null or empty: what some views write as one others
// write as the other.
func IsVoid(v *tree.Value) bool {
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

// PartOf reports whether all that is in list a is in list b, as often.
func PartOf(a, b *tree.Value) bool {
	count := make(map[string]int, len(b.Elems()))
	for e := range tree.Each(b.Elems()) {
		count[string(e.Shared())]++
	}
	for e := range tree.Each(a.Elems()) {
		text := string(e.Shared())
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
	return ok && IsDigits(whole) && IsDigits(part)
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

// Refers reports whether v can be told to be the same thing as another or not.
func Refers(v *tree.Value) bool {
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
	for m := range tree.Each(a.Members()) {
		if !tree.Equal(&m.Value, b.Get(m.Name)) {
			return false
		}
		named = named || slices.Contains(references[:], m.Name)
	}
	return named
}

// Fuller reports whether of two renderings of one thing a shows more than b.
func Fuller(a, b *tree.Value) bool {
	for a.Kind == tree.Array && b.Kind == tree.Array && len(a.Elems()) > 0 && len(b.Elems()) > 0 {
		a, b = &a.Elems()[0], &b.Elems()[0]
	}
	return a.Kind == tree.Object && len(a.Members()) > len(b.Members())
}

// Beside returns the paths of what thing, at path, shows beside that it is
// what ref leads to.
func Beside(path string, thing, ref *tree.Value) (paths []string) {
	for m := range tree.Each(thing.Members()) {
		if !Same(&m.Value, ref) || !slices.Contains(references[:], m.Name) {
			paths = append(paths, tree.Join(path, m.Name))
		}
	}
	return paths
}

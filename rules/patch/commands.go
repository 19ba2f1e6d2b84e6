package patch

import (
	"bytes"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/rules/tree"
)

// WithoutCommands returns what a request sets without the commands that it has in
// place of values, and the fields that those are about: what they make of them the
// request does not tell. What one removes is null. Known are those of MongoDB
// ($set, $inc), of Parse (__op) and of Firebase (.sv).
func WithoutCommands(asked *tree.Value) (*tree.Value, []string) {
	if !asked.IsObject() || !hasCommand(asked) {
		return asked, nil
	}
	var about []string
	var members []tree.Member
	for _, m := range asked.Members() {
		switch op, _ := m.Get("__op").Text(); {
		case !IsCommand(&m):
			members = append(members, m)
		case op == "Delete":
			members = append(members, tree.Member{Name: m.Name, Value: tree.Value{}})
		case !operators[m.Name]:
			about = append(about, m.Name)
		default:
			members, about = operate(members, about, &m)
		}
	}
	out := tree.NewObject(members)
	return &out, about
}

func hasCommand(asked *tree.Value) bool {
	for m := range tree.Each(asked.Members()) {
		if IsCommand(m) {
			return true
		}
	}
	return false
}

// operate adds to members what an operator of MongoDB's sets, and to about the fields
// of which it does not tell to what.
func operate(members []tree.Member, about []string, operator *tree.Member) ([]tree.Member, []string) {
	for _, m := range operator.Members() {
		first, _, within := strings.Cut(m.Name, ".")
		switch {
		case within || operator.Name != "$set" && operator.Name != "$unset":
			about = append(about, first)
		case operator.Name == "$unset":
			m.Value = tree.Value{}
			fallthrough
		default:
			members = append(members, m)
		}
	}
	return members, about
}

// operators are those of MongoDB's that write.
var operators = map[string]bool{
	"$set": true, "$unset": true, "$inc": true, "$mul": true, "$min": true, "$max": true, "$rename": true, "$currentDate": true, "$setOnInsert": true,
	"$push": true, "$pull": true, "$pullAll": true, "$pop": true, "$addToSet": true, "$bit": true,
}

// IsCommand reports whether a field of a request is, or has in place of its value, a
// command.
func IsCommand(m *tree.Member) bool {
	if !m.IsObject() || !operators[m.Name] && !mayBeCommand(m.Shared()) || len(m.Members()) == 0 {
		return false
	}
	return operators[m.Name] || m.Get("__op") != nil || m.Get(".sv") != nil ||
		!slices.ContainsFunc(m.Members(), func(inner tree.Member) bool { return !operators[inner.Name] })
}

// mayBeCommand is a look at an object's JSON that spares reading most.
func mayBeCommand(raw []byte) bool {
	return bytes.Contains(raw, []byte(`"$`)) || bytes.Contains(raw, []byte(`"__op"`)) || bytes.Contains(raw, []byte(`".sv"`))
}

// Readable returns what a request sets of what it is known to be, and the fields that
// it gives what is hardly a value of theirs: an object where there is a number, a bool
// or a list ({"score": {"increment": 1}}), or what is in them by a path
// ({"address.city": "Rome"}). What becomes of those only the API knows.
func Readable(known, asked *tree.Value) (*tree.Value, []string) {
	asked, about := WithoutCommands(asked)
	if !asked.IsObject() {
		return asked, about
	}
	var members []tree.Member
	for _, m := range asked.Members() {
		was := known.Get(m.Name)
		first, _, within := strings.Cut(strings.ReplaceAll(m.Name, "/", "."), ".")
		switch {
		case m.IsObject() && was != nil && isOtherKind(was, &m.Value):
			about = append(about, m.Name)
		case within && was == nil && first != "" && known.Get(first) != nil && known.Get(first).Kind >= tree.Array:
			about = append(about, first)
		default:
			members = append(members, m)
		}
	}
	if len(members) == len(asked.Members()) {
		return asked, about
	}
	out := tree.NewObject(members)
	return &out, about
}

// isOtherKind reports whether an object can hardly be what a field is set to that is
// was. A text may give way to what it refers to, but not to a word of what is to be
// done to it.
func isOtherKind(was, object *tree.Value) bool {
	switch was.Kind {
	case tree.Bool, tree.Number, tree.Array:
		return true
	case tree.String:
		return len(object.Members()) == 1 && doing[object.Members()[0].Name]
	}
	return false
}

var doing = map[string]bool{"set": true, "unset": true, "append": true, "prepend": true, "connect": true, "disconnect": true}

package rules

import (
	"unsafe"

	"github.com/sidehook/sidehook/rules/tree"
	"github.com/sidehook/sidehook/webhook"
)

// knownShown is what [Plan.AnswerTells] says of an answer that shows no more of an
// object than the call sent of it: whether it has all that is known of the entity.
func (m *Match) knownShown(x *webhook.Exchange, snapshot Recall) bool {
	key, named := m.Entity(&x.Request, x.Placeholders)
	if !named || m.e.res.after != "auto" {
		return false
	}
	snap, ok := m.recall(snapshot, key)
	return ok && snap.Known() && !snap.Deleted && hasAll(text(x.Response.Body.Bytes), text(snap.Body), 0)
}

// text is b as a string that does not outlive the call.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

const (
	manyFields = 64 // of an object that is looked through without parsing it
	manyLevels = 4  // of such objects in each other
)

// fields are the members of an object, as they are written.
type fields struct {
	n     int
	names [manyFields]string
	texts [manyFields]string
}

func (f *fields) add(name, value string) bool {
	if f.n == manyFields || f.at(name, f.n) >= 0 { // of two of one name the last counts
		return false
	}
	f.names[f.n], f.texts[f.n] = name, value
	f.n++
	return true
}

// at returns the place of a name, which is likely to be guess; -1: it is not there.
func (f *fields) at(name string, guess int) int {
	if guess < f.n && f.names[guess] == name {
		return guess
	}
	for i := range f.n {
		if f.names[i] == name {
			return i
		}
	}
	return -1
}

// hasAll is holdsAll of a scan, and careful: whether the object shown has all the
// members of the object known, and of the objects in it.
func hasAll(shown, known string, level int) bool {
	var has fields
	if level == manyLevels || !tree.Fields(shown, has.add) {
		return false
	}
	next := 0
	return tree.Fields(known, func(name, value string) bool {
		i := has.at(name, next)
		if i < 0 {
			return false
		}
		next = i + 1
		is := has.texts[i]
		return is == value || value[0] != '{' || is[0] != '{' || hasAll(is, value, level+1)
	})
}

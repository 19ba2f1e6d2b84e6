// Package document gives expressions a JSON value to read: of an object, a member
// is decoded when it is read, for most expressions look at few of many.
package document

import (
	"strings"
	"unicode/utf8"

	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/rules/tree"
)

// Of returns v as expressions read it: an object as a [lang.Document], anything
// else decoded, and [lang.Unknown] where that cannot be. It shares v's bytes, and
// is for one goroutine, as v is.
func Of(v *tree.Value) any {
	if v.IsObject() {
		return &object{tree: v}
	}
	return decode(v)
}

// Parse is [Of] of raw, which must stay as it is.
func Parse(raw []byte) (any, error) {
	v, err := tree.ParseShared(raw)
	if err != nil {
		return nil, err
	}
	return Of(v), nil
}

func decode(v *tree.Value) any {
	out, err := lang.Decode(v.Shared())
	if err != nil {
		return lang.Unknown
	}
	return out
}

// object is an object of which some members are decoded.
type object struct {
	tree  *tree.Value
	read  []member
	whole map[string]any // all of it, once that was read
}

type member struct {
	at    *tree.Value
	value any
}

// Member implements [lang.Document].
func (o *object) Member(name string) (v any, ok bool) {
	// Such a name stands for all that are not UTF-8 in the same places.
	if o.whole != nil || strings.ContainsRune(name, utf8.RuneError) {
		v, ok = o.Value()[name]
		return v, ok
	}
	at := o.tree.Get(name)
	if at == nil {
		return nil, false
	}
	for i := range o.read {
		if o.read[i].at == at {
			return o.read[i].value, true
		}
	}
	v = decode(at)
	o.read = append(o.read, member{at, v})
	return v, true
}

// Field implements [lang.Object].
func (o *object) Field(name string) any {
	v, _ := o.Member(name)
	return v
}

// Value implements [lang.Object].
func (o *object) Value() map[string]any {
	if o.whole == nil {
		if all, ok := decode(o.tree).(map[string]any); ok {
			o.whole = all
		} else {
			o.whole = map[string]any{}
			for _, m := range o.tree.Members() {
				o.whole[m.Name] = decode(&m.Value)
			}
		}
	}
	return o.whole
}

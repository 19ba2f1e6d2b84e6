// Package strict reads JSON into structs, and says of a field that there is not where
// it stands and what was probably meant: what Caddy says of one is its name alone.
package strict

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/sidehook/sidehook/caddymodule/words"
)

// Read reads text into the struct that to points to. An unknown field, at any
// depth, is an error that says where it is and what was probably meant.
func Read(text []byte, to any) error {
	if err := checkFields("", text, reflect.TypeOf(to).Elem()); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	return d.Decode(to)
}

// checkFields is an error if the object text, or one in it, has a field that t
// has not. What is no object where t is a struct is for the decoder to say.
func checkFields(place string, text json.RawMessage, t reflect.Type) error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()) {
		return nil
	}
	var object map[string]json.RawMessage
	var list []json.RawMessage
	switch t.Kind() {
	case reflect.Slice:
		if json.Unmarshal(text, &list) != nil {
			return nil
		}
		for i, one := range list {
			if err := checkFields(place+"["+strconv.Itoa(i)+"]", one, t.Elem()); err != nil {
				return err
			}
		}
	case reflect.Map, reflect.Struct:
		if json.Unmarshal(text, &object) != nil {
			return nil
		}
		return checkObject(place, object, t)
	}
	return nil
}

func checkObject(place string, object map[string]json.RawMessage, t reflect.Type) error {
	known := make(map[string]reflect.Type)
	if t.Kind() == reflect.Struct {
		jsonFields(t, known)
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		at := strings.TrimPrefix(place+"."+name, ".")
		of, ok := known[strings.ToLower(name)]
		if t.Kind() == reflect.Map {
			of, ok = t.Elem(), true
		}
		if !ok {
			return noField(at, name, known)
		}
		if err := checkFields(at, object[name], of); err != nil {
			return err
		}
	}
	return nil
}

// jsonFields adds the fields of the struct t to known, by their names in JSON.
func jsonFields(t reflect.Type, known map[string]reflect.Type) {
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			jsonFields(f.Type, known)
		case f.IsExported() && name != "" && name != "-":
			known[strings.ToLower(name)] = f.Type
		}
	}
}

func noField(at, name string, known map[string]reflect.Type) error {
	var names []string
	for one := range known {
		names = append(names, one)
	}
	slices.Sort(names)
	if near := words.Nearest(name, names); near != "" {
		return fmt.Errorf("%s: unknown field %q: did you mean %s?", at, name, near)
	}
	return fmt.Errorf("%s: unknown field %q: write %s", at, name, words.OrList(names))
}

// Names returns the names that the fields of a struct have in JSON.
func Names(t reflect.Type) (names []string) {
	for _, f := range reflect.VisibleFields(t) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" {
			names = append(names, name)
		}
	}
	return names
}

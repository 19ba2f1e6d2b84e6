package caddymodule

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/sidehook/sidehook/caddymodule/subscription"
	"github.com/sidehook/sidehook/caddymodule/words"
)

// What Caddy says of a field that it does not know is its name alone, without
// the place. So the modules read their own JSON.

// UnmarshalJSON implements [json.Unmarshaler]. Unknown fields are errors, and
// those of a later version are told apart.
func (a *App) UnmarshalJSON(text []byte) error {
	type plain App
	return readStrict(text, (*plain)(a), appOptions.Later())
}

// UnmarshalJSON implements [json.Unmarshaler]. Unknown fields are errors.
func (h *Handler) UnmarshalJSON(text []byte) error {
	type plain Handler
	return readStrict(text, (*plain)(h), handlerOptions.Later())
}

// UnmarshalJSON implements [json.Unmarshaler]. Unknown fields are errors, and
// those of a later version are told apart.
func (a *API) UnmarshalJSON(text []byte) error {
	type plain API
	return readStrict(text, (*plain)(a), apiOptions.Later())
}

// readStrict reads text into the struct that to points to. later are fields of
// it that a later version will have.
func readStrict(text []byte, to any, later []string) error {
	if err := checkFields("", text, reflect.TypeOf(to).Elem(), later); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	return d.Decode(to)
}

// checkFields is an error if the object text, or one in it, has a field that t
// has not. What is no object where t is a struct is for the decoder to say.
func checkFields(place string, text json.RawMessage, t reflect.Type, later []string) error {
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
			if err := checkFields(place+"["+strconv.Itoa(i)+"]", one, t.Elem(), nil); err != nil {
				return err
			}
		}
	case reflect.Map, reflect.Struct:
		if json.Unmarshal(text, &object) != nil {
			return nil
		}
		if t == reflect.TypeFor[subscription.Subscription]() {
			later = subscription.Options.Later()
		}
		return checkObject(place, object, t, later)
	}
	return nil
}

func checkObject(place string, object map[string]json.RawMessage, t reflect.Type, later []string) error {
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
			return noField(at, name, known, later)
		}
		if err := checkFields(at, object[name], of, nil); err != nil {
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

func noField(at, name string, known map[string]reflect.Type, later []string) error {
	if slices.Contains(later, name) {
		return fmt.Errorf("%s is not in this version yet and would have no effect: take it out", at)
	}
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

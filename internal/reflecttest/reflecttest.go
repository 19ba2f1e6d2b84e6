// Package reflecttest holds, in tests, that a struct has what it should.
package reflecttest

import (
	"reflect"
	"slices"
	"testing"
)

// AllSet fails for each field of the struct v, or of that which it points to, that
// is zero, and for each of those named but that is not.
func AllSet(t testing.TB, v any, but ...string) {
	t.Helper()
	s := reflect.Indirect(reflect.ValueOf(v))
	for i := range s.NumField() {
		if name := s.Type().Field(i).Name; s.Field(i).IsZero() != slices.Contains(but, name) {
			t.Errorf("%s.%s is %v though all that can be written is: does it have an effect?", s.Type(), name, s.Field(i))
		}
	}
}

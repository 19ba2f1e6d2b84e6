package lang

import (
	"math"
	"strings"
)

// Equal reports whether a and b are the same value: numbers by value (1 equals
// 1.0), strings exactly, arrays and objects by their content. Null equals null.
// Unknown equals nothing.
func Equal(a, b any) bool { return same(a, b, nil) == True }

// same is [Equal] in three values: undecided if it depends on an unknown. It counts what
// it looks at in f, which may be nil.
func same(a, b any, f *frame) Truth {
	if !f.spend(1) {
		return Undecided
	}
	if IsUnknown(a) || IsUnknown(b) {
		return Undecided
	}
	switch a := a.(type) {
	case nil:
		return truthOf(b == nil)
	case bool:
		b, ok := b.(bool)
		return truthOf(ok && a == b)
	case string:
		b, ok := b.(string)
		return truthOf(ok && len(a) == len(b) && f.spendText(len(a)) && a == b)
	case int64, float64:
		c, ok := compareNumbers(a, b)
		return truthOf(ok && c == 0)
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return False
		}
		t := True
		for i := range a {
			if t = t.And(same(a[i], b[i], f)); t == False {
				return t
			}
		}
		return t
	case map[string]any:
		b, ok := plain(b).(map[string]any)
		if !ok {
			return False
		}
		return sameMaps(a, b, f)
	case Object:
		return same(a.Value(), b, f)
	}
	return False
}

func sameMaps(a, b map[string]any, f *frame) Truth {
	t := True
	for k, v := range a {
		w, ok := b[k]
		if !ok {
			// A key of unknown value may as well not be there.
			if t = t.And(truthOf(IsUnknown(v)).And(Undecided)); t == False {
				return t
			}
			continue
		}
		if t = t.And(same(v, w, f)); t == False {
			return t
		}
	}
	for k, w := range b {
		if _, ok := a[k]; !ok {
			if !IsUnknown(w) {
				return False
			}
			t = Undecided
		}
	}
	return t
}

// plain turns an [Object] into its map.
func plain(v any) any {
	if o, ok := v.(Object); ok {
		return o.Value()
	}
	return v
}

// compareNumbers compares by value, exactly, also between int64 and float64.
func compareNumbers(a, b any) (int, bool) {
	switch a := a.(type) {
	case int64:
		switch b := b.(type) {
		case int64:
			return order(a, b), true
		case float64:
			c, ok := compareMixed(a, b)
			return c, ok
		}
	case float64:
		switch b := b.(type) {
		case float64:
			return order(a, b), !math.IsNaN(a) && !math.IsNaN(b)
		case int64:
			c, ok := compareMixed(b, a)
			return -c, ok
		}
	}
	return 0, false
}

func compareMixed(i int64, f float64) (int, bool) {
	switch {
	case math.IsNaN(f):
		return 0, false
	case f >= 1<<63:
		return -1, true
	case f < -1<<63:
		return 1, true
	}
	whole := math.Trunc(f)
	if c := order(i, int64(whole)); c != 0 {
		return c, true
	}
	return order(whole, f), true
}

func order[T int64 | float64](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// compare orders numbers and strings; anything else has no order.
func compare(f *frame, a, b any) (int, bool) {
	if a, ok := a.(string); ok {
		b, ok := b.(string)
		if !f.spendText(min(len(a), len(b))) {
			return 0, false
		}
		return strings.Compare(a, b), ok
	}
	return compareNumbers(a, b)
}

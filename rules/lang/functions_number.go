package lang

import (
	"math"
	"strconv"
	"strings"
)

// toInt cuts off fractions. Digits beyond int64 stay a string.
func toInt(v any) any {
	switch v := v.(type) {
	case int64:
		return v
	case float64:
		if v >= -1<<63 && v < 1<<63 {
			return int64(v)
		}
	case string:
		s := strings.TrimSpace(v)
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return n
		}
		d := decoder{src: []byte(s)}
		if n := d.number(); d.err == nil && d.at == len(s) {
			if digits, big := n.(string); big && !strings.ContainsAny(digits, ".eE") {
				return digits
			}
			return toInt(n)
		}
	}
	return nil
}

func toDouble(v any) any {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case float64:
		return v
	case string:
		if n := parseText(strings.TrimSpace(v)); n != nil {
			return toFloat(n)
		}
	}
	return nil
}

func abs(f *frame, a []any) any {
	if x, ok := a[0].(float64); ok {
		return math.Abs(x)
	}
	if i, ok := a[0].(int64); ok && i < 0 {
		return arithmetic(f, "-", int64(0), i)
	} else if ok {
		return i
	}
	return nil
}

func rounding(round func(float64) float64) func(*frame, []any) any {
	return func(_ *frame, a []any) any {
		switch x := a[0].(type) {
		case int64:
			return x
		case float64:
			return round(x)
		}
		return nil
	}
}

// extreme looks through its arguments, and through arrays among them.
func extreme(sign int) func(*frame, []any) any {
	return func(_ *frame, a []any) any {
		var best any
		for _, v := range a {
			list, ok := v.([]any)
			if !ok {
				list = []any{v}
			}
			for _, e := range list {
				if !numeric(e) {
					return nil
				}
				if c, _ := compareNumbers(e, best); best == nil || c == sign {
					best = e
				}
			}
		}
		return best
	}
}

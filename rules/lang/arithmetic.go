package lang

import (
	"math"
	"math/big"
)

// interval is a..b, both ends included.
func interval(f *frame, a, b any) any {
	if IsUnknown(a) || IsUnknown(b) {
		return Unknown
	}
	lo, ok := a.(int64)
	hi, ok2 := b.(int64)
	if !ok || !ok2 {
		return nil
	}
	if hi < lo {
		return []any{}
	}
	size := new(big.Int).Sub(big.NewInt(hi), big.NewInt(lo))
	if !size.IsInt64() || size.Int64() >= MaxSteps || !f.spend(int(size.Int64())+1) {
		f.spend(MaxSteps + 1)
		return Unknown
	}
	out := make([]any, 0, size.Int64()+1)
	for i := range size.Int64() + 1 {
		out = append(out, lo+i)
	}
	return out
}

// arithmetic works on two numbers; + joins two strings. Anything else gives
// null, as does what JSON has no number for. Integers that overflow go on as
// floats; / always gives a float.
func arithmetic(f *frame, op string, a, b any) any {
	if s, ok := a.(string); ok && op == "+" {
		switch t := b.(type) {
		case string:
			if !f.spendText(len(s) + len(t)) {
				return Unknown
			}
			return s + t
		case unknown:
			return t
		}
		return nil
	}
	if !numeric(a) && !IsUnknown(a) || !numeric(b) && !(IsUnknown(b)) && !(op == "+" && IsUnknown(a) && isText(b)) {
		return nil
	}
	if IsUnknown(a) || IsUnknown(b) {
		return Unknown
	}
	i, ok := a.(int64)
	j, ok2 := b.(int64)
	if ok && ok2 {
		if v, ok := integers(op, i, j); ok {
			return v
		}
	}
	return finite(floats(op, toFloat(a), toFloat(b)))
}

func numeric(v any) bool {
	switch v.(type) {
	case int64, float64:
		return true
	}
	return false
}

func isText(v any) bool { _, ok := v.(string); return ok }

func toFloat(v any) float64 {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case float64:
		return v
	}
	return math.NaN()
}

// integers reports false where the result is no int64.
func integers(op string, a, b int64) (any, bool) {
	switch op {
	case "+":
		if s := a + b; (s > a) == (b > 0) {
			return s, true
		}
	case "-":
		if s := a - b; (s < a) == (b > 0) {
			return s, true
		}
	case "*":
		if a == 0 || b == 0 {
			return int64(0), true
		}
		if s := a * b; s/b == a && !(a == -1 && b == math.MinInt64) && !(b == -1 && a == math.MinInt64) {
			return s, true
		}
	case "%":
		if b == 0 {
			return nil, true
		}
		if b == -1 {
			return int64(0), true
		}
		return a % b, true
	}
	return nil, false
}

func floats(op string, a, b float64) float64 {
	switch op {
	case "+":
		return a + b
	case "-":
		return a - b
	case "*":
		return a * b
	case "/":
		return a / b
	case "%":
		return math.Mod(a, b)
	}
	return math.Pow(a, b)
}

func finite(v float64) any {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return v
}

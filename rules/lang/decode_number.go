package lang

import (
	"errors"
	"math"
	"strconv"
)

func (d *decoder) number() any {
	start := d.at
	whole := true
	if d.peek() == '-' {
		d.at++
	}
	if d.peek() == '0' {
		d.at++
	} else if !d.digits() {
		return d.fail("a digit is wanted")
	}
	if d.peek() == '.' {
		whole = false
		d.at++
		if !d.digits() {
			return d.fail("a digit is wanted")
		}
	}
	if c := d.peek(); c == 'e' || c == 'E' {
		whole = false
		d.at++
		if c := d.peek(); c == '+' || c == '-' {
			d.at++
		}
		if !d.digits() {
			return d.fail("a digit is wanted")
		}
	}
	return parseNumber(d.src[start:d.at], whole)
}

func (d *decoder) digits() bool {
	start := d.at
	for d.at < len(d.src) && d.src[d.at] >= '0' && d.src[d.at] <= '9' {
		d.at++
	}
	return d.at > start
}

func parseNumber(text []byte, whole bool) any {
	if whole {
		if n, ok := smallInt(text); ok {
			return n
		}
		n, err := strconv.ParseInt(string(text), 10, 64)
		if err != nil {
			return string(text)
		}
		return n
	}
	f, err := strconv.ParseFloat(string(text), 64)
	if errors.Is(err, strconv.ErrRange) && math.IsInf(f, 0) {
		return string(text)
	}
	return f
}

// smallInt reads up to 18 digits without allocating.
func smallInt(text []byte) (int64, bool) {
	digits, sign := text, int64(1)
	if text[0] == '-' {
		digits, sign = text[1:], -1
	}
	if len(digits) > 18 {
		return 0, false
	}
	var n int64
	for _, c := range digits {
		n = n*10 + int64(c-'0')
	}
	return n * sign, true
}

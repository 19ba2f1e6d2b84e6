package plain

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Number is a number as it is to be written.
func Number(digits string) json.Number { return json.Number(digits) }

// Money makes sure that a field is written with two decimals, like 15000.00, and
// returns it in hundredths; 0 for null.
func Money(doc Doc, field string) int64 {
	n, ok := doc[field].(json.Number)
	if !ok {
		return 0
	}
	f, _ := n.Float64()
	hundredths := int64(math.Round(f * 100))
	doc[field] = json.Number(Decimal(hundredths))
	return hundredths
}

// Decimal writes hundredths with two decimals.
func Decimal(hundredths int64) string {
	sign := ""
	if hundredths < 0 {
		sign, hundredths = "-", -hundredths
	}
	return fmt.Sprintf("%s%d.%02d", sign, hundredths/100, hundredths%100)
}

// OneOf refuses a text that is none of allowed.
func OneOf(doc Doc, field string, allowed ...string) error {
	if got, ok := doc[field].(string); !ok || slices.Contains(allowed, got) {
		return nil
	}
	return fmt.Errorf("%s is one of %s", field, strings.Join(allowed, ", "))
}

// Text returns a field that is a text; "" for anything else.
func Text(doc Doc, field string) string {
	s, _ := doc[field].(string)
	return s
}

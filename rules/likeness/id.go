package likeness

import "strings"

// SameID reports whether two texts are one id, written in two ways: a UUID, with
// dashes or without, in capitals or not (RFC 9562 §4), as are other texts of 32
// hexadecimal digits; or an id of Salesforce's, with the three letters at its end that
// say which of the others are capitals, or without.
func SameID(a, b string) bool {
	if len(a) < len(b) {
		a, b = b, a
	}
	if len(a) == 18 && len(b) == 15 {
		return a[:15] == b && a[15:] == capitals(b)
	}
	x, y := hexDigits(a), hexDigits(b)
	return x != "" && x == y
}

// hexDigits returns the 32 hexadecimal digits of a UUID, in lower case; "" if text
// is none.
func hexDigits(text string) string {
	if len(text) == 36 && text[8] == '-' && text[13] == '-' && text[18] == '-' && text[23] == '-' {
		text = strings.ReplaceAll(text, "-", "")
	}
	if len(text) != 32 {
		return ""
	}
	text = strings.ToLower(text)
	if strings.Trim(text, "0123456789abcdef") != "" {
		return ""
	}
	return text
}

// capitals returns what stands at the end of Salesforce's long ids: a letter for each
// five of the id before, whose bits say which of them are capitals.
func capitals(id string) string {
	var end [3]byte
	for i := range end {
		bits := 0
		for j := range 5 {
			if c := id[5*i+j]; c >= 'A' && c <= 'Z' {
				bits |= 1 << j
			}
		}
		end[i] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[bits]
	}
	return string(end[:])
}

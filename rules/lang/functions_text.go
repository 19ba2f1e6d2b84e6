package lang

import (
	"encoding/base64"
	"strconv"
	"strings"
	"unicode/utf8"
)

// text returns v as a string: strings as they are, numbers by their shortest
// digits, true and false. Null stays null; what is not known stays so.
func text(v any) any {
	switch v := v.(type) {
	case nil, string, unknown:
		return v
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	}
	b, err := Encode(v)
	if err != nil {
		return nil
	}
	return string(b)
}

// text is [text] with what it writes counted.
func (f *frame) text(v any) any {
	if !f.measure(v) {
		return Unknown
	}
	return text(v)
}

// Text returns v as template values and form fields show it: strings as they
// are, numbers by their shortest digits, arrays and objects as JSON, "" for
// null and unknown.
func Text(v any) string {
	s, _ := text(v).(string)
	return s
}

func toText(f *frame, a []any) any {
	if !f.measure(a[0]) {
		return Unknown
	}
	return text(a[0])
}

func oneText(do func(string) string) func(*frame, []any) any {
	return func(f *frame, a []any) any {
		s, ok := a[0].(string)
		if !ok || !f.spendText(len(s)) {
			return nil
		}
		return do(s)
	}
}

func twoTexts(do func(s, t string) string) func(*frame, []any) any {
	return func(f *frame, a []any) any {
		s, ok := a[0].(string)
		t, ok2 := a[1].(string)
		if !ok || !ok2 || !f.spendText(len(s)) {
			return nil
		}
		return do(s, t)
	}
}

func textTest(test func(s, t string) bool) func(*frame, []any) any {
	return func(f *frame, a []any) any { return texts(f, a[0], a[1], test).value() }
}

func position(find func(s, t string) int) func(*frame, []any) any {
	return func(f *frame, a []any) any {
		s, ok := a[0].(string)
		t, ok2 := a[1].(string)
		if !ok || !ok2 || !f.spendText(len(s)) {
			return nil
		}
		return int64(find(s, t))
	}
}

func trim(f *frame, a []any) any {
	if len(a) == 1 {
		return oneText(strings.TrimSpace)(f, a)
	}
	return twoTexts(strings.Trim)(f, a)
}

func split(f *frame, a []any) any {
	s, ok := a[0].(string)
	sep, ok2 := a[1].(string)
	limit := int64(-1)
	if len(a) == 3 {
		n, ok := a[2].(int64)
		if !ok {
			return nil
		}
		limit = n
	}
	if !ok || !ok2 || !f.spend(len(s)+1) {
		return nil
	}
	parts := strings.SplitN(s, sep, int(min(max(limit, -1), int64(len(s)+1))))
	out := make([]any, len(parts))
	for i, p := range parts {
		out[i] = p
	}
	return out
}

func replace(f *frame, a []any) any {
	s, ok := a[0].(string)
	from, ok2 := a[1].(string)
	to, ok3 := a[2].(string)
	limit := int64(-1)
	if len(a) == 4 {
		limit, _ = a[3].(int64)
	}
	if !ok || !ok2 || !ok3 || !f.spendText(len(s)) {
		return nil
	}
	found := strings.Count(s, from)
	if limit >= 0 {
		found = int(min(int64(found), limit))
	}
	if !f.spendTexts(found, len(to)) {
		return nil
	}
	return strings.Replace(s, from, to, found)
}

func repeat(f *frame, a []any) any {
	s, ok := a[0].(string)
	n, ok2 := a[1].(int64)
	if !ok || !ok2 || n < 0 {
		return nil
	}
	if len(s) == 0 {
		return ""
	}
	if n > MaxSteps || !f.spendTexts(int(n), len(s)) {
		f.spend(MaxSteps + 1)
		return nil
	}
	return strings.Repeat(s, int(n))
}

// spendTexts counts n texts of a size.
func (f *frame) spendTexts(n, size int) bool {
	if size > 0 && n > 8*MaxSteps/size {
		return f.spend(MaxSteps + 1)
	}
	return f.spendText(n * size)
}

func join(f *frame, a []any) any {
	list, ok := a[0].([]any)
	sep := ""
	if len(a) == 2 {
		s, isText := a[1].(string)
		sep, ok = s, ok && isText
	}
	if !ok {
		return nil
	}
	parts := make([]string, len(list))
	for i, e := range list {
		if !f.measure(e) || !f.spendText(len(sep)) {
			return nil
		}
		parts[i] = Text(e)
	}
	return strings.Join(parts, sep)
}

func toJSON(f *frame, a []any) any {
	if !f.measure(a[0]) {
		return nil
	}
	b, err := Encode(a[0])
	if err != nil {
		return nil
	}
	return string(b)
}

func fromJSON(f *frame, a []any) any {
	s, ok := a[0].(string)
	if !ok || !f.spend(len(s)) {
		return nil
	}
	v, err := Decode([]byte(s))
	if err != nil {
		return nil
	}
	return v
}

func fromBase64(f *frame, a []any) any {
	s, ok := a[0].(string)
	if !ok || !f.spendText(len(s)) {
		return nil
	}
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil || !utf8.Valid(b) {
		return nil
	}
	return string(b)
}

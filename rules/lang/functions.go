package lang

import (
	"encoding/base64"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// functions are those that expressions may call besides predicates and loops.
// Of null and of wrong types they make null, but for those that say otherwise.
var functions = map[string]function{
	"len":         {1, 1, "len(entity.tags)", length},
	"type":        {1, 1, "type(entity.tags)", func(_ *frame, a []any) any { return typeName(a[0]) }},
	"int":         {1, 1, "int(id)", func(_ *frame, a []any) any { return toInt(a[0]) }},
	"float":       {1, 1, "float(entity.total)", func(_ *frame, a []any) any { return toDouble(a[0]) }},
	"string":      {1, 1, "string(entity.id)", toText},
	"abs":         {1, 1, "abs(entity.balance)", abs},
	"ceil":        {1, 1, "ceil(entity.total)", rounding(math.Ceil)},
	"floor":       {1, 1, "floor(entity.total)", rounding(math.Floor)},
	"round":       {1, 1, "round(entity.total)", rounding(math.Round)},
	"trim":        {1, 2, "trim(entity.name)", trim},
	"trimPrefix":  {2, 2, `trimPrefix(id, "p-")`, twoTexts(strings.TrimPrefix)},
	"trimSuffix":  {2, 2, `trimSuffix(id, ".json")`, twoTexts(strings.TrimSuffix)},
	"upper":       {1, 1, "upper(entity.name)", oneText(strings.ToUpper)},
	"lower":       {1, 1, "lower(entity.name)", oneText(strings.ToLower)},
	"split":       {2, 3, `split(entity.tags, ",")`, split},
	"replace":     {3, 4, `replace(entity.name, "a", "b")`, replace},
	"repeat":      {2, 2, `repeat("-", 3)`, repeat},
	"join":        {1, 2, `join(entity.tags, ",")`, join},
	"indexOf":     {2, 2, `indexOf(entity.email, "@")`, position(strings.Index)},
	"lastIndexOf": {2, 2, `lastIndexOf(entity.path, "/")`, position(strings.LastIndex)},
	"hasPrefix":   {2, 2, `hasPrefix(id, "p-")`, textTest(strings.HasPrefix)},
	"hasSuffix":   {2, 2, `hasSuffix(id, "-p")`, textTest(strings.HasSuffix)},
	"max":         {1, -1, "max(entity.a, entity.b)", extreme(+1)},
	"min":         {1, -1, "min(entity.a, entity.b)", extreme(-1)},
	"first":       {1, 1, "first(entity.tags)", func(_ *frame, a []any) any { return elementOf(a[0], 0) }},
	"last":        {1, 1, "last(entity.tags)", func(_ *frame, a []any) any { return elementOf(a[0], -1) }},
	"get":         {2, 2, `get(entity, "name")`, get},
	"take":        {2, 2, "take(entity.tags, 3)", func(_ *frame, a []any) any { return cut(a[0], int64(0), a[1], false) }},
	"keys":        {1, 1, "keys(entity)", keys},
	"values":      {1, 1, "values(entity.fields)", values},
	"reverse":     {1, 1, "reverse(entity.tags)", reverse},
	"sort":        {1, 2, "sort(entity.tags)", sorted},
	"uniq":        {1, 1, "uniq(entity.tags)", uniq},
	"concat":      {1, -1, "concat(entity.a, entity.b)", concat},
	"flatten":     {1, 1, "flatten(entity.lists)", flatten},
	"toJSON":      {1, 1, "toJSON(entity)", toJSON},
	"fromJSON":    {1, 1, "fromJSON(entity.meta)", fromJSON},
	"toBase64":    {1, 1, "toBase64(entity.name)", oneText(func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) })},
	"fromBase64":  {1, 1, "fromBase64(entity.data)", fromBase64},
	"unix":        {1, 1, "unix(time)", unix},
	"rfc3339":     {1, 1, "rfc3339(entity.created)", rfc3339},
	"pick":        {2, -1, `pick(entity, "id", "owner.email")`, pick},
}

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

// length of null is 0.
func length(_ *frame, a []any) any {
	switch v := a[0].(type) {
	case nil:
		return int64(0)
	case string:
		return int64(utf8.RuneCountInString(v))
	case []any:
		return int64(len(v))
	case map[string]any:
		return int64(len(v))
	}
	return nil
}

func typeName(v any) string {
	switch v.(type) {
	case nil:
		return "nil"
	case bool:
		return "bool"
	case string:
		return "string"
	case int64:
		return "int"
	case float64:
		return "float"
	case []any:
		return "array"
	}
	return "map"
}

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
	if n > maxSteps || !f.spendTexts(int(n), len(s)) {
		f.spend(maxSteps + 1)
		return nil
	}
	return strings.Repeat(s, int(n))
}

// spendTexts counts n texts of a size.
func (f *frame) spendTexts(n, size int) bool {
	if size > 0 && n > 8*maxSteps/size {
		return f.spend(maxSteps + 1)
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

func get(_ *frame, a []any) any {
	switch k := a[1].(type) {
	case string:
		return fieldOf(a[0], k)
	case int64:
		return elementOf(a[0], k)
	}
	return nil
}

func keys(f *frame, a []any) any {
	m, ok := a[0].(map[string]any)
	if !ok || !f.spend(len(m)) {
		return nil
	}
	out := make([]any, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, k)
	}
	return out
}

// values are in the order of their keys.
func values(f *frame, a []any) any {
	m, ok := a[0].(map[string]any)
	if !ok || !f.spend(len(m)) {
		return nil
	}
	out := make([]any, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, m[k])
	}
	return out
}

func reverse(f *frame, a []any) any {
	list, ok := a[0].([]any)
	if !ok || !f.spend(len(list)) {
		return nil
	}
	out := slices.Clone(list)
	slices.Reverse(out)
	return out
}

func sorted(f *frame, a []any) any {
	list, ok := a[0].([]any)
	if !ok || !f.spend(len(list)) {
		return nil
	}
	direction := 1
	if len(a) == 2 && a[1] == "desc" {
		direction = -1
	}
	out := slices.Clone(list)
	slices.SortStableFunc(out, func(x, y any) int { return rank(f, x, y) * direction })
	return out
}

func uniq(f *frame, a []any) any {
	list, ok := a[0].([]any)
	if !ok {
		return nil
	}
	out := []any{}
	for _, e := range list {
		if held(f, out, e, Path{}, false) == False {
			out = append(out, e)
		}
	}
	return out
}

func concat(f *frame, a []any) any {
	out := []any{}
	for _, v := range a {
		list, ok := v.([]any)
		if !ok && v != nil || !f.spend(len(list)) {
			return nil
		}
		out = append(out, list...)
	}
	return out
}

// flatten opens the arrays in an array, one level.
func flatten(f *frame, a []any) any {
	list, ok := a[0].([]any)
	if !ok {
		return nil
	}
	out := []any{}
	for _, e := range list {
		inner, ok := e.([]any)
		if !ok {
			inner = []any{e}
		}
		if !f.spend(len(inner) + 1) {
			return nil
		}
		out = append(out, inner...)
	}
	return out
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

// unix returns a time, written as RFC 3339 says or as a date, in seconds since
// 1970. A number is taken for that already.
func unix(_ *frame, a []any) any {
	switch v := a[0].(type) {
	case int64:
		return v
	case float64:
		return toInt(v)
	case string:
		if t, ok := parseTime(v); ok {
			return t.Unix()
		}
	}
	return nil
}

// rfc3339 returns a time in UTC, from seconds since 1970 or another way of
// writing it.
func rfc3339(_ *frame, a []any) any {
	switch v := a[0].(type) {
	case int64:
		return formatTime(time.Unix(v, 0))
	case float64:
		if math.Abs(v) < 1<<53 {
			whole, part := math.Modf(v)
			return formatTime(time.Unix(int64(whole), int64(part*1e9)))
		}
	case string:
		if t, ok := parseTime(v); ok {
			return formatTime(t)
		}
	}
	return nil
}

func formatTime(t time.Time) any {
	if t = t.UTC(); t.Year() < 0 || t.Year() > 9999 {
		return nil
	}
	return t.Format(time.RFC3339Nano)
}

// parseTime reads the usual ways of writing a time; without a zone it is UTC.
func parseTime(s string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// pick returns an object with only the given paths of another, nested as they
// are there. Paths that are not there are left out.
func pick(f *frame, a []any) any {
	m, ok := a[0].(map[string]any)
	if !ok {
		return nil
	}
	texts := []string{}
	for _, v := range a[1:] {
		list, ok := v.([]any)
		if !ok {
			list = []any{v}
		}
		for _, e := range list {
			s, ok := e.(string)
			if !ok || !f.spend(1) {
				return nil
			}
			texts = append(texts, s)
		}
	}
	globs, err := ParseGlobs(texts)
	if err != nil {
		return nil
	}
	out, _ := project(f, m, globs)
	if out == nil {
		return map[string]any{}
	}
	return out
}

// project returns what globs select of v, and whether they select any of it.
func project(f *frame, v any, globs Globs) (any, bool) {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, e := range v {
			if rest, whole := globs.Step(k); whole {
				out[k] = e
			} else if len(rest) > 0 && f.spend(1) {
				if part, ok := project(f, e, rest); ok {
					out[k] = part
				}
			}
		}
		return out, len(out) > 0
	case []any:
		out := []any{}
		for i, e := range v {
			if rest, whole := globs.Step(strconv.Itoa(i)); whole {
				out = append(out, e)
			} else if len(rest) > 0 && f.spend(1) {
				if part, ok := project(f, e, rest); ok {
					out = append(out, part)
				}
			}
		}
		return out, len(out) > 0
	}
	return nil, false
}

package lang

import (
	"encoding/base64"
	"math"
	"strings"
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
	"meets":       {2, 3, `meets(entity, subscription.options.filter)`, meets},
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

func get(_ *frame, a []any) any {
	switch k := a[1].(type) {
	case string:
		return fieldOf(a[0], k)
	case int64:
		return elementOf(a[0], k)
	}
	return nil
}

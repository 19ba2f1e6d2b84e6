package rules

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/rules/likeness"
	"github.com/sidehook/sidehook/rules/tree"
)

// idsInQuery returns the ids in ?ids=1,2, ?id=1&id=2, ?ids[]=1, ?id:in=1,2, ?project_ids=1,
// ?ids=[1,2], or ?id=in.(1,2) and ?id=eq.5 as PostgREST has them. What names no
// id by itself, like all or gt.5, selects, and names none. only is false if
// something beside them may select of them.
func (c *call) idsInQuery() (ids []element, only bool) {
	if c.x.Request.Query == "" {
		return nil, false
	}
	values, _ := url.ParseQuery(c.x.Request.Query) // what it could read is in values
	for _, name := range c.e.res.queryNames() {
		for _, param := range slices.Sorted(maps.Keys(values)) {
			if listName(param) != name {
				continue
			}
			for _, text := range values[param] {
				some, ok := idsInText(text)
				if !ok {
					return nil, false
				}
				for _, id := range some {
					v := tree.Text(id)
					ids = append(ids, element{id, &v})
				}
			}
			delete(values, param)
		}
		if len(ids) > 0 {
			break
		}
	}
	if len(ids) > maxElements {
		return nil, false
	}
	for name, list := range values {
		if !isOption(name, list) {
			return ids, false
		}
	}
	return ids, true
}

// listName returns the field of which a parameter gives values to select by: id of
// id[], id:in, id__in, id[in], filter[id] and filters[id][$in], as APIs write it. Other
// operators, like id__gt, stay in the name.
func listName(param string) string {
	for _, in := range [...]string{"[]", "[in]", "[$in]", "[_in]", "[eq]", "[$eq]", "[_eq]", ":in", "__in", ".in"} {
		param = strings.TrimSuffix(param, in)
	}
	if inner, found := strings.CutPrefix(param, "filter"); found && strings.HasSuffix(inner, "]") {
		field := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(inner, "s"), "["), "]")
		if plain := strings.TrimSuffix(strings.ToLower(field), "s"); strings.HasSuffix(plain, "id") {
			return field // keys and records may be fields
		}
	}
	return param
}

// idsInText returns the ids in the value of a parameter; ok is false if it selects
// otherwise than by them.
func idsInText(text string) (ids []string, ok bool) {
	if i := strings.IndexAny(text, ".:"); i >= 0 { // in.(1,2), and gt:5
		switch op, rest := strings.TrimPrefix(text[:i], "$"), text[i+1:]; op {
		case "eq":
			text = rest
		case "in":
			text = strings.TrimSuffix(strings.TrimPrefix(rest, "("), ")")
		case "ne", "neq", "gt", "gte", "lt", "lte", "like", "ilike", "match", "imatch", "is", "isdistinct", "fts", "cs", "cd", "ov", "not", "or", "and":
			return nil, false
		}
	}
	if inner, found := strings.CutPrefix(text, "["); found {
		text = strings.TrimSuffix(inner, "]")
	}
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == '|' || r == ';' }) {
		some := strings.Fields(part)
		for _, id := range some {
			if id = strings.Trim(id, `"'`); !isListed(id) || len(some) > 1 && !likeness.IsDigits(id) && len(id) < longID { // between 5 and 7
				return nil, false
			}
			ids = append(ids, id)
		}
	}
	return ids, true
}

// isListed reports whether text, in a list, can be an id, and no word or range that
// selects.
func isListed(text string) bool {
	switch strings.ToLower(text) {
	case "", "all", "any", "none", "null", "undefined", "true", "false":
		return false
	}
	from, to, isRange := strings.Cut(text, "-")
	if isRange && (from == "" || likeness.IsDigits(from) && isLess(from, to)) && likeness.IsDigits(to) { // 5-7, and -5, but not 302-1 or 2024-01
		return false
	}
	return !strings.ContainsAny(text, "*()[]{}<>!?\"'") && !strings.Contains(text, "..")
}

// isLess reports whether the number in from is less than that in to.
func isLess(from, to string) bool {
	return len(from) < len(to) || len(from) == len(to) && from < to
}

// longID is how long a text is, at least, that is none but an id.
const longID = 16

// narrower is why it is not known whether it was done to one of several that a
// query names beside other things.
const narrower = "may or may not have been done to this one: something else in the query may select, too"

// isOption reports whether a parameter says how, and not of what. A switch that is none
// of these may select, too: done=true, and deleted=true, but not deleteFiles=true.
func isOption(name string, values []string) bool {
	what, does := strings.CutPrefix(name, "delete")
	if does && !strings.HasPrefix(what, "d") && !slices.ContainsFunc(values, func(text string) bool { return text != "true" && text != "false" }) {
		return true
	}
	return wordIn(optionNames, name) || strings.HasSuffix(strings.ToLower(name), "token") || !slices.ContainsFunc(values, func(text string) bool { return text != "" })
}

var optionNames = map[string]bool{
	"apiversion": true, "v": true, "format": true, "fields": true, "select": true, "include": true, "expand": true, "returning": true, "columns": true,
	"reason": true, "comment": true, "prefer": true, "method": true, "callback": true, "pretty": true, "timeout": true, "refresh": true, "wait": true,
	"apikey": true, "key": true, "accesskey": true, "subscriptionkey": true, "ts": true, "hard": true, "harddelete": true, "soft": true, "softdelete": true,
	"force": true, "permanent": true, "permanently": true, "purge": true, "trash": true, "skiptrash": true, "recursive": true, "cascade": true,
	"confirm": true, "confirmed": true, "async": true, "sync": true, "notify": true, "sendnotifications": true, "silent": true, "quiet": true, "upsert": true,
	"allornone": true, "atomic": true, "rev": true,
}

func (r *resource) queryNames() []string {
	names := []string{"ids", "id", "keys", "records", "pks", "uuids"}
	if r.idParam != "id" && r.idParam != "" {
		names = append(names, r.idParam, r.idParam+"s")
	}
	for _, w := range r.wraps[1:] { // data_id is another thing's
		names = append(names, w+"_ids", w+"Ids", w+"_id", w+"Id")
	}
	return names
}

// idsInPath returns the ids in a path like /tasks/1,2,3, if the answer, or the GET
// before, says that these are several: else it may be one id with commas in it.
func (c *call) idsInPath() (ids []element) {
	parts := c.partsInPath()
	if len(parts) == 0 {
		return nil
	}
	for _, part := range parts {
		v := tree.Text(part)
		ids = append(ids, element{part, &v})
	}
	several := func(v *tree.Value) bool {
		shown := c.e.res.idsOf(c.e.res.listIn(v))
		return len(shown) > 0 && !slices.ContainsFunc(shown, func(id string) bool { return !slices.Contains(parts, id) })
	}
	t := c.told(parts)
	if t.limit > 1 && !t.vague || several(c.res) || several(c.readBefore()) {
		return ids
	}
	return nil
}

// partsInPath returns what may be several ids, with commas between them, in the
// place of one; nil if that can only be one.
func (c *call) partsInPath() []string {
	text := c.m.params[c.e.res.idParam]
	if !c.e.named || c.e.res.singular || c.e.id != nil || !strings.Contains(text, ",") || !c.m.atItem() {
		return nil
	}
	parts := strings.Split(text, ",")
	if slices.ContainsFunc(parts, func(part string) bool { return !likeness.IsDigits(part) && len(part) < longID }) {
		return nil
	}
	return parts
}

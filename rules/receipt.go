package rules

import (
	"slices"

	"github.com/sidehook/sidehook/rules/content"
	"github.com/sidehook/sidehook/rules/patch"
	"github.com/sidehook/sidehook/rules/tree"
)

// fewFields is up to how many fields of its own an answer is small.
const fewFields = 3

// isReceipt judges whether an answer that names the entity only says that
// something was done: {"ok": true, "id": "o-1", "rev": "3"}. What counts are the
// fields that tell of the entity: not its id, and not what answers say of calls.
//
//   - A small answer is a receipt if it lacks fields that the request set, or
//     that the state before had, or if there is nothing to compare it with.
//   - Any answer is one that shows less than half of the state before, or,
//     where that is not known, nothing of what the request set.
//
// A receipt taken for the entity would invent fields, and make others look
// removed; an entity taken for a receipt costs one GET.
func (c *call) isReceipt(entity, asked, before *tree.Value) bool {
	var few [fewSet]string
	set := c.setFields(few[:0], asked)
	if !before.IsObject() {
		return c.isReceiptAlone(entity, asked, set)
	}
	known, shown := c.compareFields(entity, asked, before)
	if known == 0 && len(set) == 0 {
		return c.isReceiptAlone(entity, asked, set)
	}
	if c.e.res.tells(entity, max(fewFields+1, (known+1)/2)) {
		return 2*shown < known
	}
	return shown < known || countShown(entity, asked, set) < len(set)
}

// isReceiptAlone is isReceipt by what the request set.
func (c *call) isReceiptAlone(entity, asked *tree.Value, set []string) bool {
	shown := countShown(entity, asked, set)
	if c.e.res.tells(entity, fewFields+1) {
		return len(set) > 0 && shown == 0
	}
	if len(set) == 0 {
		return !c.bulk || !c.e.res.tells(entity, 1) // elements of a bulk come as what they are
	}
	// A POST to what is there may replace it or add to it: the request does not say.
	return shown < len(set) || c.e.res.singular && c.e.kind == Create
}

// isEcho reports whether the answer to a PATCH, or to an update of many, shows
// nothing but what was set: it may be the whole of a small entity, and a GET tells.
func (c *call) isEcho(entity, asked *tree.Value) bool {
	var few [fewSet]string
	set := c.setFields(few[:0], asked)
	return (c.m.method == "PATCH" || c.bulk && c.m.method != "PUT" && c.e.kind != Create) && len(set) > 0 && len(set) <= fewFields && !c.e.res.tells(entity, len(set)+1)
}

// showsOnlyWhatWasSet reports whether every field of an answer that tells of the
// entity is one that the request set.
func (c *call) showsOnlyWhatWasSet(entity, asked *tree.Value) (some bool) {
	var set []string
	if c.reqKind == content.IsPatch {
		set = c.setFields(nil, asked)
	}
	for m := range tree.Each(entity.Members()) {
		switch name := m.Name; {
		case isReceiptWord(name) || slices.Contains(c.e.res.idNames, name):
		case asked.Get(name) == nil && !slices.Contains(set, name):
			return false
		default:
			some = true
		}
	}
	return some
}

// countShown counts the fields that the request sets which entity shows. A plain
// value that a receipt has too must be the one that was set.
func countShown(entity, asked *tree.Value, names []string) (n int) {
	for _, name := range names {
		v := entity.Get(name)
		if set := asked.Get(name); v != nil && (set == nil || v.Kind >= tree.Array || !isReceiptWord(name) || tree.Equal(v, set) || v.Kind == tree.Null && isBlank(set)) {
			n++
		}
	}
	return n
}

// compareFields counts the fields of before that tell of the entity, and those
// of them that entity shows. What the request itself took away is not counted, nor
// what the path of a DELETE names below the entity.
func (c *call) compareFields(entity, asked, before *tree.Value) (known, shown int) {
	put := c.m.method == "PUT" && asked.IsObject()
	for m := range tree.Each(before.Members()) {
		name := m.Name
		set := asked.Get(name)
		switch has := entity.Get(name) != nil; {
		case slices.Contains(c.e.res.idNames, name) || !has && (put && set == nil || set != nil && set.Kind == tree.Null ||
			c.m.method == "DELETE" && c.isNamed(name)):
		case has:
			known, shown = known+1, shown+1
		default:
			known++
		}
	}
	return known, shown
}

// tells reports whether entity has at least so many fields that tell of it.
func (r *resource) tells(entity *tree.Value, enough int) bool {
	members := entity.Members()
	for i := range members {
		if enough == 0 {
			break
		}
		name := members[i].Name
		if isID := r.telling&lengthBit(name) != 0 && slices.Contains(r.idNames, name); !isID && !isReceiptWord(name) {
			enough--
		}
	}
	return enough == 0
}

// fewSet is up to how many fields that a request sets need no room of their own.
const fewSet = 8

// setFields appends to names the fields that the request gives a value.
func (c *call) setFields(names []string, asked *tree.Value) []string {
	if asked == nil {
		return names
	}
	if c.reqKind == content.IsPatch {
		for e := range tree.Each(asked.Elems()) {
			text, _ := e.Get("path").Text()
			if path := patch.Names(text); len(path) > 0 && e.Get("value") != nil {
				names = append(names, path[0])
			}
		}
		return names
	}
	for m := range tree.Each(asked.Members()) {
		// A null may be answered by leaving the field out.
		if m.Kind != tree.Null && !slices.Contains(c.e.res.idNames, m.Name) {
			names = append(names, m.Name)
		}
	}
	return names
}

// receiptWords are what answers say of a call, in lower case and without
// separators. An entity may have some of them too: they only do not count.
var receiptWords = map[string]bool{
	"ok": true, "success": true, "succeeded": true, "successful": true, "acknowledged": true, "done": true,
	"result": true, "message": true, "msg": true, "detail": true, "error": true, "errors": true, "code": true,
	"statuscode": true, "errorcode": true, "errormessage": true, "warnings": true, "warningstatus": true,
	"rev": true, "revision": true, "version": true, "etag": true, "seqno": true, "primaryterm": true,
	"createdat": true, "updatedat": true, "modifiedat": true, "savedat": true, "createdtime": true, "updatedtime": true,
	"created": true, "updated": true, "modified": true, "timestamp": true, "time": true, "date": true,
	"took": true, "duration": true, "requestid": true, "reqid": true, "traceid": true, "correlationid": true,
	"objectid": true, "insertid": true, "insertedid": true, "upsertedid": true, "lastid": true, "count": true,
	"affected": true, "affectedrows": true, "rowsaffected": true, "rowcount": true, "changes": true, "changed": true,
	"changedrows": true, "matchedcount": true, "modifiedcount": true, "upsertedcount": true, "shards": true,
	"uri": true, "url": true, "href": true, "link": true, "links": true, "self": true, "location": true,
}

// longestWord is at least the length of the longest name that wordIn knows.
const longestWord = 20

// isReceiptWord reports whether name, however it is written, is one of
// receiptWords.
func isReceiptWord(name string) bool { return wordIn(receiptWords, name) }

package rules

import (
	"slices"
	"strings"

	"github.com/sidehook/sidehook/rules/tree"
)

// Names in requests and answers about many.
var (
	innerNames = []string{"body", "data", "resource", "entity", "item", "result", "value", "document", "record", "output"}
	clientRefs = []string{
		"client_id", "clientId", "client_ref", "clientRef", "ref", "reference", "external_id", "externalId", "temp_id", "tempId",
		"tmp_id", "lid", "local_id", "localId", "custom_id", "customId", "bulkId", "correlation_id", "correlationId", "request_id", "requestId", "key", "name", "slug",
	}
)

// listNames are lists in bodies about many.
var listNames = map[string]bool{
	"data": true, "items": true, "results": true, "result": true, "records": true, "value": true, "values": true, "entities": true, "resources": true,
	"operations": true, "responses": true, "ids": true, "keys": true, "docs": true, "inputs": true, "objects": true, "pks": true, "uuids": true, "requests": true,
}

// partWord is what a name, or a text, means in a part of a bulk's answer.
type partWord uint8

const (
	noWord     partWord = iota
	usualWord           // beside a verdict, and tells nothing of it
	statusWord          // an HTTP status, or a text like failed
	codeWord            // an HTTP status, or a number of the entity's own
	resultWord          // a text like failed, or the entity
	flagWord            // true or false
	errorWord           // why not
	reasonWord          // why not, if something else says so
)

// partWords are names in the object that judges a part of a bulk, in lower case
// and without separators. An entity may have any of them, too.
var partWords = map[string]partWord{
	"status": statusWord, "statuscode": statusWord, "httpstatus": statusWord, "httpcode": statusWord, "httpstatuscode": statusWord,
	"responsecode": statusWord, "responsestatus": statusWord, "statustext": usualWord, "statusmessage": reasonWord, "code": codeWord,
	"result": resultWord, "outcome": resultWord,
	"success": flagWord, "ok": flagWord, "succeeded": flagWord, "successful": flagWord, "isvalid": flagWord,
	"error": errorWord, "errors": errorWord, "errormessage": errorWord, "exception": errorWord, "failure": errorWord,
	"validationerrors": errorWord, "hasvalidationerrors": errorWord, "haserrors": errorWord,
	"reason": reasonWord, "message": reasonWord, "msg": reasonWord, "detail": reasonWord, "details": reasonWord, "errorcode": reasonWord,
	"index": usualWord, "href": usualWord, "location": usualWord, "headers": usualWord, "body": usualWord, "data": usualWord, "resource": usualWord,
	"entity": usualWord, "item": usualWord, "value": usualWord, "document": usualWord, "record": usualWord, "type": usualWord, "method": usualWord,
	"input": usualWord, "output": usualWord, "path": usualWord, "response": usualWord, "version": usualWord, "operation": usualWord, "op": usualWord, "action": usualWord,
}

// wordIn looks a name up in words, however it is written. It allocates nothing.
func wordIn[T any](words map[string]T, name string) (w T) {
	var plain [longestWord]byte
	n := 0
	for i := range len(name) {
		c := name[i]
		switch {
		case c == '_' || c == '-' || c == '@' || c == '.' || c == '$' || c == ' ':
			continue
		case n == longestWord:
			return w
		case c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
		}
		plain[n] = c
		n++
	}
	return words[string(plain[:n])]
}

// Texts that say whether something was done, written as names are looked up.
var (
	noTexts = map[string]bool{
		"error": true, "failed": true, "failure": true, "fail": true, "rejected": true, "invalid": true, "conflict": true, "notfound": true, "missing": true,
		"forbidden": true, "denied": true, "unauthorized": true, "skipped": true, "locked": true, "ignored": true, "noop": true, "unchanged": true,
		"notmodified": true, "aborted": true, "notdeleted": true, "notupdated": true, "badrequest": true,
	}
	yesTexts = map[string]bool{
		"ok": true, "success": true, "successful": true, "succeeded": true, "created": true, "updated": true, "deleted": true, "removed": true, "saved": true,
		"modified": true, "inserted": true, "upserted": true, "nocontent": true,
	}
)

// laterTexts say that something is to be done.
var laterTexts = map[string]bool{
	"queued": true, "pending": true, "accepted": true, "processing": true, "scheduled": true, "inprogress": true, "running": true, "started": true, "enqueued": true,
}

// besideNames are lists in an answer that are about the call, or of other things.
var besideNames = map[string]bool{
	"warnings": true, "notices": true, "messages": true, "links": true, "included": true, "logs": true, "hints": true, "deprecations": true,
}

// failureNames are lists, or numbers, of what was not done.
var failureNames = map[string]bool{
	"errors": true, "error": true, "failed": true, "failures": true, "failure": true, "rejected": true, "invalid": true, "notfound": true, "skipped": true,
	"unprocessed": true, "notdeleted": true, "notupdated": true, "failedids": true, "ignored": true, "missing": true, "conflicts": true, "denied": true,
	"errored": true, "failedcount": true, "errorcount": true, "errorscount": true, "failurecount": true, "unsuccessful": true, "forbidden": true,
	"faileditems": true, "failedrecords": true, "invalidids": true, "notfoundids": true, "missingids": true, "locked": true, "unauthorized": true,
	"failedrecordcount": true, "writeerrors": true, "validationerrors": true, "bulkerrors": true, "unprocesseditems": true, "duplicates": true, "numfailed": true, "nfailed": true,
}

// deed is what a list or a number in an answer counts.
type deed uint8

const (
	noDeed deed = iota
	madeDeed
	changedDeed
	removedDeed
	someDeed // whatever was asked for
	loose    // whatever was asked for, or something else: a count, rows
)

// doneNames are lists, or numbers, of what was done.
var doneNames = map[string]deed{
	"created": madeDeed, "createdids": madeDeed, "inserted": madeDeed, "insertedids": madeDeed, "added": madeDeed, "upserted": madeDeed, "upsertedids": madeDeed,
	"createdcount": madeDeed, "insertedcount": madeDeed, "upsertedcount": madeDeed, "ninserted": madeDeed, "nupserted": madeDeed, "imported": madeDeed, "numcreated": madeDeed,
	"updated": changedDeed, "updatedids": changedDeed, "modified": changedDeed, "modifiedids": changedDeed, "changed": changedDeed, "updatedcount": changedDeed,
	"modifiedcount": changedDeed, "nmodified": changedDeed, "changedrows": changedDeed, "numupdated": changedDeed, "nupdated": changedDeed, "changes": changedDeed,
	"deleted": removedDeed, "deletedids": removedDeed, "removed": removedDeed, "removedids": removedDeed, "destroyed": removedDeed, "deletedcount": removedDeed,
	"removedcount": removedDeed, "ndeleted": removedDeed, "nremoved": removedDeed, "numdeleted": removedDeed, "deletedrows": removedDeed, "deletedrecords": removedDeed,
	"deleteditems": removedDeed, "trashed": removedDeed,
	"succeeded": someDeed, "success": someDeed, "successes": someDeed, "successful": someDeed, "done": someDeed, "processed": someDeed, "affected": someDeed,
	"affectedids": someDeed, "affectedrows": someDeed, "rowsaffected": someDeed, "affectedcount": someDeed, "successcount": someDeed, "saved": someDeed,
	"succeededids": someDeed, "successids": someDeed, "completed": someDeed, "applied": someDeed, "numaffected": someDeed, "naffected": someDeed, "succeededcount": someDeed,
	"count": loose, "n": loose, "rowcount": loose, "rows": loose,
}

func failureName(name string) bool { return wordIn(failureNames, name) }

// doneName says what a list or a number of that name counts: deleted, and
// deleted_object_ids, or deleted_task_ids of tasks, too. Those of other things went with
// what the call is about, and are none of it.
func (r *resource) doneName(name string) deed {
	if which := strings.TrimSuffix(strings.TrimSuffix(name, "_ids"), "Ids"); which != name {
		for _, word := range [...]string{"created", "updated", "deleted", "removed"} {
			if what, found := strings.CutPrefix(which, word); found && r.isCalled(strings.TrimPrefix(what, "_")) {
				return doneNames[word]
			}
		}
	}
	return wordIn(doneNames, name)
}

// isCalled reports whether what is what lists of ids may call things of the resource.
func (r *resource) isCalled(what string) bool {
	return what == "object" || what == "Object" ||
		slices.ContainsFunc(r.wraps[1:], func(w string) bool { return strings.EqualFold(w, what) })
}

// listsBy reports whether name is one that lists of the resource have.
func (r *resource) listsBy(name string) bool {
	return wordIn(listNames, name) || r.listsOwn(name) || name == "id" || name != "" && name == r.idParam // {"id": [1, 2]}
}

// listsOwn reports whether name is the resource's own for a list of it.
func (r *resource) listsOwn(name string) bool {
	return r.idParam != "" && name == r.idParam+"s" || slices.ContainsFunc(r.wraps[1:], func(w string) bool {
		rest, ok := strings.CutPrefix(name, w)
		if stem, y := strings.CutSuffix(w, "y"); y && name == stem+"ies" {
			return true
		}
		return ok && (rest == "s" || rest == "_ids" || rest == "Ids" || rest == "" && strings.HasSuffix(w, "s"))
	})
}

// isNumber reports whether v is a number of things, and which.
func isNumber(v *tree.Value) (n int, ok bool) {
	if v == nil || v.Kind != tree.Number {
		return 0, false
	}
	for _, c := range v.Shared() {
		if c < '0' || c > '9' || n > maxElements {
			return 0, false
		}
		n = 10*n + int(c-'0')
	}
	return n, true
}

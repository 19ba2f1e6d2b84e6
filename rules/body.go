package rules

import (
	"bytes"
	"strings"

	"github.com/sidehook/sidehook/rules/content"
	"github.com/sidehook/sidehook/rules/tree"
	"github.com/sidehook/sidehook/webhook"
)

const (
	formType  = "application/x-www-form-urlencoded"
	partsType = "multipart/form-data"

	// maxDecoded bounds a body without its content coding, against bombs: eight
	// times the default max_body.
	maxDecoded = 8 << 20
)

// bodyKind says what a body is.
type bodyKind uint8

const (
	notReadable bodyKind = iota // not captured, not JSON nor a form, or its header lies
	isEmpty
	isJSON
	isMerge // application/merge-patch+json (RFC 7396)
	isPatch // application/json-patch+json (RFC 6902)
	isAPI   // application/vnd.api+json (JSON:API)
	isForm
	isParts // multipart/form-data (RFC 7578)
)

// readBody reads a captured body; what it returns shares b's bytes. redacted says that it went through
// [Match.Redact], which undoes content codings.
func readBody(b webhook.Body, h webhook.Header, redacted bool) (*tree.Value, bodyKind) {
	if !b.Whole() {
		return nil, notReadable
	}
	if len(b.Bytes) == 0 {
		return nil, isEmpty
	}
	if redacted {
		if v, kind := readPlain(b.Bytes, h); kind != notReadable {
			return v, kind
		}
	}
	plain, err := content.Decode(b.Bytes, h["Content-Encoding"], maxDecoded)
	if err != nil {
		return nil, notReadable
	}
	return readPlain(plain, h)
}

func readPlain(plain []byte, h webhook.Header) (*tree.Value, bodyKind) {
	mediaType := h.MediaType()
	switch mediaType {
	case formType:
		v, err := content.Form(string(plain))
		if err != nil {
			return nil, notReadable
		}
		return v, isForm
	case partsType:
		return readParts(plain, h.Get("Content-Type"))
	}
	plain = trimBegin(content.Text(plain, h.Get("Content-Type")))
	if len(plain) == 0 {
		return nil, isEmpty
	}
	kind := jsonKind(mediaType)
	if kind == notReadable {
		if plain[0] != '{' && plain[0] != '[' {
			return nil, notReadable
		}
		kind = isJSON // servers mislabel JSON; what parses whole is JSON
	}
	v, err := tree.ParseShared(plain)
	if err != nil {
		return nil, notReadable
	}
	return v, kind
}

// readParts reads multipart/form-data, or the JSON that redacting made of it.
func readParts(plain []byte, contentType string) (*tree.Value, bodyKind) {
	if len(plain) > 0 && plain[0] == '{' {
		if v, err := tree.ParseShared(plain); err == nil {
			return v, isParts
		}
	}
	v, err := content.Multipart(plain, contentType)
	if err != nil {
		return nil, notReadable
	}
	return v, isParts
}

// withoutFiles returns what a request asked for without the fields that hold
// files, and their names: what becomes of a file, its name and size do not tell.
func withoutFiles(asked *tree.Value) (*tree.Value, []string) {
	if !content.HasFile(asked) {
		return asked, nil
	}
	var files []string
	var members []tree.Member
	for _, m := range asked.Members() {
		if content.HasFile(&m.Value) {
			files = append(files, m.Name)
		} else {
			members = append(members, m)
		}
	}
	out := tree.NewObject(members)
	return &out, files
}

// trimBegin returns text without white space and byte order marks before it.
func trimBegin(text []byte) []byte {
	for len(text) > 0 {
		switch {
		case text[0] == ' ', text[0] == '\t', text[0] == '\r', text[0] == '\n':
			text = text[1:]
		case bytes.HasPrefix(text, byteOrderMark):
			text = text[len(byteOrderMark):]
		default:
			return text
		}
	}
	return text
}

var byteOrderMark = []byte("\ufeff")

func jsonKind(mediaType string) bodyKind {
	switch mediaType {
	case "application/json", "text/json":
		return isJSON
	case "application/merge-patch+json":
		return isMerge
	case "application/json-patch+json":
		return isPatch
	case "application/vnd.api+json":
		return isAPI
	}
	if strings.HasSuffix(mediaType, "+json") {
		return isJSON
	}
	return notReadable
}

// pointerNames returns the names in a JSON pointer (RFC 6901).
func pointerNames(pointer string) []string {
	if !strings.HasPrefix(pointer, "/") {
		return nil
	}
	names := strings.Split(pointer[1:], "/")
	for i, n := range names {
		names[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(n)
	}
	return names
}

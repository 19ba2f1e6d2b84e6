package rules

import (
	"bytes"
	"strings"

	"github.com/sidehook/sidehook/rules/content"
	"github.com/sidehook/sidehook/rules/tree"
	"github.com/sidehook/sidehook/webhook"
)

const (
	formType = "application/x-www-form-urlencoded"

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
		if v, kind := readPlain(b.Bytes, h.MediaType()); kind != notReadable {
			return v, kind
		}
	}
	plain, err := content.Decode(b.Bytes, h["Content-Encoding"], maxDecoded)
	if err != nil {
		return nil, notReadable
	}
	return readPlain(plain, h.MediaType())
}

func readPlain(plain []byte, mediaType string) (*tree.Value, bodyKind) {
	if mediaType == formType {
		v, err := content.Form(string(plain))
		if err != nil {
			return nil, notReadable
		}
		return v, isForm
	}
	plain = trimBegin(plain)
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

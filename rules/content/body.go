package content

import (
	"bytes"
	"strings"

	"github.com/sidehook/sidehook/rules/tree"
	"github.com/sidehook/sidehook/webhook"
)

const (
	formType  = "application/x-www-form-urlencoded"
	partsType = "multipart/form-data"

	// MaxDecoded bounds a body without its content coding, against bombs: eight
	// times the default max_body.
	MaxDecoded = 8 << 20
)

// Kind says what a body is.
type Kind uint8

const (
	NotReadable Kind = iota // not captured, not JSON nor a form, or its header lies
	IsEmpty
	IsJSON
	IsMerge // application/merge-patch+json (RFC 7396)
	IsPatch // application/json-patch+json (RFC 6902)
	IsAPI   // application/vnd.api+json (JSON:API)
	IsForm
	IsParts // multipart/form-data (RFC 7578)
)

// Read reads a captured body; what it returns shares b's bytes. redacted says that what was to be
// redacted is, which undoes content codings.
func Read(b webhook.Body, h webhook.Header, redacted bool) (*tree.Value, Kind) {
	if !b.Whole() {
		return nil, NotReadable
	}
	if len(b.Bytes) == 0 {
		return nil, IsEmpty
	}
	if redacted {
		if v, kind := readPlain(b.Bytes, h); kind != NotReadable {
			return v, kind
		}
	}
	plain, err := Decode(b.Bytes, h["Content-Encoding"], MaxDecoded)
	if err != nil {
		return nil, NotReadable
	}
	return readPlain(plain, h)
}

func readPlain(plain []byte, h webhook.Header) (*tree.Value, Kind) {
	mediaType := h.MediaType()
	switch mediaType {
	case formType:
		v, err := Form(string(plain))
		if err != nil {
			return nil, NotReadable
		}
		return v, IsForm
	case partsType:
		return readParts(plain, h.Get("Content-Type"))
	}
	plain = withoutGuard(TrimBegin(Text(plain, h.Get("Content-Type"))))
	if len(plain) == 0 {
		return nil, IsEmpty
	}
	kind := JSONKind(mediaType)
	if kind == NotReadable {
		if plain[0] != '{' && plain[0] != '[' {
			return nil, NotReadable
		}
		kind = IsJSON // servers mislabel JSON; what parses whole is JSON
	}
	v, err := tree.ParseShared(plain)
	if err != nil {
		return nil, NotReadable
	}
	return v, kind
}

// readParts reads multipart/form-data, or the JSON that redacting made of it.
func readParts(plain []byte, contentType string) (*tree.Value, Kind) {
	if len(plain) > 0 && plain[0] == '{' {
		if v, err := tree.ParseShared(plain); err == nil {
			return v, IsParts
		}
	}
	v, err := Multipart(plain, contentType)
	if err != nil {
		return nil, NotReadable
	}
	return v, IsParts
}

// WithoutFiles returns what a request asked for without the fields that hold
// files, and their names: what becomes of a file, its name and size do not tell.
func WithoutFiles(asked *tree.Value) (*tree.Value, []string) {
	if !hasFile(asked) {
		return asked, nil
	}
	var files []string
	var members []tree.Member
	for _, m := range asked.Members() {
		if hasFile(&m.Value) {
			files = append(files, m.Name)
		} else {
			members = append(members, m)
		}
	}
	out := tree.NewObject(members)
	return &out, files
}

// withoutGuard returns text without what some APIs (Gerrit, Google's) put before JSON so
// that no page can run it as a script.
func withoutGuard(text []byte) []byte {
	if rest, found := bytes.CutPrefix(text, []byte(")]}'")); found {
		return TrimBegin(bytes.TrimPrefix(rest, []byte(",")))
	}
	return text
}

// TrimBegin returns text without white space and byte order marks before it.
func TrimBegin(text []byte) []byte {
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

// JSONKind returns which kind of JSON a media type says, [NotReadable] for any other.
func JSONKind(mediaType string) Kind {
	switch mediaType {
	case "application/json", "text/json":
		return IsJSON
	case "application/merge-patch+json":
		return IsMerge
	case "application/json-patch+json":
		return IsPatch
	case "application/vnd.api+json":
		return IsAPI
	}
	if strings.HasSuffix(mediaType, "+json") {
		return IsJSON
	}
	return NotReadable
}

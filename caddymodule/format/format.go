// Package format reads and writes bodies in the formats that a dialect speaks:
// JSON, forms, XML and YAML. What is read is a value of the rules' language: nil,
// bool, int64, float64, string, []any and map[string]any. It is bounded: a body
// of n bytes comes to a value of the order of n, nested 64 deep at most.
package format

import (
	"errors"
	"fmt"
	"mime"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/rules/lang"
)

// Format is one way to write a value down.
type Format string

// The formats. A form is read only.
const (
	JSON Format = "json"
	Form Format = "form"
	XML  Format = "xml"
	YAML Format = "yaml"
)

// All lists the formats.
var All = []Format{JSON, Form, XML, YAML}

// maxDepth bounds how deep objects and lists are nested.
const maxDepth = 64

var errDeep = errors.New("it is nested too deep")

// contentTypes are the media types of each format, first the one it is written as.
var contentTypes = map[Format][]string{
	JSON: {"application/json", "text/json"},
	Form: {"application/x-www-form-urlencoded"},
	XML:  {"application/xml", "text/xml"},
	YAML: {"application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml"}, // RFC 9512
}

// Writes reports whether answers can be in f.
func (f Format) Writes() bool { return f != Form }

// ContentType returns the media type that f is written as.
func (f Format) ContentType() string { return contentTypes[f][0] }

// OfContentType returns the format that a Content-Type names.
func OfContentType(header string) (Format, bool) {
	kind, _, err := mime.ParseMediaType(header)
	if err != nil {
		return "", false
	}
	for _, f := range All {
		if slices.Contains(contentTypes[f], kind) || f != Form && strings.HasSuffix(kind, "+"+string(f)) {
			return f, true
		}
	}
	return "", false
}

// OfExtension returns the format that the end of a path names: .json, .xml,
// .yaml or .yml.
func OfExtension(ext string) (Format, bool) {
	switch ext {
	case ".json", ".xml", ".yaml":
		return Format(ext[1:]), true
	case ".yml":
		return YAML, true
	}
	return "", false
}

// Decode reads body. An error says what is wrong with it.
func Decode(f Format, body []byte) (any, error) {
	switch f {
	case JSON:
		return lang.Decode(body)
	case Form:
		return decodeForm(string(body))
	case XML:
		return decodeXML(body)
	case YAML:
		return decodeYAML(body)
	}
	return nil, fmt.Errorf("%s cannot be read", f)
}

// Encode writes v.
func Encode(f Format, v any) ([]byte, error) {
	switch f {
	case JSON:
		return lang.Encode(v)
	case XML:
		return encodeXML(v)
	case YAML:
		return encodeYAML(v)
	}
	return nil, fmt.Errorf("%s cannot be written", f)
}

package format

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/rules/lang"
)

// XML has no lists, objects or numbers of its own. An element with elements in it
// is an object, one with text only a text, an empty one null; elements of one name
// are a list. Attributes and the name of the root are not looked at. An answer's
// root is response, and what is in a list is called item.
const (
	xmlRoot = "response"
	xmlItem = "item"
)

// decodeXML reads the first element of body.
func decodeXML(body []byte) (any, error) {
	d := xml.NewDecoder(bytes.NewReader(body))
	for {
		token, err := d.Token()
		switch {
		case errors.Is(err, io.EOF):
			return nil, errors.New("there is no element in it")
		case err != nil:
			return nil, err
		}
		switch token.(type) {
		case xml.Directive: // a document type may define entities: nobody needs that
			return nil, errors.New("a document type is not taken")
		case xml.StartElement:
			return decodeElement(d, 1)
		}
	}
}

// decodeElement reads what is in an element, its end included.
func decodeElement(d *xml.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errDeep
	}
	var text strings.Builder
	var members map[string]any
	for {
		token, err := d.Token()
		if err != nil {
			return nil, err
		}
		switch token := token.(type) {
		case xml.CharData:
			text.Write(token)
		case xml.StartElement:
			v, err := decodeElement(d, depth+1)
			if err != nil {
				return nil, err
			}
			if members == nil {
				members = map[string]any{}
			}
			addMember(members, token.Name.Local, v)
		case xml.EndElement:
			return elementValue(members, text.String()), nil
		}
	}
}

// repeated is a list that elements of one name have come to: one that an
// element itself holds is another.
type repeated []any

func addMember(members map[string]any, name string, v any) {
	was, there := members[name]
	list, more := was.(repeated)
	switch {
	case !there:
		members[name] = v
	case more:
		members[name] = append(list, v)
	default:
		members[name] = repeated{was, v}
	}
}

func elementValue(members map[string]any, text string) any {
	if members == nil {
		if text == "" {
			return nil
		}
		return text
	}
	for name, v := range members {
		if list, ok := v.(repeated); ok {
			members[name] = []any(list)
		}
	}
	if list, ok := members[xmlItem]; ok && len(members) == 1 {
		if all, ok := list.([]any); ok {
			return all
		}
		return []any{list}
	}
	return members
}

func encodeXML(v any) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(xml.Header)
	if err := encodeElement(&b, xmlRoot, v, 1); err != nil {
		return nil, err
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

func encodeElement(b *bytes.Buffer, name string, v any, depth int) error {
	if depth > maxDepth {
		return errDeep
	}
	name = elementName(name)
	if v == nil {
		fmt.Fprintf(b, "<%s/>", name)
		return nil
	}
	fmt.Fprintf(b, "<%s>", name)
	switch v := v.(type) {
	case map[string]any:
		for _, member := range slices.Sorted(maps.Keys(v)) {
			if err := encodeElement(b, member, v[member], depth+1); err != nil {
				return err
			}
		}
	case []any:
		for _, one := range v {
			if err := encodeElement(b, xmlItem, one, depth+1); err != nil {
				return err
			}
		}
	default:
		if err := encodeText(b, v); err != nil {
			return err
		}
	}
	fmt.Fprintf(b, "</%s>", name)
	return nil
}

// encodeText writes a text escaped, and what else is no object as JSON has it.
func encodeText(b *bytes.Buffer, v any) error {
	text, ok := v.(string)
	if !ok {
		raw, err := lang.Encode(v)
		if err != nil {
			return err
		}
		text = string(raw)
	}
	return xml.EscapeText(b, []byte(text))
}

// elementName makes name one that an element may have (XML 1.0 §2.3, of its
// ASCII): every other character becomes _.
func elementName(name string) string {
	valid := func(r rune, first bool) bool {
		letter := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		return letter || !first && (r == '-' || r == '.' || r >= '0' && r <= '9')
	}
	var b strings.Builder
	for i, r := range name {
		if i == 0 && !valid(r, true) {
			b.WriteByte('_')
			if !valid(r, false) {
				continue
			}
		}
		if !valid(r, false) {
			r = '_'
		}
		b.WriteRune(r)
	}
	if b.Len() == 0 {
		return "_"
	}
	return b.String()
}

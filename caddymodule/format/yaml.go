package format

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// decodeYAML reads the first document of body, in the schema of JSON: what is no
// number, truth value or null is a text, dates too. Aliases are refused: a few of
// them make gigabytes.
func decodeYAML(body []byte) (any, error) {
	var doc yaml.Node
	err := yaml.Unmarshal(body, &doc)
	switch {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	case doc.Kind == 0:
		return nil, nil
	}
	return nodeValue(&doc, 0)
}

func nodeValue(n *yaml.Node, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errDeep
	}
	switch n.Kind {
	case yaml.DocumentNode:
		return nodeValue(n.Content[0], depth)
	case yaml.MappingNode:
		return mappingValue(n, depth)
	case yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, one := range n.Content {
			var err error
			if list[i], err = nodeValue(one, depth+1); err != nil {
				return nil, err
			}
		}
		return list, nil
	case yaml.ScalarNode:
		return scalarValue(n)
	}
	return nil, fmt.Errorf("line %d: aliases are not taken: write it out", n.Line)
}

func mappingValue(n *yaml.Node, depth int) (any, error) {
	out := make(map[string]any, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind != yaml.ScalarNode || key.ShortTag() == "!!merge" {
			return nil, fmt.Errorf("line %d: a key is a text", key.Line)
		}
		v, err := nodeValue(n.Content[i+1], depth+1)
		if err != nil {
			return nil, err
		}
		out[key.Value] = v
	}
	return out, nil
}

func scalarValue(n *yaml.Node) (v any, err error) {
	switch n.ShortTag() {
	case "!!null":
		return nil, nil
	case "!!bool":
		var b bool
		err = n.Decode(&b)
		return b, err
	case "!!int":
		var i int64
		if n.Decode(&i) != nil { // beyond int64 numbers are texts
			return n.Value, nil
		}
		return i, nil
	case "!!float":
		var f float64
		if err := n.Decode(&f); err != nil || f != f || f-f != 0 { // NaN and infinities are none
			return n.Value, nil
		}
		return f, nil
	}
	return n.Value, nil
}

func encodeYAML(v any) ([]byte, error) { return yaml.Marshal(quoteIndented(v)) }

// quoteIndented returns v with texts of several lines that begin with white space
// as they are written between quotes. Their block form needs an indentation
// indicator, and the one that the library writes in lists is not what it takes
// when it reads.
func quoteIndented(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, one := range v {
			out[k] = quoteIndented(one)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, one := range v {
			out[i] = quoteIndented(one)
		}
		return out
	case string:
		if strings.Contains(v, "\n") && strings.IndexAny(v, " \t\n") == 0 {
			return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.DoubleQuotedStyle, Value: v}
		}
	}
	return v
}

package lang

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/tidwall/gjson"
)

// Query is a path that may use gjson's queries, as in
// `items.#(type=="project").id`. Only `entity` and `id` of a resource take one.
type Query struct {
	text  string
	path  Path
	plain bool
}

// ParseQuery reads a path or a gjson query. Modifiers (@…) are refused: a query
// finds a value, it does not make one.
func ParseQuery(s string) (Query, error) {
	if s == "" {
		return Query{}, fmt.Errorf("a path is empty: write names joined by dots, like data or data.project")
	}
	if !strings.ContainsAny(s, "#*?|@!{}[]()<>=\"") {
		p, err := ParsePath(s)
		return Query{s, p, true}, err
	}
	if strings.ContainsAny(s[:1], "@!{[") || strings.Contains(s, "|@") || strings.Contains(s, ".@") {
		return Query{}, fmt.Errorf("query %q: modifiers and multipaths are not for here; write a path like data.items, or a query like items.#(type==\"project\")", s)
	}
	return Query{text: s}, nil
}

// String returns q as it was written.
func (q Query) String() string { return q.text }

// Path returns q as a path, if it is one.
func (q Query) Path() (p Path, plain bool) { return q.path, q.plain }

// Get returns the bytes of the value that q finds in doc, and whether there is
// one. The bytes may be shared with doc.
func (q Query) Get(doc []byte) (json.RawMessage, bool) {
	if q.plain {
		return q.path.Get(doc)
	}
	r := gjson.GetBytes(doc, q.text)
	if !r.Exists() || r.Raw == "" {
		return nil, false
	}
	return json.RawMessage(r.Raw), true
}

package patch

import (
	"encoding/json"
	"strings"

	"github.com/sidehook/sidehook/rules/tree"
)

const scimPatchOp = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

// SCIM returns the operations of a SCIM patch (RFC 7644 §3.5.2) as those of a
// JSON patch (RFC 6902), nil if v is none. vague says that they tell what is
// written, and not to what: an element that a filter selects, or that is added to a list
// which may have it already.
func SCIM(v *tree.Value) (ops *tree.Value, vague bool) {
	if !v.IsObject() {
		return nil, false
	}
	list, schemas := member(v, "Operations"), v.Get("schemas")
	if !list.IsArray() || !schemas.IsArray() || len(schemas.Elems()) != 1 || !schemas.Elems()[0].Is(scimPatchOp) {
		return nil, false
	}
	var p scimOps
	for e := range tree.Each(list.Elems()) {
		p.add(e)
	}
	raw, err := json.Marshal(p.ops)
	if err != nil {
		return nil, false
	}
	if ops, err = tree.Parse(string(raw)); err != nil {
		return nil, false
	}
	return ops, p.vague
}

// member returns a member whose name may be written with other capitals.
func member(v *tree.Value, name string) *tree.Value {
	for m := range tree.Each(v.Members()) {
		if strings.EqualFold(m.Name, name) {
			return &m.Value
		}
	}
	return nil
}

type scimOps struct {
	ops   []patchOp
	vague bool
}

type patchOp struct {
	Op    string          `json:"op"`
	Path  string          `json:"path"`
	Value json.RawMessage `json:"value,omitempty"`
}

func (p *scimOps) add(op *tree.Value) {
	kind, _ := op.Get("op").Text()
	path, _ := op.Get("path").Text()
	value := op.Get("value")
	names := scimNames(path)
	switch kind = strings.ToLower(kind); {
	case kind == "remove" && path != "":
		p.vague = p.vague || value != nil || strings.Contains(path, "[")
		p.ops = append(p.ops, patchOp{Op: "remove", Path: pointerTo(names)})
	case value == nil || kind != "add" && kind != "replace":
		p.vague = true
	default:
		p.set(kind, names, value)
	}
}

// set writes value at names, its members each by itself: what it does not name of an
// attribute stays.
func (p *scimOps) set(kind string, names []string, value *tree.Value) {
	if value.IsObject() && len(value.Members()) > 0 {
		for _, m := range value.Members() {
			p.set(kind, append(names[:len(names):len(names)], scimNames(m.Name)...), &m.Value)
		}
		return
	}
	path := pointerTo(names)
	if kind == "add" && value.IsArray() {
		path, p.vague = path+"/-", true
	}
	p.vague = p.vague || len(names) == 0 || strings.Contains(path, "[")
	p.ops = append(p.ops, patchOp{Op: "add", Path: path, Value: value.JSON()})
}

// scimNames returns the names in a path of SCIM's: an attribute behind the schema that
// it is of, and one within it. What a filter selects is a name in brackets.
func scimNames(path string) (names []string) {
	if path == "" {
		return nil
	}
	attribute, filter := path, ""
	if at := strings.IndexByte(path, '['); at >= 0 {
		attribute, filter = path[:at], path[at:]
	}
	if len(attribute) > 4 && strings.EqualFold(attribute[:4], "urn:") {
		if filter == "" && endsInVersion(attribute) { // the name of an extension itself
			return []string{attribute}
		}
		at := strings.LastIndexByte(attribute, ':')
		names, attribute = append(names, attribute[:at]), attribute[at+1:]
	}
	names = append(names, strings.Split(attribute, ".")...)
	if filter != "" {
		names = append(names, filter)
	}
	return names
}

// endsInVersion reports whether a URN ends in the name of a schema, whose version
// stands before it: …:enterprise:2.0:User.
func endsInVersion(urn string) bool {
	parts := strings.Split(urn, ":")
	return len(parts) > 2 && strings.Trim(parts[len(parts)-2], "0123456789.") == ""
}

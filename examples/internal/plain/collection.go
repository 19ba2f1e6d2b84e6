package plain

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Collection is one kind of entity. What is set before [API.Add] says how it
// behaves; the zero value of each field is the ordinary way.
type Collection struct {
	Name string // what one is called, in errors
	Path string // where they are; a parameter in it is a field of the entity

	// Below are further paths for GET and POST, like /projects/{project_id}/tasks:
	// they are about those with the path's project_id.
	Below []string

	// Fields is a new entity as JSON: the fields in their order. Others are
	// refused, and those that are not null keep their kind. An empty object
	// takes anything.
	Fields string

	ID    string     // the field that the path names; "id" if empty
	NewID func() any // "" or a number; nil counts from First
	First int64      // the first id; 1 if 0

	Envelope string // an entity stands under this name in bodies
	List     string // lists stand under this name; "data" if empty

	Created, Updated string // fields that hold the times

	// Refs are fields that hold the id of an entity that must be there.
	Refs map[string]*Collection

	// ReadOnly are fields that are left as they are, whatever a body says of
	// them: Complete and actions set them. The id and Created are such fields.
	ReadOnly []string

	NoContent bool // updates answer 204

	// Preset fills in what the request tells of a new entity beside its body.
	Preset func(r *http.Request, doc Doc)

	// Hidden says that the caller may not see the entity: it is answered 404, or
	// with HiddenStatus.
	Hidden       func(r *http.Request, doc Doc) bool
	HiddenStatus int

	// Expand returns what a GET of one entity shows, where its query asks for more
	// or less than the entity.
	Expand func(r *http.Request, doc Doc) Doc

	// Complete fills in what is computed, and says what stands against doc; old
	// is nil if it is new. MayDelete says what stands against deleting it.
	Complete  func(doc, old Doc) error
	MayDelete func(doc Doc) error

	api   *API
	shape *shape
	rows  map[string]*row
	next  int64
}

// row is one stored entity; version grows with every write and is its ETag.
// Its doc is replaced, never changed.
type row struct {
	doc     Doc
	version int
	place   int64 // among all of its collection
}

// Add puts c into the API, with its calls, and returns it.
func (a *API) Add(c Collection) *Collection {
	c.api, c.shape, c.rows = a, parseShape(c.Fields), map[string]*row{}
	c.next = max(c.First, 1)
	if c.ID == "" {
		c.ID = "id"
	}
	if c.List == "" {
		c.List = "data"
	}
	for _, path := range append([]string{c.Path}, c.Below...) {
		a.mux.HandleFunc("GET "+path, c.list)
		a.mux.HandleFunc("POST "+path, c.create)
	}
	one := c.Path + "/{" + c.ID + "}"
	a.mux.HandleFunc("GET "+one, c.get)
	a.mux.HandleFunc("PUT "+one, func(w http.ResponseWriter, r *http.Request) { c.update(w, r, c.put) })
	a.mux.HandleFunc("PATCH "+one, func(w http.ResponseWriter, r *http.Request) { c.update(w, r, c.patch) })
	a.mux.HandleFunc("DELETE "+one, c.delete)
	return &c
}

// Action adds a call on one entity, like POST and "/void".
func (c *Collection) Action(method, below string, do func(*Call) error) {
	pattern := method + " " + c.Path + "/{" + c.ID + "}" + below
	c.api.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { c.update(w, r, do) })
}

// put and patch change a call's entity as its body says.
func (c *Collection) put(call *Call) error {
	fresh := c.shape.new()
	c.keep(fresh, call.Entity)
	for name := range c.params(call.Request) {
		if c.shape.fields[name] != nil {
			fresh[name] = call.Entity[name]
		}
	}
	call.Entity = fresh
	return c.patch(call)
}

func (c *Collection) patch(call *Call) error {
	was := clone(call.Entity).(Doc)
	err := c.shape.merge(call.Entity, call.Body)
	c.keep(call.Entity, was)
	return err
}

// keep gives doc the values that was has in fields that no body changes.
func (c *Collection) keep(doc, was Doc) {
	for _, name := range append([]string{c.ID, c.Created}, c.ReadOnly...) {
		if name != "" {
			doc[name] = was[name]
		}
	}
}

// All returns the entities that keep wants, in the order of their making.
func (c *Collection) All(keep func(Doc) bool) []Doc {
	var rows []*row
	for _, r := range c.rows {
		if keep(r.doc) {
			rows = append(rows, r)
		}
	}
	slices.SortFunc(rows, func(a, b *row) int { return int(a.place - b.place) })
	docs := make([]Doc, len(rows))
	for i, r := range rows {
		docs[i] = r.doc
	}
	return docs
}

// Get returns the entity with id, to be read; nil if there is none.
func (c *Collection) Get(id any) Doc {
	if r := c.rows[text(id)]; r != nil {
		return r.doc
	}
	return nil
}

// Put stores doc as it is, in place of the one with its id. It is for what
// happens without a call.
func (c *Collection) Put(doc Doc) {
	id := text(doc[c.ID])
	old := c.rows[id]
	if old == nil {
		old = &row{place: c.next}
		c.next++
	}
	c.rows[id] = &row{doc: doc, version: old.version + 1, place: old.place}
}

// New returns an entity with the fields of a new one, not stored yet.
func (c *Collection) New() Doc { return c.shape.new() }

// Show returns doc as it is written: with its fields in their order.
func (c *Collection) Show(doc Doc) any { return ordered{c.shape, doc} }

// check completes doc, and says what stands against it.
func (c *Collection) check(doc, old Doc) error {
	if c.Complete != nil {
		if err := c.Complete(doc, old); err != nil {
			return err
		}
	}
	for name, other := range c.Refs {
		if id := doc[name]; id != nil && other.Get(id) == nil {
			return fmt.Errorf("%s names no %s", name, other.Name)
		}
	}
	return nil
}

// newID returns an id that nobody has.
func (c *Collection) newID() any {
	if c.NewID != nil {
		return c.NewID()
	}
	return json.Number(strconv.FormatInt(c.next, 10))
}

// typed returns a path parameter as the field that it is: a number if a new
// entity has one there.
func (c *Collection) typed(name, value string) any {
	if _, err := strconv.ParseInt(value, 10, 64); err == nil {
		if _, isText := c.shape.fields[name].value.(string); !isText {
			return json.Number(value)
		}
	}
	return value
}

// named matches a parameter of a pattern.
var named = regexp.MustCompile(`\{([a-z_]+)\}`)

// params returns what r's path says before the entity's own id, by name.
func (c *Collection) params(r *http.Request) map[string]string {
	out := map[string]string{}
	path, _, _ := strings.Cut(r.Pattern, "/{"+c.ID+"}")
	for _, m := range named.FindAllStringSubmatch(path, -1) {
		out[m[1]] = r.PathValue(m[1])
	}
	return out
}

func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}

// location is where doc is, which r created.
func (c *Collection) location(r *http.Request, doc Doc) string {
	path := named.ReplaceAllStringFunc(c.Path, func(p string) string {
		name := strings.Trim(p, "{}")
		return cmp.Or(r.PathValue(name), text(doc[name]))
	})
	return path + "/" + text(doc[c.ID])
}

// View adds a call that shows something of one entity, and changes nothing.
func (c *Collection) View(below string, show func(doc Doc) any) {
	pattern := "GET " + c.Path + "/{" + c.ID + "}" + below
	c.api.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		c.api.mu.Lock()
		defer c.api.mu.Unlock()
		if found, ok := c.find(w, r); ok {
			Write(w, http.StatusOK, show(found.doc))
		}
	})
}

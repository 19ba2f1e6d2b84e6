package plain

import (
	"fmt"
	"net/http"
)

// create stores what r's body says, after the path has said its part.
func (c *Collection) create(w http.ResponseWriter, r *http.Request) {
	body, ok := c.body(w, r)
	if !ok {
		return
	}
	c.api.mu.Lock()
	defer c.api.mu.Unlock()
	if problem := c.parents(r); problem != "" {
		Fail(w, http.StatusNotFound, "%s", problem)
		return
	}
	doc := c.shape.new()
	if err := c.shape.merge(doc, body.Body); err != nil {
		refuse(w, err)
		return
	}
	c.keep(doc, c.shape.new())
	for name, value := range c.params(r) {
		if c.shape.fields[name] != nil {
			doc[name] = c.typed(name, value)
		}
	}
	doc[c.ID] = c.newID()
	c.stamp(doc, c.Created)
	c.stamp(doc, c.Updated)
	if c.Preset != nil {
		c.Preset(r, doc)
	}
	if err := c.check(doc, nil); err != nil {
		refuse(w, err)
		return
	}
	c.Put(doc)
	w.Header().Set("Location", c.location(r, doc))
	Write(w, http.StatusCreated, c.shown(doc))
}

// update lets do change a copy of the entity, and stores that. Of two at once
// the later wins.
func (c *Collection) update(w http.ResponseWriter, r *http.Request, do func(*Call) error) {
	call, ok := c.body(w, r)
	if !ok {
		return
	}
	c.api.mu.Lock()
	defer c.api.mu.Unlock()
	old, ok := c.find(w, r)
	if !ok {
		return
	}
	call.Entity = clone(old.doc).(Doc)
	err := do(call)
	if err == nil {
		c.stamp(call.Entity, c.Updated)
		err = c.check(call.Entity, old.doc)
	}
	if err != nil {
		refuse(w, err)
		return
	}
	c.Put(call.Entity)
	switch {
	case call.Answer != nil:
		Write(w, max(call.Status, http.StatusOK), call.Answer)
	case c.NoContent || call.Status == http.StatusNoContent:
		w.WriteHeader(http.StatusNoContent)
	default:
		Write(w, max(call.Status, http.StatusOK), c.shown(call.Entity))
	}
}

func (c *Collection) get(w http.ResponseWriter, r *http.Request) {
	c.api.mu.Lock()
	defer c.api.mu.Unlock()
	found, ok := c.find(w, r)
	if !ok {
		return
	}
	w.Header().Set("ETag", found.etag())
	if r.Header.Get("If-None-Match") == found.etag() {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	doc := found.doc
	if c.Expand != nil {
		doc = c.Expand(r, clone(doc).(Doc))
	}
	Write(w, http.StatusOK, c.shown(doc))
}

func (c *Collection) delete(w http.ResponseWriter, r *http.Request) {
	c.api.mu.Lock()
	defer c.api.mu.Unlock()
	found, ok := c.find(w, r)
	if !ok {
		return
	}
	if c.MayDelete != nil {
		if err := c.MayDelete(found.doc); err != nil {
			refuse(w, err)
			return
		}
	}
	delete(c.rows, text(found.doc[c.ID]))
	w.WriteHeader(http.StatusNoContent)
}

// list answers with the entities that the path and the caller may see, in the
// order of their making; ?offset and ?limit (at most 100, the default) cut it.
func (c *Collection) list(w http.ResponseWriter, r *http.Request) {
	c.api.mu.Lock()
	defer c.api.mu.Unlock()
	if problem := c.parents(r); problem != "" {
		Fail(w, http.StatusNotFound, "%s", problem)
		return
	}
	all := c.All(func(doc Doc) bool { return c.visible(r, doc) })
	offset, limit := number(r, "offset", 0), min(number(r, "limit", 100), 100)
	from := min(offset, len(all))
	page := []any{}
	for _, doc := range all[from:min(from+limit, len(all))] {
		page = append(page, c.Show(doc))
	}
	Write(w, http.StatusOK, map[string]any{c.List: page, "total": len(all)})
}

// body reads r's body, taken out of its envelope.
func (c *Collection) body(w http.ResponseWriter, r *http.Request) (*Call, bool) {
	body, ok := read(w, r)
	if !ok {
		return nil, false
	}
	call := &Call{Request: r}
	if err := call.decode(body); err != nil {
		refuse(w, err)
		return nil, false
	}
	if inner, there := call.Body[c.Envelope].(Doc); there && c.Envelope != "" {
		call.Body = inner
	}
	return call, true
}

// shown is doc in its envelope.
func (c *Collection) shown(doc Doc) any {
	if c.Envelope == "" {
		return c.Show(doc)
	}
	return map[string]any{c.Envelope: c.Show(doc)}
}

// find returns the row that r's path names, having answered if it cannot be
// used.
func (c *Collection) find(w http.ResponseWriter, r *http.Request) (*row, bool) {
	found := c.rows[r.PathValue(c.ID)]
	if found != nil && c.HiddenStatus != 0 && c.Hidden(r, found.doc) {
		Fail(w, c.HiddenStatus, "%s %s is not for you", c.Name, r.PathValue(c.ID))
		return nil, false
	}
	if found == nil || !c.visible(r, found.doc) {
		Fail(w, http.StatusNotFound, "no %s %s", c.Name, r.PathValue(c.ID))
		return nil, false
	}
	if problem := unmet(r, found.etag()); problem != "" {
		Fail(w, http.StatusPreconditionFailed, "%s", problem)
		return nil, false
	}
	return found, true
}

// visible reports whether doc is where r's path says, and shown to its caller.
func (c *Collection) visible(r *http.Request, doc Doc) bool {
	for name, value := range c.params(r) {
		if c.shape.fields[name] != nil && text(doc[name]) != value {
			return false
		}
	}
	return c.Hidden == nil || !c.Hidden(r, doc)
}

// parents says which entity above is named by r's path and is not there, or "".
func (c *Collection) parents(r *http.Request) string {
	for name, value := range c.params(r) {
		if other := c.Refs[name]; other != nil && other.Get(value) == nil {
			return "no " + other.Name + " " + value
		}
	}
	return ""
}

func (c *Collection) stamp(doc Doc, field string) {
	if field != "" {
		doc[field] = c.api.Now()
	}
}

func (r *row) etag() string { return fmt.Sprintf(`"v%d"`, r.version) }

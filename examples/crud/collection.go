package crud

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// entity is what a collection needs to know of its elements.
type entity[T any] interface {
	*T
	identity() (id *int64, created, updated *time.Time)
	complete() (problem string)
}

// row is one stored entity; version grows with every write and is its ETag.
type row[T any] struct {
	value   T
	version int
}

// collection keeps the entities of one resource and answers the calls on them.
type collection[T any, P entity[T]] struct {
	name, path string
	noContent  bool // updates answer 204
	now        func() time.Time

	// mayStore and mayDelete say what stands against it, or "". They may read
	// other collections, this one not.
	mayStore, mayDelete func(P) string

	mu   sync.RWMutex
	next int64
	rows map[int64]*row[T]
}

func newCollection[T any, P entity[T]](name, path string, first int64, o Options) *collection[T, P] {
	allow := func(P) string { return "" }
	return &collection[T, P]{
		name: name, path: path, next: first, now: o.Now,
		noContent: slices.Contains(o.NoContent, name),
		mayStore:  allow, mayDelete: allow,
		rows: map[int64]*row[T]{},
	}
}

func (c *collection[T, P]) routes(mux *http.ServeMux) {
	one := c.path + "/{id}"
	mux.HandleFunc("GET "+c.path, func(w http.ResponseWriter, r *http.Request) {
		c.writeList(w, r, func(P) bool { return true })
	})
	mux.HandleFunc("POST "+c.path, func(w http.ResponseWriter, r *http.Request) {
		c.create(w, r, func(P) {})
	})
	mux.HandleFunc("GET "+one, c.get)
	mux.HandleFunc("PUT "+one, func(w http.ResponseWriter, r *http.Request) { c.update(w, r, true) })
	mux.HandleFunc("PATCH "+one, func(w http.ResponseWriter, r *http.Request) { c.update(w, r, false) })
	mux.HandleFunc("DELETE "+one, c.delete)
}

// create stores what r's body says, after preset has filled in what the path says.
func (c *collection[T, P]) create(w http.ResponseWriter, r *http.Request, preset func(P)) {
	body, ok := read(w, r)
	if !ok {
		return
	}
	var value T
	if err := unmarshal(body, &value); err != nil {
		fail(w, http.StatusBadRequest, "%s", err)
		return
	}
	preset(&value)
	if problem := c.check(&value); problem != "" {
		fail(w, http.StatusBadRequest, "%s", problem)
		return
	}
	c.mu.Lock()
	id, created, updated := P(&value).identity()
	*id, *created = c.next, c.stamp()
	*updated = *created
	c.next++
	c.rows[*id] = &row[T]{value: value, version: 1}
	c.mu.Unlock()
	w.Header().Set("Location", fmt.Sprintf("%s/%d", c.path, *id))
	write(w, http.StatusCreated, &value)
}

// update answers PUT (whole) and PATCH (RFC 7396: the fields that r's body
// does not name stay as they are). Of two at once the later wins.
func (c *collection[T, P]) update(w http.ResponseWriter, r *http.Request, whole bool) {
	body, ok := read(w, r)
	if !ok {
		return
	}
	value, code, problem := c.apply(r, body, whole)
	switch {
	case problem != "":
		fail(w, code, "%s", problem)
	case c.noContent:
		w.WriteHeader(http.StatusNoContent)
	default:
		write(w, http.StatusOK, &value)
	}
}

// apply makes the update, or returns a status and what is wrong.
func (c *collection[T, P]) apply(r *http.Request, body []byte, whole bool) (value T, code int, problem string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	id, _ := c.pathID(r)
	old := c.rows[id]
	if old == nil {
		return value, http.StatusNotFound, "no " + c.name + " " + r.PathValue("id")
	}
	if problem := unmet(r, old.etag()); problem != "" {
		return value, http.StatusPreconditionFailed, problem
	}
	if !whole {
		value = clone(old.value)
	}
	if err := unmarshal(body, &value); err != nil {
		return value, http.StatusBadRequest, err.Error()
	}
	_, created, _ := P(&old.value).identity()
	newID, newCreated, updated := P(&value).identity()
	*newID, *newCreated, *updated = id, *created, c.stamp()
	if problem := c.check(&value); problem != "" {
		return value, http.StatusBadRequest, problem
	}
	c.rows[id] = &row[T]{value: value, version: old.version + 1}
	return value, 0, ""
}

func (c *collection[T, P]) get(w http.ResponseWriter, r *http.Request) {
	found, ok := c.find(w, r)
	if !ok {
		return
	}
	tag := found.etag()
	w.Header().Set("ETag", tag)
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	write(w, http.StatusOK, &found.value)
}

func (c *collection[T, P]) delete(w http.ResponseWriter, r *http.Request) {
	found, ok := c.find(w, r)
	if !ok {
		return
	}
	if problem := unmet(r, found.etag()); problem != "" {
		fail(w, http.StatusPreconditionFailed, "%s", problem)
		return
	}
	if problem := c.mayDelete(&found.value); problem != "" {
		fail(w, http.StatusConflict, "%s", problem)
		return
	}
	id, _, _ := P(&found.value).identity()
	c.mu.Lock()
	_, there := c.rows[*id]
	delete(c.rows, *id)
	c.mu.Unlock()
	if !there {
		fail(w, http.StatusNotFound, "no %s %d", c.name, *id)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// writeList answers with the entities that keep wants, in the order of their
// ids; ?offset and ?limit (at most 100, the default) cut it.
func (c *collection[T, P]) writeList(w http.ResponseWriter, r *http.Request, keep func(P) bool) {
	all := c.list(keep)
	offset, limit := number(r, "offset", 0), min(number(r, "limit", 100), 100)
	from := min(offset, len(all))
	page := all[from:min(from+limit, len(all))]
	write(w, http.StatusOK, map[string]any{"data": page, "total": len(all)})
}

func (c *collection[T, P]) list(keep func(P) bool) []T {
	c.mu.RLock()
	defer c.mu.RUnlock()
	all := []T{}
	for _, r := range c.rows {
		if keep(&r.value) {
			all = append(all, r.value)
		}
	}
	slices.SortFunc(all, func(a, b T) int {
		x, _, _ := P(&a).identity()
		y, _, _ := P(&b).identity()
		return int(*x - *y)
	})
	return all
}

func (c *collection[T, P]) any(wanted func(P) bool) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for _, r := range c.rows {
		if wanted(&r.value) {
			return true
		}
	}
	return false
}

func (c *collection[T, P]) has(id int64) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.rows[id] != nil
}

// find returns the row that r's path names, having answered 404 if there is
// none. Rows are replaced, never changed: the caller may read it freely.
func (c *collection[T, P]) find(w http.ResponseWriter, r *http.Request) (*row[T], bool) {
	id, _ := c.pathID(r)
	c.mu.RLock()
	found := c.rows[id]
	c.mu.RUnlock()
	if found == nil {
		fail(w, http.StatusNotFound, "no %s %s", c.name, r.PathValue("id"))
	}
	return found, found != nil
}

func (c *collection[T, P]) check(value P) string {
	if problem := value.complete(); problem != "" {
		return problem
	}
	return c.mayStore(value)
}

func (c *collection[T, P]) pathID(r *http.Request) (int64, bool) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	return id, err == nil
}

// stamp is the current time as the API shows it.
func (c *collection[T, P]) stamp() time.Time { return c.now().UTC().Truncate(time.Millisecond) }

func (r *row[T]) etag() string { return fmt.Sprintf(`"v%d"`, r.version) }

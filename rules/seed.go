package rules

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/sidehook/sidehook/rules/content"
	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/rules/tree"
	"github.com/sidehook/sidehook/rules/views"
	"github.com/sidehook/sidehook/webhook"
)

// Listed is one entity as a page of a list shows it.
type Listed struct {
	ID     string
	Path   string // escaped, of the GET that shows it alone; "" if there is none
	Entity json.RawMessage
}

// Page is one page of a list.
type Page struct {
	Listed  []Listed
	Unnamed int    // elements that name no entity
	Next    string // what the body says that the next page is: a URL, or ""; a header may say so too
	Cursor  string // what is at cursor, see [Match.ReadPage]
	Ends    bool   // the body has a place for the next page, or for the cursor, that is null
}

// MatchList returns the list of a resource at a path, or says why that is none.
// path is escaped; "" is the resource's own, if that has no parameters.
func (p *Program) MatchList(name, path string) (*Match, error) {
	r := p.resourceNamed(name)
	if r == nil {
		return nil, fmt.Errorf("there is no resource %s here: it has %s", name, strings.Join(p.resourceNames(), ", "))
	}
	if r.singular {
		return nil, fmt.Errorf("resource %s is singular: it has no list", name)
	}
	if path == "" {
		path = r.collection.String()
	}
	params, ok := r.collection.Match(path)
	if !ok || strings.ContainsAny(path, "{}") {
		return nil, fmt.Errorf("the lists of %s are at %s: say which, with a path like it", name, r.collection)
	}
	return &Match{p: p, e: r.listed, params: params, method: "GET"}, nil
}

// resourceNamed returns the resource that is declared by that name, or nil.
func (p *Program) resourceNamed(name string) *resource {
	for _, r := range p.resources {
		if r.name == name {
			return r
		}
	}
	return nil
}

func (p *Program) resourceNames() (names []string) {
	for _, r := range p.resources {
		names = append(names, r.name)
	}
	return names
}

// ReadPage reads one page of the list that m is. items is the path of the list in
// the body; "" finds it: the body itself, or the one array of objects in it. cursor is
// the path of what the next page is asked for with; "": there is none.
func (m *Match) ReadPage(items, cursor string, body webhook.Body, h webhook.Header) (page Page, err error) {
	root, kind := content.Read(body, h, false)
	switch {
	case !body.Whole():
		return page, fmt.Errorf("the page was not kept: %s", body.Missing)
	case root == nil || kind == content.IsForm:
		return page, errors.New("the page is no JSON")
	}
	list, err := m.listIn(root, items)
	if err != nil {
		return page, err
	}
	for i := range list.Elems() {
		e := object(flat(&list.Elems()[i]))
		id, ok := "", false
		if e != nil {
			id, ok = m.e.res.idIn(e)
		}
		if !ok || id == "" {
			page.Unnamed++
			continue
		}
		path, _ := m.itemPath(id)
		page.Listed = append(page.Listed, Listed{ID: id, Path: path, Entity: e.JSON()})
	}
	page.Next, page.Ends = nextIn(root)
	if cursor != "" {
		page.Cursor, page.Ends, err = cursorIn(root, cursor)
	}
	return page, err
}

// cursorIn returns the text or the number that is at path in a page, and whether
// there is null instead, or what is empty.
func cursorIn(root *tree.Value, path string) (cursor string, ends bool, err error) {
	q, err := lang.ParseQuery(path)
	if err != nil {
		return "", false, err
	}
	raw, ok := q.Get(root.Shared())
	if !ok {
		return "", false, nil
	}
	v, err := tree.ParseShared(raw)
	if err != nil {
		return "", false, err
	}
	cursor, _ = v.Text()
	return cursor, cursor == "", nil
}

// listIn returns the array of a page's entities.
func (m *Match) listIn(root *tree.Value, items string) (*tree.Value, error) {
	if items != "" {
		q, err := lang.ParseQuery(items)
		if err != nil {
			return nil, err
		}
		if v := valueAt(&q, root); v.IsArray() {
			return v, nil
		}
		return nil, fmt.Errorf("there is no list at %s of the page", items)
	}
	var found []*tree.Value
	lists(root, 0, &found)
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return nil, errors.New("there is no list in the page: say where, with a path like data.items")
	}
	return nil, fmt.Errorf("there are %d lists in the page: say which is meant, with a path like data.items", len(found))
}

// lists appends the arrays at root, or in objects that wrap it, that may be
// lists of entities: those of objects and, where there is nothing else, empty
// ones.
func lists(v *tree.Value, depth int, found *[]*tree.Value) {
	switch {
	case v.IsArray():
		if len(v.Elems()) == 0 || v.Elems()[0].IsObject() {
			*found = append(*found, v)
		}
	case v.IsObject() && depth < 2:
		for m := range tree.Each(v.Members()) {
			if name := m.Name; name != "links" && name != "_links" && name != "included" && name != "errors" {
				lists(&m.Value, depth+1, found)
			}
		}
	}
}

// nextPaths are where bodies say what the next page is.
var nextPaths = [][]string{
	{"next"}, {"links", "next"}, {"links", "next", "href"}, {"_links", "next", "href"}, {"_links", "next"}, {"@odata.nextLink"},
	{"nextLink"}, {"next_page_url"}, {"next_url"}, {"next_page"}, {"meta", "next"}, {"meta", "next_page_url"}, {"paging", "next"}, {"pagination", "next"},
	{"pagination", "next_url"}, {"pagination", "next_link"},
}

// nextIn returns the URL of the next page that a body tells, or "". A number or
// a token is none. ends says that there is null in its place.
func nextIn(root *tree.Value) (next string, ends bool) {
	for _, path := range nextPaths {
		v := root.At(path...)
		ends = ends || v != nil && v.Kind == tree.Null
		text, ok := v.Text()
		if ok && (strings.HasPrefix(text, "/") || strings.HasPrefix(text, "?") || strings.HasPrefix(text, "http://") || strings.HasPrefix(text, "https://")) {
			return text, false
		}
	}
	return "", ends
}

// ShowsAll reports whether a list's entity has every field that a GET of it has.
func (m *Match) ShowsAll(listed json.RawMessage, body webhook.Body, h webhook.Header) (bool, error) {
	root, kind := content.Read(body, h, false)
	if root == nil || kind == content.IsForm {
		return false, errors.New("the GET of an entity showed no JSON")
	}
	whole := m.e.res.find(root)
	part, err := tree.ParseShared(listed)
	if err != nil || whole == nil {
		return false, errors.New("the GET of an entity showed none")
	}
	for _, f := range whole.Members() {
		if part.Get(f.Name) == nil {
			return false, nil
		}
	}
	return true, nil
}

// Tenantless reports whether the list's entities have a tenant in their key and
// q does not tell which.
func (m *Match) Tenantless(q *webhook.Request, placeholders map[string]string) bool {
	t := m.e.res.tenant
	v := &callVars{m: m, req: q, placeholders: placeholders}
	return t != nil && !t.ofEntity && v.keyTenant() == ""
}

// planSeed plans the exchange of a page of a list, whose body holds only
// entities that are shown in full. No event comes of it.
func (p *Program) planSeed(x *webhook.Exchange) *Plan {
	m, err := p.MatchList(x.Seed, x.Request.Path)
	if err != nil {
		return &Plan{Nothing: err.Error()}
	}
	all := &planned{match: *m}
	p.read(x, all)
	pl, c := &all.Plan, &all.call
	pl.call = c
	seen := make(map[string]bool)
	for i := range c.res.Elems() {
		e := object(&c.res.Elems()[i])
		id, ok := m.e.res.idIn(e)
		if !ok || seen[id] {
			continue
		}
		seen[id] = true
		pl.Subjects = append(pl.Subjects, Subject{Kind: Seed, Key: c.key(id), answer: e})
	}
	if len(pl.Subjects) == 0 {
		pl.Nothing = "the page names no entity"
	}
	return pl
}

// seed keeps an entity as a list shows it, unless something is known of it that
// is later than the list's request, or that it is gone.
func (d *deriver) seed(s *Subject, snap *webhook.Snapshot) error {
	ch := &d.change
	*ch = change{s: s, snap: snap, op: webhook.Updated, b: d.lastKnown(s, snap)}
	now := d.look(views.Get, &webhook.Observation{Header: d.x.Response.Header, Service: true})
	ch.o = outcome{via: webhook.FromFetch, confidence: webhook.Observed, seen: d.x.Ended}
	d.represent(&ch.o, s, &ch.b, now, s.answer, func(string) tree.Fate {
		if ch.b.view.Last() == now {
			return tree.Removed
		}
		return tree.KeptDoubt
	})
	d.trace.begin(d, ch, Seen{})
	ch.same = true
	d.out.NoChange++
	if d.notComparable(ch) == "" {
		d.out.Snapshots = append(d.out.Snapshots, d.snapshot(ch))
	}
	return nil
}

// ListPath returns the path of the list that m is; escaped.
func (m *Match) ListPath() string {
	path, _ := m.e.pattern.Build(func(name string) string { return m.params[name] })
	return path
}

// Shown returns the entity that a GET of it showed, nil if it showed another one
// or none.
func (m *Match) Shown(id string, body webhook.Body, h webhook.Header) json.RawMessage {
	root, kind := content.Read(body, h, false)
	if root == nil || kind == content.IsForm {
		return nil
	}
	entity := m.e.res.find(root)
	if entity == nil || !m.e.res.shows(root, entity, id) {
		return nil
	}
	return entity.JSON()
}

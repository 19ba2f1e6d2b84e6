package rules

import (
	"slices"

	"github.com/sidehook/sidehook/rules/content"
	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/rules/tree"
	"github.com/sidehook/sidehook/rules/views"
	"github.com/sidehook/sidehook/webhook"
)

// relationships is the field that a JSON:API resource's relationships are in,
// once it is one object.
const relationships = "relationships"

// flat returns a JSON:API resource object as one object: its id, its
// attributes, its relationships. Anything else it returns as it is.
func flat(v *tree.Value) *tree.Value {
	attributes, rel := v.Get("attributes"), v.Get(relationships)
	if v.Get("type") == nil || !attributes.IsObject() && (!rel.IsObject() || !isResource(v)) {
		return v
	}
	var members []tree.Member
	if id := v.Get("id"); id != nil && attributes.Get("id") == nil {
		members = append(members, tree.Member{Name: "id", Value: *id})
	}
	members = append(members, attributes.Members()...)
	if rel != nil && attributes.Get(relationships) == nil {
		members = append(members, tree.Member{Name: relationships, Value: *rel})
	}
	out := tree.NewObject(members)
	return &out
}

// isResource reports whether v has nothing but what a JSON:API resource object
// without attributes has (JSON:API 1.1, resource objects).
func isResource(v *tree.Value) bool {
	for m := range tree.Each(v.Members()) {
		switch m.Name {
		case "type", "id", "lid", relationships, "links", "meta":
		default:
			return false
		}
	}
	return true
}

// fromAPI is JSON:API 1.1: an update answered 204, or 200 without data, changed
// nothing but what the request says; nor did a create answered 204, which has an
// id that its client made. A GET that shows something else is believed instead.
func (c *call) fromAPI(s *Subject, b *state, obs *webhook.Observation, alone bool) *outcome {
	quiet := c.x.Response.Status == 204 || c.x.Response.Status == 200 && c.resKind == content.IsAPI && c.res.Get("data") == nil
	if c.reqKind != content.IsAPI || !quiet || c.twice || !s.asked.IsObject() {
		return nil
	}
	o := &outcome{via: webhook.FromRequest, confidence: webhook.Proven, seen: c.x.Ended, view: b.view, unknown: b.unknown}
	if s.Kind == Create {
		if c.x.Response.Status != 204 || !c.e.res.shows(s.asked, s.asked, s.Key.ID) {
			return nil
		}
		o.body, o.view, o.unknown = s.asked, views.List(c.look(views.Sent, nil).String()), nil
		return o
	}
	if b.body == nil || !c.isItem() {
		return nil
	}
	c.applyAPI(o, b, s.asked)
	c.forget(o, b)
	if shown := c.fromGet(s, b, obs, alone); shown != nil && len(tree.Diff(o.body, shown.body, c.e.res.keys)) > 0 {
		return nil
	}
	return o
}

// applyAPI sets the attributes that a JSON:API request gives, each as a whole,
// and of the relationships that it names what it gives of them: what it does not
// name stays (JSON:API 1.1, updating a resource's relationships).
func (c *call) applyAPI(o *outcome, b *state, asked *tree.Value) {
	was, set := b.body.Get(relationships), asked.Get(relationships)
	if !was.IsObject() || !set.IsObject() {
		c.apply(o, b, asked)
		return
	}
	members := slices.Clone(set.Members())
	for i := range members {
		if m := &members[i]; m.IsObject() && was.Get(m.Name).IsObject() {
			m.Value = tree.Assign(was.Get(m.Name), &m.Value)
		}
	}
	named := tree.NewObject(members)
	together := []tree.Member{{Name: relationships, Value: tree.Assign(was, &named)}}
	all, body := tree.NewObject(together), tree.Assign(b.body, asked)
	body = tree.Assign(&body, &all)
	o.body, o.unknown = &body, stillUnknownAPI(b, asked)
}

// stillUnknownAPI is stillUnknown of a JSON:API request: what is not known of all
// relationships, or of one, is not known of what the request does not give of them.
func stillUnknownAPI(b *state, asked *tree.Value) []string {
	unknown := slices.Clone(b.unknown)
	split := func(path string, names ...string) {
		i := slices.Index(unknown, path)
		set := asked.At(names...)
		if i < 0 || !set.IsObject() {
			return
		}
		unknown = slices.Delete(unknown, i, i+1)
		was := b.body.At(names...).Members()
		for j := range was {
			below := tree.Join(path, was[j].Name)
			if v := set.Get(was[j].Name); v == nil || len(names) == 1 {
				unknown = append(unknown, below)
			}
		}
	}
	split(relationships, relationships)
	set := asked.Get(relationships).Members()
	for i := range set {
		split(tree.Join(relationships, set[i].Name), relationships, set[i].Name)
	}
	return slices.DeleteFunc(unknown, func(u string) bool {
		if p, err := lang.ParsePath(u); err == nil {
			if names := p.Names(); len(names) > 3 && names[0] == relationships && asked.At(names[:3]...) != nil {
				return true // below what was replaced
			}
		}
		return at(asked, u) != nil
	})
}

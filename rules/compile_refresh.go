package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/rules/lang"
)

// item makes the path at which r's entities are shown known. That two resources
// have one is an error of their other routes.
func (k *compiler) item(place string, r *resource) {
	r.shown = &endpoint{method: "GET", pattern: r.item, place: place, res: r, kind: Observe, named: true}
	k.p.items.Put("GET", r.item, r.shown)
	r.listed = &endpoint{method: "GET", pattern: r.collection, place: place, res: r, kind: Seed}
}

// refreshes compiles the refresh lines, now that all resources are known.
func (k *compiler) refreshes() error {
	for i := range k.c.Resources {
		r := k.p.resources[i]
		for j, c := range k.c.Resources[i].Refresh {
			place := fmt.Sprintf("resources[%d].refresh[%d]", i, j)
			compiled, err := k.refresh(place, &c, r)
			if err != nil {
				return err
			}
			r.refresh = append(r.refresh, compiled)
		}
	}
	return nil
}

func (k *compiler) refresh(place string, c *Refresh, r *resource) (*refresh, error) {
	shown, err := k.refreshed(place, c, r)
	if err != nil {
		return nil, err
	}
	if c.ID == "" {
		return nil, bad(join(place, "id"), "refresh wants an expression that gives the id: write one like after.%s_id", c.Resource)
	}
	id, err := k.expr(join(place, "id"), c.ID, lang.EnvRule)
	if err != nil {
		return nil, err
	}
	return &refresh{resource: c.Resource, id: id, shown: shown}, nil
}

// refreshed returns the endpoint that shows the entities to refresh.
func (k *compiler) refreshed(place string, c *Refresh, r *resource) (*endpoint, error) {
	place = join(place, "resource")
	other := k.p.resourceNamed(c.Resource)
	if other == nil {
		return nil, bad(place, "refresh %s: there is no resource of that name here: it has %s", c.Resource, strings.Join(k.p.resourceNames(), ", "))
	}
	for _, name := range other.item.Params() {
		if name != other.idParam && !slices.Contains(r.collection.Params(), name) {
			return nil, bad(place, "refresh %s: its path %s has {%s}, which the path %s of %s does not tell", c.Resource, other.item, name, r.collection, r.name)
		}
	}
	return other.shown, nil
}

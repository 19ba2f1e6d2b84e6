package pipeliner

import (
	"net/http"
	"strings"

	"github.com/sidehook/sidehook/examples/internal/plain"
)

// shown returns doc as a GET shows it: with the relations that expand names in
// it, and of all that the members that load-only names. Both are names separated
// by commas, each with dots, like task_relations.task.
func shown(r *http.Request, doc plain.Doc, relations map[string]*plain.Collection) plain.Doc {
	for _, path := range asked(r, "expand") {
		expand(doc, path, relations)
	}
	if only := asked(r, "load-only"); len(only) > 0 {
		return pick(doc, only).(plain.Doc)
	}
	return doc
}

// asked returns the paths in a parameter of the query.
func asked(r *http.Request, parameter string) (paths [][]string) {
	for _, value := range r.URL.Query()[parameter] {
		for path := range strings.SplitSeq(value, ",") {
			paths = append(paths, strings.Split(path, "."))
		}
	}
	return paths
}

// expand puts what path names into doc: for contact what contact_id names.
func expand(doc plain.Doc, path []string, relations map[string]*plain.Collection) {
	if len(path) == 1 {
		if of := relations[path[0]]; of != nil {
			doc[path[0]] = of.Get(doc[path[0]+"_id"])
		}
		return
	}
	list, _ := doc[path[0]].([]any)
	for _, one := range list {
		if inner, ok := one.(plain.Doc); ok {
			expand(inner, path[1:], relations)
		}
	}
}

// pick returns of v what one of paths leads to.
func pick(v any, paths [][]string) any {
	switch v := v.(type) {
	case []any:
		list := []any{}
		for _, one := range v {
			list = append(list, pick(one, paths))
		}
		return list
	case plain.Doc:
		picked := plain.Doc{}
		for name, value := range v {
			var below [][]string
			for _, path := range paths {
				if path[0] != name {
					continue
				}
				if len(path) == 1 {
					picked[name] = value
				}
				below = append(below, path[1:])
			}
			if _, whole := picked[name]; !whole && len(below) > 0 {
				picked[name] = pick(value, below)
			}
		}
		return picked
	}
	return v
}

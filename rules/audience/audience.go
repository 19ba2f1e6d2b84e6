package audience

import (
	"maps"
	"slices"
	"strings"

	"github.com/sidehook/sidehook/webhook"
)

// audience is the subscribers of one tenant, filed under what they may want, so
// that an event meets those only that want its scope. Lists are in the order in
// which subscribers were given, and are replaced, never changed.
type audience struct {
	size  int
	exact map[string][]*subscriber // by the scope that they name

	// wild are the patterns with wildcards, by their first part; those that begin
	// with one are under "". Many subscribers have the same one, like project.**:
	// it is compared once.
	wild map[string]map[webhook.Pattern][]*subscriber
}

// clone returns an audience whose lists may be replaced; of nil, an empty one.
func (a *audience) clone() *audience {
	if a == nil {
		return &audience{exact: map[string][]*subscriber{}, wild: map[string]map[webhook.Pattern][]*subscriber{}}
	}
	return &audience{size: a.size, exact: maps.Clone(a.exact), wild: maps.Clone(a.wild)}
}

// append adds c, which is behind all others, to an audience that nobody else has.
func (a *audience) append(c *subscriber) {
	a.size++
	a.file(c, true, func(list []*subscriber) []*subscriber {
		if len(list) > 0 && list[len(list)-1] == c {
			return list // two patterns of c are the same
		}
		return append(list, c)
	})
}

func (a *audience) add(c *subscriber) {
	a.size++
	a.file(c, false, func(list []*subscriber) []*subscriber {
		at, there := slices.BinarySearchFunc(list, c, byPlace)
		if there {
			return list // two patterns of c are the same
		}
		return slices.Insert(slices.Clone(list), at, c)
	})
}

func (a *audience) remove(c *subscriber) {
	a.size--
	a.file(c, false, func(list []*subscriber) []*subscriber {
		at, there := slices.BinarySearchFunc(list, c, byPlace)
		if !there {
			return list
		}
		return slices.Delete(slices.Clone(list), at, at+1)
	})
}

// file replaces the lists under which c is filed by what change makes of them;
// own says that nobody else has what a is made of.
func (a *audience) file(c *subscriber, own bool, change func([]*subscriber) []*subscriber) {
	apart := map[string]bool{}
	for _, p := range c.Scopes {
		if !p.Wild() {
			replace(a.exact, oneSpelling(string(p)), change)
			continue
		}
		first := firstPart(string(p))
		if strings.Contains(first, "*") {
			first = ""
		}
		if !apart[first] {
			apart[first] = true
			patterns := a.wild[first]
			if patterns == nil {
				patterns = map[webhook.Pattern][]*subscriber{}
			} else if !own {
				patterns = maps.Clone(patterns)
			}
			a.wild[first] = patterns
		}
		if replace(a.wild[first], p, change); len(a.wild[first]) == 0 {
			delete(a.wild, first)
			apart[first] = false
		}
	}
}

// replace replaces the list of a key, and forgets one that is empty then.
func replace[K comparable](lists map[K][]*subscriber, key K, change func([]*subscriber) []*subscriber) {
	if list := change(lists[key]); len(list) > 0 {
		lists[key] = list
	} else {
		delete(lists, key)
	}
}

// gather appends the lists of those that may want a scope.
func (a *audience) gather(scope string, lists [][]*subscriber) [][]*subscriber {
	if a == nil {
		return lists
	}
	if list := a.exact[oneSpelling(scope)]; len(list) > 0 {
		lists = append(lists, list)
	}
	for _, first := range [...]string{firstPart(scope), ""} {
		for p, list := range a.wild[first] {
			if p.Match(scope) {
				lists = append(lists, list)
			}
		}
	}
	return lists
}

// interested returns those that may want e, in the order in which they were given.
func (s *Subscribers) interested(e *webhook.Event) []*subscriber {
	var few [8][]*subscriber
	lists := few[:0]
	lists = s.audiences[shardOf(webhook.AnyTenant)][webhook.AnyTenant].gather(e.Scope, lists)
	if !e.Unowned && e.Tenant != webhook.AnyTenant {
		lists = s.audiences[shardOf(e.Tenant)][e.Tenant].gather(e.Scope, lists)
	}
	switch len(lists) {
	case 0:
		return nil
	case 1:
		return lists[0]
	}
	all := slices.Concat(lists...)
	slices.SortFunc(all, byPlace)
	return slices.Compact(all)
}

// oneSpelling returns a scope with dots between its parts: patterns match either
// separator.
func oneSpelling(scope string) string {
	if strings.Contains(scope, "/") {
		return strings.ReplaceAll(scope, "/", ".")
	}
	return scope
}

func firstPart(scope string) string {
	if i := strings.IndexAny(scope, "./"); i >= 0 {
		return scope[:i]
	}
	return scope
}

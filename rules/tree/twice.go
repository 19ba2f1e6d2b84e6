package tree

import "hash/maphash"

// twice looks for names that an object has twice.
type twice struct {
	places []int32 // of the names of an object with many, by hash; 0: free
	seed   maphash.Seed
}

// fewNames is up to how many names are compared one with another.
const fewNames = 8

// among reports whether two of the children have one name.
func (t *twice) among(p *parser, list []child) bool {
	for i := range list {
		if list[i].escaped {
			return t.decoded(p, list)
		}
	}
	if len(list) > fewNames {
		return t.hashed(p.s, list)
	}
	for i := 1; i < len(list); i++ {
		name := p.s[list[i].name:list[i].nameEnd]
		for j := range i {
			if p.s[list[j].name:list[j].nameEnd] == name {
				return true
			}
		}
	}
	return false
}

// hashed finds places by a seeded hash: nobody can choose names that share them.
func (t *twice) hashed(s string, list []child) bool {
	size := 32
	for size < 2*len(list) {
		size *= 2
	}
	if cap(t.places) < size {
		t.places, t.seed = make([]int32, size), maphash.MakeSeed()
	}
	places := t.places[:size]
	clear(places)
	for i := range list {
		name := s[list[i].name:list[i].nameEnd]
		at := int(maphash.String(t.seed, name)) & (size - 1)
		for ; places[at] != 0; at = (at + 1) & (size - 1) {
			if other := &list[places[at]-1]; s[other.name:other.nameEnd] == name {
				return true
			}
		}
		places[at] = int32(i + 1)
	}
	return false
}

func (t *twice) decoded(p *parser, list []child) bool {
	seen := make(map[string]bool, len(list))
	for i := range list {
		name := p.nameOf(&list[i])
		if seen[name] {
			return true
		}
		seen[name] = true
	}
	return false
}

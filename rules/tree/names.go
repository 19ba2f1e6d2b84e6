package tree

import "hash/maphash"

// names are the names of the objects that a parser is in, innermost last.
type names struct {
	stack []string
	most  int
	table []int32 // places in an object of many, by hash; 0: free
	seed  maphash.Seed
}

// fewNames is up to how many names are compared one with another.
const fewNames = 8

func (n *names) len() int { return len(n.stack) }

func (n *names) push(name string) { n.stack = append(n.stack, name) }

// pop takes off the names from first on: those of one object. It reports
// whether two of them are the same.
func (n *names) pop(first int) (twice bool) {
	n.most = max(n.most, len(n.stack))
	list := n.stack[first:]
	n.stack = n.stack[:first]
	if len(list) > fewNames {
		return n.hashed(list)
	}
	for i := 1; i < len(list); i++ {
		for j := range i {
			if list[i] == list[j] {
				return true
			}
		}
	}
	return false
}

// hashed looks for a name that is there twice by a table of places. The hash is
// seeded: nobody can choose names that share places.
func (n *names) hashed(list []string) bool {
	size := 32
	for size < 2*len(list) {
		size *= 2
	}
	if cap(n.table) < size {
		n.table, n.seed = make([]int32, size), maphash.MakeSeed()
	}
	table := n.table[:size]
	clear(table)
	for i, name := range list {
		at := int(maphash.String(n.seed, name)) & (size - 1)
		for ; table[at] != 0; at = (at + 1) & (size - 1) {
			if list[table[at]-1] == name {
				return true
			}
		}
		table[at] = int32(i + 1)
	}
	return false
}

func (n *names) spared() bool { return cap(n.stack) <= maxSpared && cap(n.table) <= 4*maxSpared }

func (n *names) reset() {
	clear(n.stack[:max(n.most, len(n.stack))])
	n.stack, n.most = n.stack[:0], 0
}

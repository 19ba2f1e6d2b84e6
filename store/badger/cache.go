package badger

import "sync"

// cache keeps what was used lately, within a number of bytes. It has two
// generations: what is used moves to the young one, and when that is full the
// old one goes. Safe for concurrent use.
type cache[K comparable, V any] struct {
	mu         sync.Mutex
	young, old map[K]V
	size       int // of young
	limit      int // of each generation
	weigh      func(K, V) int
	stamped    uint64 // grows with each renewal of what it shows
}

func newCache[K comparable, V any](limit int, weigh func(K, V) int) *cache[K, V] {
	return &cache[K, V]{young: map[K]V{}, old: map[K]V{}, limit: limit / 2, weigh: weigh}
}

func (c *cache[K, V]) get(k K) (V, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if v, ok := c.young[k]; ok {
		return v, true
	}
	v, ok := c.old[k]
	if ok {
		c.add(k, v)
	}
	return v, ok
}

func (c *cache[K, V]) put(k K, v V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add(k, v)
}

// stamp is taken before reading what [cache.putSince] puts.
func (c *cache[K, V]) stamp() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stamped
}

// putSince puts what was read after the stamp was taken, unless something newer
// may be there.
func (c *cache[K, V]) putSince(stamp uint64, k K, v V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stamped == stamp {
		c.add(k, v)
	}
}

// renew ends all stamps. It comes after what readers find is renewed, and before
// that is put.
func (c *cache[K, V]) renew() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stamped++
}

func (c *cache[K, V]) drop(k K) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remove(k)
}

func (c *cache[K, V]) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.young, c.old, c.size = map[K]V{}, map[K]V{}, 0
	c.stamped++
}

func (c *cache[K, V]) remove(k K) {
	if was, ok := c.young[k]; ok {
		c.size -= c.weigh(k, was)
		delete(c.young, k)
	}
	delete(c.old, k)
}

// add forgets a value that is large against the whole cache.
func (c *cache[K, V]) add(k K, v V) {
	c.remove(k)
	w := c.weigh(k, v)
	if w > c.limit/4 {
		return
	}
	if c.size+w > c.limit {
		c.old, c.young, c.size = c.young, make(map[K]V, len(c.young)/2), 0
	}
	c.young[k] = v
	c.size += w
}

package badger

import (
	"fmt"
	"testing"
)

func newTestCache() *cache[string, string] {
	return newCache(100, func(k, v string) int { return len(k) + len(v) })
}

func TestCacheRefusesWhatMayBeOld(t *testing.T) {
	c := newTestCache()
	before := c.stamp()
	c.renew() // a commit
	c.put("a", "new")
	c.putSince(before, "a", "old")
	c.putSince(before, "b", "old")
	if v, _ := c.get("a"); v != "new" {
		t.Errorf("a is %q", v)
	}
	if v, ok := c.get("b"); ok {
		t.Errorf("b is %q", v)
	}
	c.putSince(c.stamp(), "b", "new")
	if v, _ := c.get("b"); v != "new" {
		t.Errorf("b is %q", v)
	}
	before = c.stamp()
	c.clear() // the store is opened again
	c.putSince(before, "a", "old")
	if v, ok := c.get("a"); ok {
		t.Errorf("after clear, a is %q", v)
	}
}

// A value that is replaced again and again must not push the others out.
func TestCacheCountsAReplacedValueOnce(t *testing.T) {
	c := newTestCache()
	c.put("cold", "1")
	for i := range 1000 {
		c.put("hot", fmt.Sprint(i))
		c.drop("hot")
		c.put("hot", fmt.Sprint(i))
	}
	if _, ok := c.get("cold"); !ok {
		t.Error("it is gone")
	}
	for i := range 1000 {
		c.put(fmt.Sprint(i), "x")
	}
	if _, ok := c.get("cold"); ok || c.size > 50 || len(c.young)+len(c.old) > 100 {
		t.Errorf("%d bytes, %d and %d values", c.size, len(c.young), len(c.old))
	}
}

package badger

import "slices"

// Bounds of what is shown, in items (about 400 bytes each once given out).
const (
	maxWindow = 2048
	maxShown  = 32 << 10
	refillN   = 512
)

// window shows the first items of one priority of a subscription's queue, in
// order: all that are on disk up to upTo, or all there are if it is whole.
// upTo is the low-water mark from which more is read, so that keys that were
// deleted below it are never walked over.
type window struct {
	items []*item
	whole bool
	upTo  queuePlace
}

func (w *window) find(p queuePlace) (int, bool) {
	return slices.BinarySearchFunc(w.items, p, func(it *item, p queuePlace) int {
		switch {
		case it.before(p):
			return -1
		case p.before(it.queuePlace):
			return 1
		}
		return 0
	})
}

// insert adds it if it stands within the window.
func (w *window) insert(it *item) bool {
	if !w.whole && w.upTo.before(it.queuePlace) {
		return false
	}
	return w.add(it)
}

// add adds it unless it is there.
func (w *window) add(it *item) bool {
	if n := len(w.items); n == 0 || w.items[n-1].before(it.queuePlace) {
		w.items = append(w.items, it)
		return true
	}
	i, found := w.find(it.queuePlace)
	if !found {
		w.items = slices.Insert(w.items, i, it)
	}
	return !found
}

func (w *window) remove(p queuePlace) bool {
	i, found := w.find(p)
	if found {
		w.take(i)
	}
	return found
}

// take removes the item at i. It is often one of the first, and there may be
// many behind it.
func (w *window) take(i int) {
	copy(w.items[1:i+1], w.items[:i])
	w.items[0] = nil
	w.items = w.items[1:]
}

// cut drops the last of several items.
func (w *window) cut() {
	last := len(w.items) - 1
	w.items[last] = nil
	w.items = w.items[:last]
	w.whole, w.upTo = false, w.items[last-1].queuePlace
}

// empty drops all items. What is read next begins before them.
func (w *window) empty() {
	if len(w.items) > 0 {
		// One place before the first: nothing is deleted in between.
		w.whole, w.upTo = false, w.items[0].queuePlace
		if w.upTo.tail--; w.upTo.tail == ^uint64(0) {
			w.upTo.position--
		}
	}
	w.items = nil
}

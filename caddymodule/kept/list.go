package kept

import (
	"cmp"
	"hash/fnv"
	"maps"
	"slices"

	"github.com/sidehook/sidehook/webhook"
)

// List is all kept subscriptions. It is replaced, never changed, at little
// cost however many there are; nil is empty.
type List struct {
	byID    [keptParts]map[webhook.SubscriptionID]*Subscription // deleted ones too
	inOrder []*Subscription                                     // not deleted, oldest first
}

// keptParts is in how many parts a list is kept: a change copies one.
const keptParts = 64

func keptPart(id webhook.SubscriptionID) int {
	h := fnv.New32a()
	h.Write([]byte(id))
	return int(h.Sum32() % keptParts)
}

// NewList returns the list of all; those that are in use have their numbers.
func NewList(all []*Subscription) *List {
	l := new(List)
	for _, k := range all {
		part := &l.byID[keptPart(k.ID)]
		if *part == nil {
			*part = map[webhook.SubscriptionID]*Subscription{}
		}
		(*part)[k.ID] = k
		if k.Ready != nil {
			l.inOrder = append(l.inOrder, k)
		}
	}
	slices.SortFunc(l.inOrder, byNumber)
	return l
}

// byNumber orders those that are not numbered yet by their ids.
func byNumber(a, b *Subscription) int {
	return cmp.Or(cmp.Compare(a.Ready.Number, b.Ready.Number), cmp.Compare(a.ID, b.ID))
}

// Get returns one, deleted or not, or nil.
func (l *List) Get(id webhook.SubscriptionID) *Subscription {
	if l == nil {
		return nil
	}
	return l.byID[keptPart(id)][id]
}

// All returns those that are not deleted, oldest first; not to be changed.
func (l *List) All() []*Subscription {
	if l == nil {
		return nil
	}
	return l.inOrder
}

// InUse returns those that are not deleted, as subscriptions.
func (l *List) InUse() []*webhook.Subscription {
	subs := make([]*webhook.Subscription, 0, len(l.All()))
	for _, k := range l.All() {
		subs = append(subs, k.Ready)
	}
	return subs
}

// Put returns a list with k in it.
func (l *List) Put(k *Subscription) *List {
	out := l.Without(k.ID)
	out.byID[keptPart(k.ID)][k.ID] = k
	if k.Ready != nil {
		at, _ := slices.BinarySearchFunc(out.inOrder, k, byNumber)
		out.inOrder = slices.Insert(out.inOrder, at, k)
	}
	return out
}

// Without returns a list that does not have id.
func (l *List) Without(id webhook.SubscriptionID) *List {
	out := new(List)
	if l != nil {
		*out = *l
	}
	n := keptPart(id)
	was := out.byID[n][id]
	if out.byID[n] = maps.Clone(out.byID[n]); out.byID[n] == nil {
		out.byID[n] = map[webhook.SubscriptionID]*Subscription{}
	}
	delete(out.byID[n], id)
	out.inOrder = slices.Clone(out.inOrder)
	if was != nil && was.Ready != nil {
		if at, there := slices.BinarySearchFunc(out.inOrder, was, byNumber); there {
			out.inOrder = slices.Delete(out.inOrder, at, at+1)
		}
	}
	return out
}

// Known returns all, those that are deleted and not forgotten yet too.
func (l *List) Known() (list []*Subscription) {
	if l == nil {
		return nil
	}
	for _, part := range l.byID {
		for _, k := range part {
			list = append(list, k)
		}
	}
	return list
}

// Deleted returns those that are deleted and not forgotten yet.
func (l *List) Deleted() []*Subscription {
	return slices.DeleteFunc(l.Known(), func(k *Subscription) bool { return k.Deleted.IsZero() })
}

package caddymodule

import (
	"cmp"
	"hash/fnv"
	"maps"
	"slices"

	"github.com/sidehook/sidehook/webhook"
)

// keptList is all kept subscriptions. It is replaced, never changed, at little
// cost however many there are; nil is empty.
type keptList struct {
	byID    [keptParts]map[webhook.SubscriptionID]*keptSubscription // deleted ones too
	inOrder []*keptSubscription                                     // not deleted, oldest first
}

// keptParts is in how many parts a list is kept: a change copies one.
const keptParts = 64

func keptPart(id webhook.SubscriptionID) int {
	h := fnv.New32a()
	h.Write([]byte(id))
	return int(h.Sum32() % keptParts)
}

// newKeptList returns the list of all; those that are in use have their numbers.
func newKeptList(all []*keptSubscription) *keptList {
	l := new(keptList)
	for _, k := range all {
		part := &l.byID[keptPart(k.ID)]
		if *part == nil {
			*part = map[webhook.SubscriptionID]*keptSubscription{}
		}
		(*part)[k.ID] = k
		if k.sub != nil {
			l.inOrder = append(l.inOrder, k)
		}
	}
	slices.SortFunc(l.inOrder, byNumber)
	return l
}

// byNumber orders those that are not numbered yet by their ids.
func byNumber(a, b *keptSubscription) int {
	return cmp.Or(cmp.Compare(a.sub.Number, b.sub.Number), cmp.Compare(a.ID, b.ID))
}

// get returns one, deleted or not, or nil.
func (l *keptList) get(id webhook.SubscriptionID) *keptSubscription {
	if l == nil {
		return nil
	}
	return l.byID[keptPart(id)][id]
}

// all returns those that are not deleted, oldest first; not to be changed.
func (l *keptList) all() []*keptSubscription {
	if l == nil {
		return nil
	}
	return l.inOrder
}

// inUse returns those that are not deleted, as subscriptions.
func (l *keptList) inUse() []*webhook.Subscription {
	subs := make([]*webhook.Subscription, 0, len(l.all()))
	for _, k := range l.all() {
		subs = append(subs, k.sub)
	}
	return subs
}

// put returns a list with k in it.
func (l *keptList) put(k *keptSubscription) *keptList {
	out := l.without(k.ID)
	out.byID[keptPart(k.ID)][k.ID] = k
	if k.sub != nil {
		at, _ := slices.BinarySearchFunc(out.inOrder, k, byNumber)
		out.inOrder = slices.Insert(out.inOrder, at, k)
	}
	return out
}

// without returns a list that does not have id.
func (l *keptList) without(id webhook.SubscriptionID) *keptList {
	out := new(keptList)
	if l != nil {
		*out = *l
	}
	n := keptPart(id)
	was := out.byID[n][id]
	if out.byID[n] = maps.Clone(out.byID[n]); out.byID[n] == nil {
		out.byID[n] = map[webhook.SubscriptionID]*keptSubscription{}
	}
	delete(out.byID[n], id)
	out.inOrder = slices.Clone(out.inOrder)
	if was != nil && was.sub != nil {
		if at, there := slices.BinarySearchFunc(out.inOrder, was, byNumber); there {
			out.inOrder = slices.Delete(out.inOrder, at, at+1)
		}
	}
	return out
}

// known returns all, those that are deleted and not forgotten yet too.
func (l *keptList) known() (list []*keptSubscription) {
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

// deleted returns those that are deleted and not forgotten yet.
func (l *keptList) deleted() []*keptSubscription {
	return slices.DeleteFunc(l.known(), func(k *keptSubscription) bool { return k.Deleted.IsZero() })
}

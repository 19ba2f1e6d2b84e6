package badger

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"time"

	badgerdb "github.com/dgraph-io/badger/v4"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/webhook"
)

// sightSpan is within which an answer that says the same as the last is not
// kept anew: a sight is known to the hour, and costs no write each time.
const sightSpan = time.Hour

// Sight implements [store.Sights].
func (s *Store) Sight(_ context.Context, sub webhook.SubscriptionID, k webhook.EntityKey) (webhook.Sight, error) {
	v, err := s.views.get()
	if err != nil {
		return webhook.Sight{}, err
	}
	defer v.release()
	found, err := v.get(keySight(entityDigest(k), sub))
	if err == nil && found.found() {
		return parseSight(k, found.bytes)
	}
	if err != nil {
		err = fmt.Errorf("what %s last saw of %s: %w", sub, k, err)
	}
	return webhook.Sight{}, err
}

// putSight keeps what sub has seen, unless that is what is kept already.
func (t *tx) putSight(sub subscription, s *webhook.Sight) error {
	k := keySight(entityDigest(s.Key), sub)
	v, err := t.get(k)
	if err != nil {
		return err
	}
	if v.found() {
		was, err := parseSight(s.Key, v.bytes)
		if err != nil {
			return err
		}
		if age := s.At.Sub(was.At); age < 0 || age < sightSpan && was.Visible == s.Visible {
			return nil
		}
	}
	visible := byte(0)
	if s.Visible {
		visible = 1
	}
	t.put(k, binary.BigEndian.AppendUint64([]byte{visible}, nanos(s.At)))
	return nil
}

func parseSight(k webhook.EntityKey, b []byte) (webhook.Sight, error) {
	if len(b) != 9 {
		return webhook.Sight{}, errBroken("sight")
	}
	return webhook.Sight{Key: k, Visible: b[0] == 1, At: fromNanos(binary.BigEndian.Uint64(b[1:]))}, nil
}

// forgetSights goes on looking through the sights, from where it was the last
// time, and forgets those that are old.
func (s *Store) forgetSights(ctx context.Context, k store.Keep) error {
	old, next, err := s.oldSights(k)
	if err != nil {
		return err
	}
	if s.keeper.sights = next; len(old) == 0 {
		return nil
	}
	return s.commit(ctx, func(t *tx) error {
		for _, z := range old {
			v, err := t.get(z)
			if err != nil {
				return err
			}
			if v.found() && oldSight(v.bytes, k) {
				t.delete(z)
			}
		}
		return nil
	})
}

// oldSights returns some sights that are old, and where to look next.
func (s *Store) oldSights(k store.Keep) (old []key, next key, err error) {
	v, err := s.views.get()
	if err != nil {
		return nil, nil, err
	}
	defer v.release()
	looked := 0
	err = v.each(scan{prefix: []byte{tableSight}, from: s.keeper.sights}, func(b []byte, item *badgerdb.Item) (bool, error) {
		if looked++; looked > maintainSights {
			next = key(bytes.Clone(b))
			return false, nil
		}
		data, err := copyItem(item)
		if err == nil && oldSight(data.bytes, k) {
			old = append(old, key(bytes.Clone(b)))
		}
		return true, err
	})
	return old, next, err
}

func oldSight(b []byte, k store.Keep) bool {
	return len(b) != 9 || binary.BigEndian.Uint64(b[1:]) < nanos(k.Now.Add(-k.Sights))
}

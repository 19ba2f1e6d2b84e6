package badger_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sidehook/sidehook/store"
	"github.com/sidehook/sidehook/store/badger"
	"github.com/sidehook/sidehook/webhook"
)

// item is an ordinary small update, as the rules make it: an item of 250 bytes
// of which one field changes, and nobody wants to hear of it.
func item(n int) store.Record {
	x := webhook.NewExchangeID(start)
	key := webhook.EntityKey{API: "shop", Resource: "item", ID: "1042"}
	return store.Record{Exchange: x, Segment: 1, Entities: []webhook.EntityKey{key}, Derive: func(before []webhook.Snapshot) (store.Consequences, error) {
		was := before[0]
		body := json.RawMessage(fmt.Sprintf(`{"id":1042,"n":%d,"note":%q}`, n, strings.Repeat("a note ", 31)))
		ended := start.Add(4*time.Millisecond + 567_891)
		return store.Consequences{
			Snapshots: []webhook.Snapshot{{
				Key: key, Sequence: was.Sequence + 1, Body: body, Seen: ended, Via: webhook.FromResponse, Exchange: x,
			}},
			Events: []webhook.Event{{
				ID: webhook.NewEventID(x, key, "item.updated", ""), Scope: "item.updated", Key: key, Sequence: was.Sequence + 1,
				Exchange: x, Time: ended, Operation: webhook.Updated, Before: was.Body, After: body,
				Changes: []webhook.FieldChange{{Path: "n", Old: json.RawMessage(fmt.Sprint(n - 1)), New: json.RawMessage(fmt.Sprint(n))}},
				Params:  map[string]string{"id": "1042"},
				Request: webhook.EventRequest{ID: "0b7a3a34-6a3c-4f0e-9f0b-3a0b3f1f5c7d", Method: "PATCH", Path: "/items/1042"},
				Provenance: webhook.Provenance{
					Before: webhook.FromSnapshot, BeforeAge: 1234567 * time.Microsecond, After: webhook.FromResponse, Confidence: webhook.Observed,
				},
			}},
		}, nil
	}}
}

// TestARecordIsSmall holds what a record costs Badger: keys and bytes.
func TestARecordIsSmall(t *testing.T) {
	s := open(t, t.TempDir())
	for n := range 10 {
		if _, err := record(s, item(1000+n)); err != nil {
			t.Fatal(err)
		}
	}
	tables, size, err := badger.RecordSize(s, item(1010))
	if err != nil {
		t.Fatal(err)
	}
	t.Log(size, "bytes:", tables)
	if len(tables) != 3 || size > 470 {
		t.Error("more than three keys, or more bytes than they take together")
	}
}

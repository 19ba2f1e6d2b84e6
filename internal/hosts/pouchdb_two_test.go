package hosts

import (
	"sync"
	"testing"
)

// Two clients write one document at the same time, each again when the other
// was faster. Receipts do not show what a write came to when another came right
// behind it. What is told is an unbroken chain that ends where the document is.
func TestPouchDBWrittenByTwoAtOnce(t *testing.T) {
	only(t, "pouchdb")
	p := startPouch(t)
	p.client().does(201, "PUT", "/tasks/shared", `{"anna":0,"ole":0,"text":"`+t.Name()+`"}`)
	var both sync.WaitGroup
	for _, name := range []string{"anna", "ole"} {
		both.Go(func() {
			for i := range 20 {
				for status := 409; status == 409; {
					document := object(t, p.direct().does(200, "GET", "/tasks/shared", ""))
					document[name] = i + 1
					status, _ = p.client("X-Client", name).call("PUT", "/tasks/shared", text(document))
				}
			}
		})
	}
	both.Wait()
	events := p.events()
	wantChain(t, events, p.direct().does(200, "GET", "/tasks/shared", ""))
	said := map[string]bool{}
	for _, s := range p.account()["tasks/shared"] {
		said[text(object(t, s.body))] = true
	}
	for _, e := range events {
		if state := text(object(t, string(e.Data))); !said[state] {
			t.Errorf("%s #%d tells of what PouchDB never had: %s", e.Type, e.Entity.Sequence, state)
		}
	}
	t.Logf("%d events of %d revisions", len(events), len(said))
}

package pipeliner_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sidehook/sidehook/examples/internal/exampletest"
	"github.com/sidehook/sidehook/examples/pipeliner"
)

const (
	signature = "01234567-abcd-dcba-ffff-000000000000"
	owner     = "9900cce6-bcd6-412a-bcd1-1904556c949a"
)

func TestMain(m *testing.M) { exampletest.Main(m) }

func start(t *testing.T) *exampletest.Stage {
	t.Helper()
	return exampletest.Start(t, pipeliner.New(nil), "SIGNATURE="+signature)
}

// made makes an entity, and returns its id and what came of it.
func made(t *testing.T, s *exampletest.Stage, path, body string) (id string, got []exampletest.Webhook) {
	t.Helper()
	status, answer := s.Call("POST", path, body)
	var b struct{ Data struct{ ID string } }
	if err := json.Unmarshal([]byte(answer), &b); err != nil || status != 201 {
		t.Fatalf("POST %s: %d, %v: %s", path, status, err, answer)
	}
	return b.Data.ID, s.Told()
}

func events(all []exampletest.Webhook) string {
	return strings.Join(exampletest.Names(all, func(w exampletest.Webhook) string { return w.Field("event") }), " ")
}

func want(t *testing.T, what, want string, got []exampletest.Webhook) {
	t.Helper()
	if diff := cmp.Diff(want, events(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

const account = `{"name":"Holm & Sons","owner_id":"` + owner + `"}`

// Account.Create, Account.Update and Account.Delete come of their calls, for the
// accounts of the owner that the filter names only.
func TestTheEventsOfAnAccount(t *testing.T) {
	s := start(t)
	id, got := made(t, s, "/entities/Accounts", account)
	want(t, "create", "Account.Create", got)
	want(t, "update", "Account.Update", s.Play("PATCH", "/entities/Accounts/"+id, `{"name":"Holm"}`))
	want(t, "nothing changed", "", s.Play("PATCH", "/entities/Accounts/"+id, `{"name":"Holm"}`))
	want(t, "delete", "Account.Delete", s.Play("DELETE", "/entities/Accounts/"+id, ""))
	_, got = made(t, s, "/entities/Accounts", `{"name":"Another's","owner_id":"11111111-bcd6-412a-bcd1-1904556c949a"}`)
	want(t, "another owner's", "", got)
}

// Account.LinkedDocument has the document as its related entity.
func TestALinkedDocumentIsTheRelatedEntity(t *testing.T) {
	s := start(t)
	id, _ := made(t, s, "/entities/Accounts", account)
	document, got := made(t, s, "/entities/CloudObjects", `{"filename":"offer.pdf"}`)
	want(t, "a document", "", got)
	got = s.Play("POST", "/entities/Accounts/"+id+"/documents", `{"id":"`+document+`"}`)
	want(t, "linked", "Account.LinkedDocument", got)
	exampletest.Same(t, exampletest.Sample(t, "account.linkeddocument.json"), got[0].Body, "entities.id", "entities.documents",
		"entities.created", "entities.modified", "related_entity.id", "related_entity.created", "related_entity.modified")
	if !strings.Contains(got[0].Body, `"related_entity":{"id":"`+document) || !strings.Contains(got[0].Body, `"id":"`+id) {
		t.Errorf("body %s", got[0].Body)
	}
}

const contact = `{"first_name":"Ida","last_name":"Holm","email1":"ida@holm.example","email2":"office@holm.example"`

// expand and load-only say what is sent of a contact.
func TestExpandAndLoadOnly(t *testing.T) {
	s := start(t)
	id, _ := made(t, s, "/entities/Accounts", account)
	_, got := made(t, s, "/entities/Contacts", contact+`,"primary_account_id":"`+id+`"}`)
	want(t, "create", "Contact.Create", got)
	exampletest.Same(t, `{"event":"Contact.Create","entities":[{"id":"0-0-0-0-0","first_name":"Ida","email1":"ida@holm.example",
		"primary_account":{"id":"`+id+`","name":"Holm & Sons","owner_id":"`+owner+`","documents":[],"created":"0-0-0T0:0:0.0Z","modified":"0-0-0T0:0:0.0Z"}}]}`,
		got[0].Body, "entities.id", "entities.primary_account.created", "entities.primary_account.modified")
}

// filter: all fields that it names must have one of the values (filter-op eq).
func TestFilter(t *testing.T) {
	s := start(t)
	for email1, sent := range map[string]string{"ida@holm.example": "Contact.Create", "jon@holm.example": "Contact.Create", "ann@holm.example": ""} {
		_, got := made(t, s, "/entities/Contacts", strings.Replace(contact, "ida@holm.example", email1, 1)+"}")
		want(t, email1, sent, got)
	}
	_, got := made(t, s, "/entities/Contacts", strings.Replace(contact, "office@", "home@", 1)+"}")
	want(t, "another email2", "", got)
}

// on-field-change: an update is sent only if one of the fields changed.
func TestOnFieldChange(t *testing.T) {
	s := start(t)
	id, _ := made(t, s, "/entities/Contacts", contact+"}")
	want(t, "first_name", "", s.Play("PATCH", "/entities/Contacts/"+id, `{"first_name":"Jon"}`))
	want(t, "email1", "Contact.Update", s.Play("PATCH", "/entities/Contacts/"+id, `{"email1":"jon@holm.example"}`))
}

// The signature is the HMAC-SHA256 of the body, its key the UUID's characters.
func TestTheSignature(t *testing.T) {
	s := start(t)
	_, got := made(t, s, "/entities/Accounts", account)
	mac := hmac.New(sha256.New, []byte(signature))
	mac.Write([]byte(got[0].Body))
	if given, want := got[0].Header.Get("WebHook-Signature"), hex.EncodeToString(mac.Sum(nil)); given != want {
		t.Errorf("WebHook-Signature %q, want %q", given, want)
	}
}

// Each of the keys suppresses the webhooks of a call that has it; another does
// not.
func TestSkipKeys(t *testing.T) {
	s := start(t)
	id, _ := made(t, s, "/entities/Accounts", account)
	path := "/entities/Accounts/" + id
	want(t, "gmail_sync", "", s.Play("PATCH", path, `{"name":"A"}`, "Webhook-Skip-Key", "gmail_sync"))
	want(t, "custom_integration", "", s.Play("PATCH", path, `{"name":"B"}`, "Webhook-Skip-Key", "custom_integration"))
	want(t, "another", "Account.Update", s.Play("PATCH", path, `{"name":"C"}`, "Webhook-Skip-Key", "another"))
}

// Two systems that update each other go on forever, unless one of them says by
// its key that it was told.
func TestASkipKeyEndsALoop(t *testing.T) {
	const enough = 15
	for name, c := range map[string]struct {
		header []string
		rounds int
	}{"with the key": {[]string{"Webhook-Skip-Key", "custom_integration"}, 1}, "without": {nil, enough}} {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			id, _ := made(t, s, "/entities/Accounts", account)
			var rounds atomic.Int64
			s.React("crm", func(exampletest.Webhook) {
				if n := int(rounds.Add(1)); n < enough {
					s.Call("PATCH", "/entities/Accounts/"+id, `{"name":"`+strings.Repeat("x", n)+`"}`, c.header...)
				}
			})
			s.Call("PATCH", "/entities/Accounts/"+id, `{"name":"Holm"}`)
			s.Told()
			if got := int(rounds.Load()); got != c.rounds {
				t.Errorf("%d rounds, want %d", got, c.rounds)
			}
		})
	}
}

// A bulk update of 250 comes in chunks of 100, each later than the one before by
// the delay.
func TestBulkUpdatesAreChunked(t *testing.T) {
	s := start(t)
	var changes []string
	for range 250 {
		id, _ := made(t, s, "/entities/Contacts", contact+"}")
		changes = append(changes, `{"id":"`+id+`","email1":"jon@holm.example"}`)
	}
	if status, answer := s.Call("PATCH", "/entities/Contacts", "["+strings.Join(changes, ",")+"]"); status != 200 {
		t.Fatalf("%d: %s", status, answer)
	}
	var page struct {
		Data []struct {
			State   string
			Due     time.Time
			Created time.Time
		}
	}
	s.Until("the first chunk is sent, and two wait", func() bool {
		_, answer := s.Manage("GET", "/deliveries?scope=Contact.Update", "")
		if err := json.Unmarshal([]byte(answer), &page); err != nil {
			t.Fatalf("%v: %s", err, answer)
		}
		return len(page.Data) == 3 && page.Data[2].State == "delivered"
	})
	for i, want := range []time.Duration{600 * time.Second, 300 * time.Second} {
		if got := page.Data[i].Due.Sub(page.Data[i].Created).Round(time.Second); page.Data[i].State != "pending" || got != want {
			t.Errorf("a chunk is %s, due after %v; want it pending, due after %v", page.Data[i].State, got, want)
		}
	}
}

func TestTheREADMEHasEveryRow(t *testing.T) {
	exampletest.Readme(t, "Account.Create", "Account.Update", "Account.Delete", "Account.LinkedDocument", "expand", "load-only", "filter", "filter-op",
		"on-field-change", "related_entity", "skip_keys", "chunk_size", "chunk_delay", "signature")
}

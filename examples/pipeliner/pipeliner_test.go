package pipeliner_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
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
	another   = "11111111-bcd6-412a-bcd1-1904556c949a"
)

func TestMain(m *testing.M) { exampletest.Main(m) }

// stage is an example on its feet, called by the API user crm.
type stage struct {
	*exampletest.Stage
	t *testing.T
}

func start(t *testing.T) *stage {
	t.Helper()
	return &stage{exampletest.Start(t, pipeliner.New(nil), "SIDEHOOK_KEY=a key of at least twenty-four bytes"), t}
}

// as is the header of a call of an API user.
func as(user string) []string {
	r, _ := http.NewRequest("GET", "/", nil)
	r.SetBasicAuth(user, user+"-password")
	return []string{"Authorization", r.Header.Get("Authorization")}
}

// call makes a call as crm.
func (s *stage) call(method, path, body string, header ...string) (int, string) {
	s.t.Helper()
	return s.Call(method, path, body, append(header, as("crm")...)...)
}

// register registers a webhook for all events of accounts and contacts, with
// options, and returns what was answered.
func (s *stage) register(options string) registered {
	s.t.Helper()
	return s.webhook(`"events": ["Account.*", "Contact.*"], "options": ` + options)
}

// webhook registers a webhook.
func (s *stage) webhook(members string) registered {
	s.t.Helper()
	status, raw := s.call("POST", "/webhooks", `{"url": "`+s.Receiver("crm")+`", `+members+`}`)
	var answer registered
	if err := json.Unmarshal([]byte(raw), &answer); err != nil || status != 201 || !answer.Success {
		s.t.Fatalf("register %s: %d, %v: %s", members, status, err, raw)
	}
	answer.raw = raw
	return answer
}

// registered is what is answered when a webhook was registered.
type registered struct {
	Success bool
	Data    struct{ ID, Signature string }
	raw     string
}

// play makes a call as crm, and returns what came of it.
func (s *stage) play(method, path, body string, header ...string) []exampletest.Webhook {
	s.t.Helper()
	return s.Play(method, path, body, append(header, as("crm")...)...)
}

// made makes an entity, and returns its id and what came of it.
func (s *stage) made(path, body string) (id string, got []exampletest.Webhook) {
	s.t.Helper()
	status, answer := s.call("POST", path, body)
	var b struct{ Data struct{ ID string } }
	if err := json.Unmarshal([]byte(answer), &b); err != nil || status != 201 {
		s.t.Fatalf("POST %s: %d, %v: %s", path, status, err, answer)
	}
	return b.Data.ID, s.Told()
}

// want compares the events that came.
func (s *stage) want(what, want string, got []exampletest.Webhook) {
	s.t.Helper()
	names := strings.Join(exampletest.Names(got, func(w exampletest.Webhook) string { return w.Field("event") }), " ")
	if diff := cmp.Diff(want, names); diff != "" {
		s.t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

const (
	account = `{"name":"Holm & Sons","owner_id":"` + owner + `"}`
	contact = `{"first_name":"Ida","last_name":"Holm","email1":"ida@holm.example","email2":"office@holm.example"`
)

// Account.Create, Account.Update and Account.Delete come of their calls, and so
// do those of a contact; a call that changes nothing is told of to nobody.
func TestTheEventsOfAnAccount(t *testing.T) {
	s := start(t)
	s.register(`{}`)
	for _, c := range []struct{ name, path, body, change string }{
		{"Account", "/entities/Accounts", account, `{"name":"Holm"}`},
		{"Contact", "/entities/Contacts", contact + "}", `{"first_name":"Jon"}`},
	} {
		id, got := s.made(c.path, c.body)
		s.want("create", c.name+".Create", got)
		s.want("update", c.name+".Update", s.play("PATCH", c.path+"/"+id, c.change))
		s.want("nothing changed", "", s.play("PATCH", c.path+"/"+id, c.change))
		s.want("delete", c.name+".Delete", s.play("DELETE", c.path+"/"+id, ""))
	}
}

// "Trigger webhook when Account is created": that event, and no other.
func TestAWebhookGetsTheEventsThatItNames(t *testing.T) {
	s := start(t)
	s.webhook(`"events": ["Account.Create"]`)
	id, got := s.made("/entities/Accounts", account)
	s.want("create", "Account.Create", got)
	s.want("update", "", s.play("PATCH", "/entities/Accounts/"+id, `{"name":"Holm"}`))
	_, got = s.made("/entities/Contacts", contact+"}")
	s.want("a contact", "", got)
}

// The webhook that was registered is answered: all that was sent, the id that it
// was given, and when it was made and changed.
func TestTheConfirmationShowsTheWebhook(t *testing.T) {
	s := start(t)
	options := exampletest.Sample(t, "options.json")
	got := s.webhook(`"events": ["Account.Create", "Contact.Update"], "signature": "` + signature + `", "insecure_ssl": false, "options": ` + options)
	exampletest.Same(t, `{"success":true,"data":{"id":"sub_x","url":"`+s.Receiver("crm")+`","events":["Account.Create","Contact.Update"],"options":`+options+`,
		"signature":"`+signature+`","insecure_ssl":false,"created":"2019-01-01T00:00:00","modified":"2019-01-01T00:00:00"}}`,
		got.raw, "data.id", "data.created", "data.modified")
	exampletest.Same(t, `{"success":true,"data":{"id":"sub_x","url":"`+s.Receiver("crm")+`","events":["Account.*"],"options":null,
		"signature":null,"insecure_ssl":false,"created":"2019-01-01T00:00:00","modified":"2019-01-01T00:00:00"}}`,
		s.webhook(`"events": ["Account.*"], "entity": {"Account": {"filter": {"name": "x"}}}`).raw, "data.id", "data.created", "data.modified")
}

// What is wrong with a webhook is told in the envelope of all answers.
func TestUnexpectedErrors(t *testing.T) {
	s := start(t)
	const url = `"url": "https://crm.example.com/hook", `
	for _, c := range []struct {
		who, body, message string
		code               int
	}{
		{"crm", `{"events": ["Account.*"]}`, "url is missing: write where its webhooks go, like https://crm.example.com/hooks", 422},
		{"crm", `{` + url + `"options": {}}`, `events is missing: write which events it gets, like ["project.**"]`, 422},
		{"crm", `{` + url + `"events": ["Acount.Create"]}`, "no rule earns Acount.Create: did you mean Account.Create?", 422},
		{"crm", `{` + url + `"events": ["Account.*"], "signature": "secret"}`, "signature has to be a UUID", 422},
		{"crm", `{` + url + `"events": ["Account.*"], "options": {"chunk_size": 101}}`, "chunk_size is at most 100, chunk_delay whole seconds of a day", 422},
		{"crm", `{` + url + `"events": ["Account.*"], "options": {"chunk_size": 0}}`, "chunk_size is at most 100, chunk_delay whole seconds of a day", 422},
		{"crm", `{` + url + `"events": ["Account.*"], "options": {"chunk_delay": "5m"}}`, "chunk_size is at most 100, chunk_delay whole seconds of a day", 422},
		{"crm", `{` + url + `"events": ["Account.*"], "options": {"entity": {"Account": {"filter": {"name": "x"}, "filter-op": {"name": "like"}}}}}`,
			"filter-op is eq, ne, lt, lte, gt, gte, contains, starts or ends", 422},
		{"crm", `{` + url + `"events": ["Account.*"], "options": {"chunk_delay": -1}}`, "chunk_size is at most 100, chunk_delay whole seconds of a day", 422},
		{"crm", `{` + url + `"events": ["Account.*"], "options": {"skip_keys": "gmail_sync"}}`, "options.skip_keys: this is a string: write a list", 422},
		{"crm", `{` + url + `"events": ["Account.*"], "options": {"entity": {"Account": {"expand": "documents"}, "Contact": {"on-field-change": "email1"}}}}`,
			"options.entity.Account.expand: this is a string: write a list", 422},
		{"crm", `{` + url + `"events": ["Account.*"], "options": {"entity": {"Contact": {"load-only": 5}}}}`, "options.entity.Contact.load-only: this is a number: write a list", 422},
		{"crm", `{}`, "events is missing: write which events it gets, like [\"project.**\"]; url is missing: write where its webhooks go, like https://crm.example.com/hooks", 422},
		{"crm", `{` + url + `"events": `, "the body cannot be read: JSON at byte 50: the value breaks off", 400},
	} {
		status, raw := s.Call("POST", "/webhooks", c.body, as(c.who)...)
		var got struct {
			Success *bool
			Code    int
			Message string
		}
		if err := json.Unmarshal([]byte(raw), &got); err != nil || got.Success == nil || *got.Success || got.Code != c.code || status != c.code || got.Message != c.message {
			t.Errorf("%s: %d, %v: %s", c.body, status, err, raw)
		}
	}
	if status, _ := s.Call("POST", "/webhooks", `{}`, as("nobody")...); status != 401 {
		t.Errorf("nobody registers: %d", status)
	}
}

// The validation level is a bit mask. It lets nothing through that is wrong with a
// webhook: there is no readonly field in it, and no relationship.
func TestValidationLevel(t *testing.T) {
	s := start(t)
	good, bad := `{"url": "https://crm.example.com/hook", "events": ["Account.*"]}`, `{"url": "ftp://crm", "events": ["Account.*"]}`
	for _, c := range []struct {
		level, body string
		want        int
	}{
		{"0", good, 201}, {"2", good, 201}, {"4", good, 201}, {"8", good, 201}, {"16", good, 201}, {"30", good, 201},
		{"1", good, 422}, {"32", good, 422}, {"none", good, 422},
		{"0", bad, 422}, {"2", bad, 422}, {"4", bad, 422}, {"8", bad, 422}, {"16", bad, 422}, {"30", bad, 422},
	} {
		if status, raw := s.call("POST", "/webhooks?validation-level="+c.level, c.body); status != c.want {
			t.Errorf("level %s of %s: %d: %s", c.level, c.body, status, raw)
		}
	}
}

// insecure_ssl: the certificate of the receiver is not validated; else it is.
func TestInsecureSSL(t *testing.T) {
	s := start(t)
	came := make(chan string, 10)
	r := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { came <- r.URL.Path }))
	r.Config.ErrorLog = log.New(io.Discard, "", 0) // it says who does not trust it
	r.StartTLS()
	defer r.Close()
	ids := map[bool]string{}
	for _, insecure := range []bool{true, false} {
		status, raw := s.call("POST", "/webhooks", fmt.Sprintf(`{"url": "%s/%t", "events": ["Account.Create"], "insecure_ssl": %t}`, r.URL, insecure, insecure))
		var made registered
		if err := json.Unmarshal([]byte(raw), &made); err != nil || status != 201 {
			t.Fatalf("%d, %v: %s", status, err, raw)
		}
		ids[insecure] = made.Data.ID
	}
	if status, raw := s.call("POST", "/entities/Accounts", account); status != 201 {
		t.Fatalf("%d: %s", status, raw)
	}
	s.Until("one came", func() bool { return len(came) > 0 })
	if path := <-came; path != "/true" {
		t.Errorf("it came to %s", path)
	}
	s.Until("the other has failed", func() bool {
		_, raw := s.Manage("GET", "/subscriptions/"+ids[false], "")
		return strings.Contains(raw, `"failures_in_a_row":1`)
	})
}

// Account.LinkedDocument has the document as its related entity.
func TestALinkedDocumentIsTheRelatedEntity(t *testing.T) {
	s := start(t)
	s.register(`{}`)
	id, _ := s.made("/entities/Accounts", account)
	document, got := s.made("/entities/CloudObjects", `{"filename":"offer.pdf"}`)
	s.want("a document", "", got)
	got = s.play("POST", "/entities/Accounts/"+id+"/documents", `{"id":"`+document+`"}`)
	s.want("linked", "Account.LinkedDocument", got)
	exampletest.Same(t, exampletest.Sample(t, "account.linkeddocument.json"), got[0].Body, "entities.id", "entities.documents",
		"entities.created", "entities.modified", "related_entity.id", "related_entity.created", "related_entity.modified")
	if !strings.Contains(got[0].Body, `"related_entity":{"id":"`+document) || !strings.Contains(got[0].Body, `"id":"`+id) {
		t.Errorf("body %s", got[0].Body)
	}
}

// related_entity: expand and load-only say how the related entity is sent.
func TestOptionsOfTheRelatedEntity(t *testing.T) {
	s := start(t)
	s.register(`{"related_entity": {"expand": ["contact"], "load-only": ["id", "contact.first_name"]}}`)
	id, _ := s.made("/entities/Accounts", account)
	ida, _ := s.made("/entities/Contacts", contact+"}")
	document, _ := s.made("/entities/CloudObjects", `{"filename":"offer.pdf","contact_id":"`+ida+`"}`)
	got := s.play("POST", "/entities/Accounts/"+id+"/documents", `{"id":"`+document+`"}`)
	s.want("linked", "Account.LinkedDocument", got)
	exampletest.Same(t, `{"event":"Account.LinkedDocument","entities":[{"id":"`+id+`","name":"Holm & Sons","owner_id":"`+owner+`","documents":["`+document+`"],
		"created":"0-0-0T0:0:0.0Z","modified":"0-0-0T0:0:0.0Z"}],"related_entity":{"id":"`+document+`","contact":{"first_name":"Ida"}}}`,
		got[0].Body, "entities.created", "entities.modified")
}

// The options of the document's example, all at once: what is expanded and loaded
// of a contact, and which are sent.
func TestExpandAndLoadOnly(t *testing.T) {
	s := start(t)
	s.register(exampletest.Sample(t, "options.json"))
	at, _ := s.made("/entities/Accounts", account)
	boss, _ := s.made("/entities/Contacts", contact+`}`)
	offer, _ := s.made("/entities/Tasks", `{"subject":"Send the offer"}`)
	_, got := s.made("/entities/Contacts", contact+`,"primary_account_id":"`+at+`","primary_contact_id":"`+boss+`","task_relations":[{"id":"r1","task_id":"`+offer+`"}]}`)
	s.want("create", "Contact.Create", got)
	exampletest.Same(t, `{"event":"Contact.Create","entities":[{"id":"0-0-0-0-0",
		"primary_account":{"id":"`+at+`","name":"Holm & Sons","owner_id":"`+owner+`","documents":[],"created":"0-0-0T0:0:0.0Z","modified":"0-0-0T0:0:0.0Z"},
		"primary_contact":{"first_name":"Ida"},
		"task_relations":[{"task":{"id":"`+offer+`","subject":"Send the offer","created":"0-0-0T0:0:0.0Z","modified":"0-0-0T0:0:0.0Z"}}]}]}`,
		got[0].Body, "entities.id", "entities.primary_account.created", "entities.primary_account.modified",
		"entities.task_relations.task.created", "entities.task_relations.task.modified")
	document, _ := s.made("/entities/CloudObjects", `{"filename":"offer.pdf","contact_id":"`+boss+`"}`)
	got = s.play("POST", "/entities/Accounts/"+at+"/documents", `{"id":"`+document+`"}`)
	s.want("linked", "Account.LinkedDocument", got)
	var body struct {
		Related struct {
			ID, Filename string
			Contact      struct{ ID string }
		} `json:"related_entity"`
	}
	if err := json.Unmarshal([]byte(got[0].Body), &body); err != nil || body.Related.ID != document || body.Related.Filename != "" || body.Related.Contact.ID != boss {
		t.Errorf("%v: %s", err, got[0].Body)
	}
}

// load-only holds for all events of an entity: also for what is deleted, which no
// GET shows any more.
func TestLoadOnlyHoldsForADeletedEntity(t *testing.T) {
	s := start(t)
	s.register(`{"entity": {"Account": {"load-only": ["id", "name"]}}}`)
	id, got := s.made("/entities/Accounts", account)
	got = append(got, s.play("PATCH", "/entities/Accounts/"+id, `{"owner_id":"`+another+`"}`)...)
	got = append(got, s.play("DELETE", "/entities/Accounts/"+id, "")...)
	s.want("create, update, delete", "Account.Create Account.Update Account.Delete", got)
	for _, w := range got {
		exampletest.Same(t, `{"event":"`+w.Field("event")+`","entities":[{"id":"`+id+`","name":"Holm & Sons"}]}`, w.Body)
	}
}

// filter: all fields that it names must have one of the values (filter-op eq). It
// is one resource's, and others are not concerned.
func TestFilter(t *testing.T) {
	s := start(t)
	s.register(exampletest.Sample(t, "options.json"))
	for email1, sent := range map[string]string{"ida@holm.example": "Contact.Create", "jon@holm.example": "Contact.Create", "ann@holm.example": ""} {
		_, got := s.made("/entities/Contacts", strings.Replace(contact, "ida@holm.example", email1, 1)+"}")
		s.want(email1, sent, got)
	}
	_, got := s.made("/entities/Contacts", strings.Replace(contact, "office@", "home@", 1)+"}")
	s.want("another email2", "", got)
	_, got = s.made("/entities/Accounts", account)
	s.want("the owner's", "Account.Create", got)
	_, got = s.made("/entities/Accounts", strings.Replace(account, owner, another, 1))
	s.want("another owner's", "", got)
}

// filter-op names other operators than eq, for each field one.
func TestFilterOp(t *testing.T) {
	s := start(t)
	s.register(`{"entity": {"Account": {"filter": {"name": "Holm", "owner_id": "` + another + `"}, "filter-op": {"name": "contains", "owner_id": "ne"}}}}`)
	for name, c := range map[string]struct{ body, want string }{
		"both":           {account, "Account.Create"},
		"another name":   {strings.Replace(account, "Holm", "Berg", 1), ""},
		"the wrong one":  {strings.Replace(account, owner, another, 1), ""},
		"nobody's":       {`{"name":"Holm"}`, "Account.Create"},
		"nobody's, Berg": {`{"name":"Berg"}`, ""},
	} {
		_, got := s.made("/entities/Accounts", c.body)
		s.want(name, c.want, got)
	}
}

// "Trigger webhook on field change": with on-field-change an update is sent only
// if one of the fields changed.
func TestOnFieldChange(t *testing.T) {
	s := start(t)
	s.register(`{"entity": {"Contact": {"on-field-change": ["email1"]}}}`)
	id, got := s.made("/entities/Contacts", contact+"}")
	s.want("create", "Contact.Create", got)
	s.want("first_name", "", s.play("PATCH", "/entities/Contacts/"+id, `{"first_name":"Jon"}`))
	s.want("email1", "Contact.Update", s.play("PATCH", "/entities/Contacts/"+id, `{"email1":"jon@holm.example"}`))
	at, _ := s.made("/entities/Accounts", account)
	s.want("of an account", "Account.Update", s.play("PATCH", "/entities/Accounts/"+at, `{"name":"Holm"}`))
}

// The signature is the HMAC-SHA256 of the body, its key the UUID's characters;
// without one there is none.
func TestTheSignature(t *testing.T) {
	s := start(t)
	s.webhook(`"events": ["Account.Create"], "signature": "` + signature + `"`)
	s.webhook(`"events": ["Account.Update"]`)
	id, got := s.made("/entities/Accounts", account)
	mac := hmac.New(sha256.New, []byte(signature))
	mac.Write([]byte(got[0].Body))
	given, err := hex.DecodeString(got[0].Header.Get("WebHook-Signature"))
	if err != nil || !hmac.Equal(given, mac.Sum(nil)) {
		t.Errorf("WebHook-Signature %q does not verify: %v", got[0].Header.Get("WebHook-Signature"), err)
	}
	got = s.play("PATCH", "/entities/Accounts/"+id, `{"name":"Holm"}`)
	if _, signed := got[0].Header["Webhook-Signature"]; signed {
		t.Errorf("it is signed, and no signature is set: %v", got[0].Header)
	}
}

// Each of the keys suppresses the webhooks of a call that has it; another does
// not.
func TestSkipKeys(t *testing.T) {
	s := start(t)
	s.register(`{"skip_keys": ["gmail_sync", "custom_integration"]}`)
	id, _ := s.made("/entities/Accounts", account)
	path := "/entities/Accounts/" + id
	s.want("gmail_sync", "", s.play("PATCH", path, `{"name":"A"}`, "Webhook-Skip-Key", "gmail_sync"))
	s.want("custom_integration", "", s.play("PATCH", path, `{"name":"B"}`, "Webhook-Skip-Key", "custom_integration"))
	s.want("another", "Account.Update", s.play("PATCH", path, `{"name":"C"}`, "Webhook-Skip-Key", "another"))
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
			s.register(`{"skip_keys": ["custom_integration"]}`)
			id, _ := s.made("/entities/Accounts", account)
			var rounds atomic.Int64
			s.React("crm", func(exampletest.Webhook) {
				if n := int(rounds.Add(1)); n < enough {
					s.call("PATCH", "/entities/Accounts/"+id, `{"name":"`+strings.Repeat("x", n)+`"}`, c.header...)
				}
			})
			s.call("PATCH", "/entities/Accounts/"+id, `{"name":"Holm"}`)
			s.Told()
			if got := int(rounds.Load()); got != c.rounds {
				t.Errorf("%d rounds, want %d", got, c.rounds)
			}
		})
	}
}

// A bulk update of 250 comes in chunks of 100 at most, the default, each later
// than the one before by chunk_delay, by default not at all.
func TestBulkUpdatesAreChunked(t *testing.T) {
	for options, c := range map[string]struct {
		events []int // of each chunk
		delay  time.Duration
		now    int // chunks that are sent at once
	}{
		`{"chunk_size": 100, "chunk_delay": 300}`: {[]int{100, 100, 50}, 300 * time.Second, 1},
		`{"chunk_size": 90}`:                      {[]int{90, 90, 70}, 0, 3},
		`{}`:                                      {[]int{100, 100, 50}, 0, 3},
	} {
		t.Run(options, func(t *testing.T) {
			s := start(t)
			var changes []string
			for range 250 {
				id, _ := s.made("/entities/Contacts", contact+"}")
				changes = append(changes, `{"id":"`+id+`","email1":"jon@holm.example"}`)
			}
			s.webhook(`"events": ["Contact.Update"], "options": ` + options)
			if status, answer := s.call("PATCH", "/entities/Contacts", "["+strings.Join(changes, ",")+"]"); status != 200 {
				t.Fatalf("%d: %s", status, answer)
			}
			var page struct {
				Data []struct {
					State        string
					Due, Created time.Time
					Chunk        struct {
						Number int
						Events []string
					}
				}
			}
			var sent []int
			s.Until("what is due is sent", func() bool {
				_, answer := s.Manage("GET", "/deliveries?scope=Contact.Update", "")
				if err := json.Unmarshal([]byte(answer), &page); err != nil {
					t.Fatalf("%v: %s", err, answer)
				}
				sent = nil
				for _, d := range page.Data {
					if n := len(d.Chunk.Events); d.State == "delivered" && n == c.events[d.Chunk.Number] {
						sent = append(sent, n)
					}
				}
				return len(page.Data) == 3 && len(sent) == c.now
			})
			for _, d := range page.Data {
				want := time.Duration(d.Chunk.Number) * c.delay
				if got := d.Due.Sub(d.Created).Round(time.Second); want > 0 && (d.State != "pending" || got != want) {
					t.Errorf("chunk %d is %s, due after %v; want it pending, due after %v", d.Chunk.Number, d.State, got, want)
				}
			}
			var came []int
			for _, w := range s.Arrived() {
				var body struct{ Entities []any }
				if err := json.Unmarshal([]byte(w.Body), &body); err != nil {
					t.Errorf("%v: %s", err, w.Body)
				}
				came = append(came, len(body.Entities))
			}
			slices.Sort(sent)
			slices.Sort(came)
			if diff := cmp.Diff(sent, came); diff != "" {
				t.Errorf("entities in a webhook (-chunks +came):\n%s", diff)
			}
		})
	}
}

func TestTheREADMEHasEveryRow(t *testing.T) {
	exampletest.Readme(t, "Account.Create", "Account.Update", "Account.Delete", "Account.LinkedDocument", "expand", "load-only", "filter", "filter-op",
		"on-field-change", "related_entity", "skip_keys", "chunk_size", "chunk_delay", "signature", "url", "events", "validation level", "created", "modified",
		"insecure_ssl", "options", "confirmation", "unexpected error", "Required Fields")
}

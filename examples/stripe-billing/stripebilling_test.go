package stripebilling_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sidehook/sidehook/examples/internal/exampletest"
	stripebilling "github.com/sidehook/sidehook/examples/stripe-billing"
)

// now is the API's time: that of the documentation's customer.
var now = time.Unix(1680893993, 0)

func TestMain(m *testing.M) { exampletest.Main(m) }

// endpoint is a webhook endpoint as Stripe's API shows it.
type endpoint struct {
	ID, Secret, Status, URL string
}

// stage is the example on its feet, with an endpoint of the account acme that
// gets all events.
type stage struct {
	*exampletest.Stage
	t  *testing.T
	to endpoint
}

func start(t *testing.T) *stage {
	t.Helper()
	s := &stage{Stage: exampletest.Start(t, stripebilling.New(func() time.Time { return now }), "SIDEHOOK_KEY="+strings.Repeat("k", 32)), t: t}
	s.to = s.endpoint("acme", "acme", "*")
	return s
}

// ask makes a call as an account, with a form, and reads what it is answered.
func (s *stage) ask(account, call, form string, into any) (status int, answer string) {
	s.t.Helper()
	method, path, _ := strings.Cut(call, " ")
	status, answer = s.Call(method, path, form, "Authorization", "Bearer sk_test_"+account, "Content-Type", "application/x-www-form-urlencoded")
	if into != nil {
		if err := json.Unmarshal([]byte(answer), into); err != nil {
			s.t.Fatalf("%s: %v: %s", call, err, answer)
		}
	}
	return status, answer
}

// endpoint makes an endpoint of an account, at the receiver of that name.
func (s *stage) endpoint(account, receiver string, events ...string) (made endpoint) {
	s.t.Helper()
	if status, answer := s.ask(account, "POST /v1/webhook_endpoints", url.Values{"url": {s.Receiver(receiver)}, "enabled_events[]": events}.Encode(), &made); status != 200 {
		s.t.Fatalf("%d: %s", status, answer)
	}
	return made
}

// play makes a call as acme, waits for as many events as are wanted, and returns
// all of them, as "type" or "type previous_attributes", sorted: those of two
// entities come in no order.
func (s *stage) play(call, form string, want int, header ...string) (events []string, all []exampletest.Webhook) {
	s.t.Helper()
	method, path, _ := strings.Cut(call, " ")
	s.Call(method, path, form, append([]string{"Authorization", "Bearer sk_test_acme", "Content-Type", "application/x-www-form-urlencoded"}, header...)...)
	s.Until("the events of "+call, func() bool {
		all = append(all, s.Told()...)
		return len(all) >= want
	})
	for _, w := range all {
		var e struct {
			Type string
			Data struct {
				Previous json.RawMessage `json:"previous_attributes"`
			}
		}
		if err := json.Unmarshal([]byte(w.Body), &e); err != nil {
			s.t.Fatalf("%v: %s", err, w.Body)
		}
		events = append(events, strings.TrimSpace(e.Type+" "+string(e.Data.Previous)))
	}
	return slices.Sorted(slices.Values(events)), all
}

const (
	customer = "/v1/customers/cus_00000000000001"
	invoice  = "/v1/invoices/in_00000000000004"
	item     = "/v1/invoiceitems/ii_00000000000005"
	draft    = "/v1/invoices/in_00000000000006"
)

// Each event comes of the call that causes it, and of no other.
func TestEachEventComesOfItsCall(t *testing.T) {
	s := start(t)
	amounts := `{"amount_due":%d,"amount_remaining":%[1]d,"subtotal":%[1]d,"total":%[1]d}`
	for _, step := range []struct {
		call, form string
		want       []string
	}{
		{"POST /v1/customers", "email=jennyrosen@example.com", []string{"customer.created"}},
		{"POST " + customer, "name=Jenny+Rosen&metadata[tier]=gold", []string{`customer.updated {"metadata":{"tier":null},"name":null}`}},
		{"POST " + customer, "name=Jenny+Rosen", nil},
		{"POST " + customer, "metadata[tier]=premium", []string{`customer.updated {"metadata":{"tier":"gold"}}`}},
		{"POST " + customer, "coupon=summer", []string{"customer.discount.created"}},
		{"POST " + customer, "coupon=winter", []string{`customer.discount.updated {"coupon":{"id":"summer"},"id":"di_00000000000002"}`}},
		{"DELETE " + customer + "/discount", "", []string{"customer.discount.deleted"}},
		{"DELETE " + customer + "/discount", "", nil},
		{"POST /v1/invoices", "customer=cus_00000000000001", []string{"invoice.created"}},
		{"POST /v1/invoiceitems", "customer=cus_00000000000001&invoice=in_00000000000004&amount=2000",
			[]string{"invoiceitem.created", "invoice.updated " + fmt.Sprintf(amounts, 0)}},
		{"DELETE " + item, "", []string{"invoiceitem.deleted", "invoice.updated " + fmt.Sprintf(amounts, 2000)}},
		{"POST " + invoice, "description=Roof", []string{`invoice.updated {"description":null}`}},
		{"POST " + invoice + "/finalize", "", []string{`invoice.updated {"number":null,"status":"draft","status_transitions":{"finalized_at":null}}`, "invoice.finalized"}},
		{"DELETE " + invoice, "", nil},
		{"POST " + invoice + "/send", "", []string{"invoice.sent"}},
		{"POST " + invoice + "/pay", "source=tok_chargeDeclined", []string{`invoice.updated {"attempt_count":0,"attempted":false}`, "invoice.payment_failed"}},
		{"POST " + invoice + "/mark_uncollectible", "",
			[]string{`invoice.updated {"status":"open","status_transitions":{"marked_uncollectible_at":null}}`, "invoice.marked_uncollectible"}},
		{"POST " + invoice + "/pay", "",
			[]string{`invoice.updated {"attempt_count":1,"paid":false,"status":"uncollectible","status_transitions":{"paid_at":null}}`, "invoice.paid", "invoice.payment_succeeded"}},
		{"POST " + invoice + "/void", "", nil},
		{"POST /v1/invoices", "customer=cus_00000000000001", []string{"invoice.created"}},
		{"DELETE " + draft, "", []string{"invoice.deleted"}},
		{"POST /v1/invoices", "customer=cus_00000000000001", []string{"invoice.created"}},
		{"POST /v1/invoices/in_00000000000007/finalize", "",
			[]string{`invoice.updated {"number":null,"status":"draft","status_transitions":{"finalized_at":null}}`, "invoice.finalized"}},
		{"POST /v1/invoices/in_00000000000007/void", "", []string{`invoice.updated {"status":"open","status_transitions":{"voided_at":null}}`, "invoice.voided"}},
		{"DELETE " + customer, "", []string{"customer.deleted"}},
		{"DELETE " + customer, "", nil},
	} {
		got, _ := s.play(step.call, step.form, len(step.want))
		if diff := cmp.Diff(slices.Sorted(slices.Values(step.want)), got); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", step.call, step.form, diff)
		}
	}
}

// The body is the event object: the whole object under data.object, and only of an
// update what its attributes were before.
func TestTheBodiesAreStripes(t *testing.T) {
	s := start(t)
	free := []string{"id", "created", "data.object.id", "request.id"}
	_, got := s.play("POST /v1/customers", "email=jennyrosen@example.com&name=Jenny+Rosen", 1)
	exampletest.Same(t, exampletest.Sample(t, "customer.created.json"), got[0].Body, free...)
	_, got = s.play("POST "+customer, "metadata[tier]=premium&phone=%2B4520304050", 1, "Idempotency-Key", "af06a7d9-5408-4f65-8379-59a93874d04c")
	exampletest.Same(t, exampletest.Sample(t, "customer.updated.json"), got[0].Body, free...)
	_, got = s.play("DELETE "+customer, "", 1)
	exampletest.Same(t, exampletest.Sample(t, "customer.deleted.json"), got[0].Body, free...)
}

// What is about a discount has the discount for an object, not its customer.
func TestADiscountIsItsOwnObject(t *testing.T) {
	s := start(t)
	s.play("POST /v1/customers", "email=jennyrosen@example.com", 1)
	for _, call := range []string{"POST " + customer, "DELETE " + customer + "/discount"} {
		_, got := s.play(call, map[bool]string{true: "coupon=summer"}[strings.HasPrefix(call, "POST")], 1)
		var e struct {
			Data struct {
				Object struct{ ID, Object, Customer string }
			}
		}
		if err := json.Unmarshal([]byte(got[0].Body), &e); err != nil || e.Data.Object.ID != "di_00000000000002" ||
			e.Data.Object.Object != "discount" || e.Data.Object.Customer != "cus_00000000000001" {
			t.Errorf("%s: %v %s", call, err, got[0].Body)
		}
	}
}

// request names the call that caused the event, by its Request-Id and its
// Idempotency-Key; of what Sidehook found out by itself there is none.
func TestTheRequestIsNamed(t *testing.T) {
	s := start(t)
	s.play("POST /v1/customers", "email=jennyrosen@example.com", 1)
	s.play("POST /v1/invoices", "customer=cus_00000000000001", 1)
	_, got := s.play("POST /v1/invoiceitems", "customer=cus_00000000000001&invoice=in_00000000000002&amount=5", 2, "Idempotency-Key", "k1")
	for _, w := range got {
		var e struct {
			Type    string
			Request struct {
				ID  *string
				Key *string `json:"idempotency_key"`
			}
		}
		if err := json.Unmarshal([]byte(w.Body), &e); err != nil {
			t.Fatal(err)
		}
		named := e.Request.ID != nil && strings.HasPrefix(*e.Request.ID, "req_") && e.Request.Key != nil && *e.Request.Key == "k1"
		automatic := e.Request.ID == nil && e.Request.Key == nil
		if e.Type == "invoiceitem.created" && !named || e.Type == "invoice.updated" && !automatic {
			t.Errorf("request of %s", w.Body)
		}
	}
}

// A call that is repeated with its Idempotency-Key is one event.
func TestARepeatIsNoSecondEvent(t *testing.T) {
	s := start(t)
	for i, want := range []int{1, 0} {
		if got, _ := s.play("POST /v1/customers", "email=jennyrosen@example.com", want, "Idempotency-Key", "k1"); len(got) != want {
			t.Errorf("try %d: %v", i+1, got)
		}
	}
}

// v1 is the HMAC-SHA256, in hexadecimal, of the time, a dot and the body, by the
// text of the secret; while a secret is rolled there is one for each.
func TestTheSignatureIsStripes(t *testing.T) {
	s := start(t)
	_, got := s.play("POST /v1/customers", "name=\u00dcn\u00efcode+%3C%26%3E", 1)
	checkSignature(t, got[0], s.to.Secret)
	var rolled struct{ Secret string }
	if status, answer := s.Manage("POST", "/subscriptions/"+s.to.ID+"/rotate", `{"grace":"24h"}`); status != 200 || json.Unmarshal([]byte(answer), &rolled) != nil {
		t.Fatalf("%d: %s", status, answer)
	}
	_, got = s.play("POST "+customer, "name=Jenny", 1)
	checkSignature(t, got[0], rolled.Secret, s.to.Secret)
}

func checkSignature(t *testing.T, w exampletest.Webhook, secrets ...string) {
	t.Helper()
	header := w.Header.Get("Stripe-Signature")
	stamp, _, _ := strings.Cut(strings.TrimPrefix(header, "t="), ",")
	want := "t=" + stamp
	for _, secret := range secrets {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(stamp + "." + w.Body))
		want += ",v1=" + hex.EncodeToString(mac.Sum(nil))
	}
	if header != want || !regexp.MustCompile(`^\d{10}$`).MatchString(stamp) || !strings.HasPrefix(secrets[0], "whsec_") {
		t.Errorf("Stripe-Signature: %s\nwant %s", header, want)
	}
}

// Endpoints are made, listed, changed, disabled and deleted by Stripe's calls;
// what a disabled one is owed waits. Its secret is shown once.
func TestEndpointsAreManagedByStripesCalls(t *testing.T) {
	s := start(t)
	form := url.Values{"url": {s.Receiver("other")}, "enabled_events[]": {"customer.created", "invoice.paid"}}.Encode()
	var made endpoint
	_, answer := s.ask("other", "POST /v1/webhook_endpoints", form, &made)
	answer = strings.Replace(strings.Replace(answer, made.Secret, "whsec_wRNftLajMZNeslQOP6vEPm4iVx5NlZ6z", 1), made.URL, "https://example.com/my/webhook/endpoint", 1)
	exampletest.Same(t, exampletest.Sample(t, "webhook_endpoint.json"), answer, "id", "created")

	at := "/v1/webhook_endpoints/" + made.ID
	var shown struct {
		endpoint
		Object string
		Data   []endpoint
	}
	for _, step := range []struct{ call, form, status string }{
		{"GET " + at, "", "enabled"},
		{"POST " + at, "enabled_events[]=customer.deleted", "enabled"},
		{"POST " + at, "disabled=true", "disabled"},
		{"POST " + at, "enabled_events[]=*", "disabled"},
		{"POST " + at, "disabled=false", "enabled"},
	} {
		shown.endpoint = endpoint{}
		if code, answer := s.ask("other", step.call, step.form, &shown); code != 200 || shown.Status != step.status || shown.ID != made.ID || shown.Secret != "" {
			t.Errorf("%s %s: %d %s", step.call, step.form, code, answer)
		}
	}
	if _, answer = s.ask("other", "GET /v1/webhook_endpoints", "", &shown); shown.Object != "list" || len(shown.Data) != 1 || shown.Data[0].ID != made.ID || shown.Data[0].Secret != "" {
		t.Errorf("listed as %s", answer)
	}
	_, answer = s.ask("other", "DELETE "+at, "", nil)
	exampletest.Same(t, exampletest.Sample(t, "webhook_endpoint.deleted.json"), answer, "id")
}

func TestAnEndpointGetsWhatItEnabled(t *testing.T) {
	s := start(t)
	s.endpoint("acme", "books", "customer.deleted", "invoice.paid")
	for _, step := range []struct{ call, form, want string }{
		{"POST /v1/customers", "email=a@b.example", "acme"}, {"POST " + customer, "name=A", "acme"}, {"DELETE " + customer, "", "acme books"},
	} {
		_, got := s.play(step.call, step.form, len(strings.Fields(step.want)))
		names := slices.Sorted(slices.Values(exampletest.Names(got, func(w exampletest.Webhook) string { return w.Subscription })))
		if strings.Join(names, " ") != step.want {
			t.Errorf("%s came to %v, want %s", step.call, names, step.want)
		}
	}
}

// A disabled endpoint gets nothing, and another account's never anything.
func TestADisabledEndpointGetsNothing(t *testing.T) {
	s := start(t)
	s.endpoint("rival", "rival", "*")
	s.ask("acme", "POST /v1/webhook_endpoints/"+s.to.ID, "disabled=true", nil)
	if got, _ := s.play("POST /v1/customers", "email=a@b.example", 0); got != nil {
		t.Errorf("came %v", got)
	}
	s.ask("acme", "POST /v1/webhook_endpoints/"+s.to.ID, "disabled=false", nil)
	if got, _ := s.play("POST "+customer, "name=A", 2); len(got) != 2 {
		t.Errorf("came %v, want what it was owed, and the newest", got)
	}
}

// What is refused is told as Stripe tells it.
func TestRefusalsAreStripes(t *testing.T) {
	s := start(t)
	for _, form := range []string{"", "url=http%3A%2F%2Fa.example&enabled_events[]=customer.eaten"} {
		var got struct {
			Error struct{ Type, Message string }
		}
		if status, answer := s.ask("acme", "POST /v1/webhook_endpoints", form, &got); status < 400 || status > 499 || got.Error.Type != "invalid_request_error" || got.Error.Message == "" {
			t.Errorf("%q: %d %s", form, status, answer)
		}
	}
}

// A delivery that fails is tried again, as the same event.
func TestAFailedDeliveryIsTriedAgain(t *testing.T) {
	s := start(t)
	var tries []string
	var came atomic.Int64
	s.React("acme", func(exampletest.Webhook) {
		if came.Add(1) == 2 {
			s.Answer("acme", 200)
		}
	})
	s.Answer("acme", 500)
	s.Call("POST", "/v1/customers", "email=a@b.example", "Authorization", "Bearer sk_test_acme", "Content-Type", "application/x-www-form-urlencoded")
	s.Until("it is accepted", func() bool {
		_, answer := s.Manage("GET", "/deliveries?state=delivered", "")
		return strings.Contains(answer, "dlv_")
	})
	for _, w := range s.Told() {
		tries = append(tries, w.Field("id"))
	}
	if len(tries) < 2 || len(slices.Compact(tries)) != 1 {
		t.Errorf("tries %v, want one id", tries)
	}
}

func TestTheREADMEHasEveryRow(t *testing.T) {
	exampletest.Readme(t, "customer.created", "customer.updated", "customer.deleted", "customer.discount.created", "customer.discount.updated",
		"customer.discount.deleted", "invoice.created", "invoice.updated", "invoice.deleted", "invoice.finalized", "invoice.paid",
		"invoice.payment_succeeded", "invoice.payment_failed", "invoice.sent", "invoice.voided", "invoice.marked_uncollectible",
		"invoiceitem.created", "invoiceitem.deleted", "data.object", "data.previous_attributes", "request.id", "request.idempotency_key",
		"created", "api_version", "livemode", "pending_webhooks", "type", "Stripe-Signature", "enabled_events", "disabled", "secret")
}

package shopifyorders_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sidehook/sidehook/examples/internal/exampletest"
	shopifyorders "github.com/sidehook/sidehook/examples/shopify-orders"
)

const (
	secret = "hush-this-is-the-app-s-secret"
	shop   = "hello.myshopify.com"
	orders = "/admin/api/2026-01/orders.json"
	order  = "/admin/api/2026-01/orders/820982911946154508"

	two = `{"order":{"email":"ida@holm.example","total_price":"597.00","line_items":[
		{"id":866550311766439020,"sku":"IPOD2008PINK","quantity":1,"price":"199.00"},
		{"id":141249953214522974,"sku":"IPOD2008BLUE","quantity":2,"price":"199.00"}]}}`
)

func TestMain(m *testing.M) { exampletest.Main(m) }

func start(t *testing.T) *exampletest.Stage {
	t.Helper()
	return exampletest.Start(t, shopifyorders.New(nil), "SHOPIFY_SECRET="+secret)
}

func topic(w exampletest.Webhook) string { return w.Header.Get("X-Shopify-Topic") }

// Each topic comes of the call that a shop makes for it, and of no other.
func TestEachTopicComesOfItsCall(t *testing.T) {
	s := start(t)
	for _, step := range []struct {
		call, body string
		want       []string
	}{
		{"POST " + orders, two, []string{"orders/create"}},
		{"PUT " + order + ".json", `{"order":{"note":"call first","email":"ida@holm.example","total_price":"597.00","line_items":[{"id":1},{"id":2}]}}`, []string{"orders/updated"}},
		{"PUT " + order + ".json", `{"order":{"note":"call first","email":"ida@holm.example","total_price":"597.00","line_items":[{"id":1},{"id":2}]}}`, []string{}},
		{"POST " + order + "/transactions.json", `{"transaction":{"kind":"capture"}}`, []string{"orders/updated", "orders/paid"}},
		{"POST " + order + "/fulfillments.json", `{"fulfillment":{},"line_items":[{"id":1}]}`, []string{"orders/updated", "orders/partially_fulfilled"}},
		{"POST " + order + "/fulfillments.json", `{"fulfillment":{}}`, []string{"orders/updated", "orders/fulfilled"}},
		{"POST " + order + "/cancel.json", "", []string{"orders/updated", "orders/cancelled"}},
		{"GET " + orders, "", []string{}},
		{"DELETE " + order + ".json", "", []string{"orders/delete"}},
	} {
		method, path, _ := strings.Cut(step.call, " ")
		got := exampletest.Names(s.Play(method, path, step.body, "Host", shop), topic)
		if diff := cmp.Diff(step.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.call, diff)
		}
	}
}

// The body is the order, without its envelope; of a deleted order it is its id,
// with all its digits.
func TestTheBodyIsTheOrder(t *testing.T) {
	s := start(t)
	got := s.Play("POST", orders, two, "Host", shop)
	exampletest.Same(t, exampletest.Sample(t, "order.json"), got[0].Body, "created_at", "updated_at")
	got = s.Play("DELETE", order+".json", "", "Host", shop)
	exampletest.Same(t, exampletest.Sample(t, "deleted.json"), got[0].Body)
}

// Topic, shop, version and ids are in headers, and the signature is the HMAC of
// the body in base64.
func TestTheHeadersAreShopifys(t *testing.T) {
	s := start(t)
	got := s.Play("POST", orders, two, "Host", shop)
	if len(got) != 1 {
		t.Fatalf("got %v, want one webhook", got)
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(got[0].Body))
	for name, want := range map[string]string{
		"X-Shopify-Topic": "orders/create", "X-Shopify-Shop-Domain": shop, "X-Shopify-API-Version": "2026-01",
		"X-Shopify-Hmac-SHA256": base64.StdEncoding.EncodeToString(mac.Sum(nil)),
		"X-Shopify-Webhook-Id":  got[0].Header.Get("Webhook-Id"), "Content-Type": "application/json",
	} {
		if h := got[0].Header.Get(name); h != want || h == "" {
			t.Errorf("%s is %q, want %q", name, h, want)
		}
	}
	if got[0].Header.Get("X-Shopify-Event-Id") == "" || got[0].Header.Get("X-Shopify-Triggered-At") == "" {
		t.Errorf("headers %v", got[0].Header)
	}
}

// What one call causes has one event id, and a webhook id for each topic.
func TestTopicsOfOneCallShareTheEventID(t *testing.T) {
	s := start(t)
	s.Play("POST", orders, two, "Host", shop)
	got := s.Play("POST", order+"/cancel.json", "", "Host", shop)
	if len(got) != 2 {
		t.Fatalf("got %v, want two webhooks", got)
	}
	a, b := got[0].Header, got[1].Header
	if a.Get("X-Shopify-Event-Id") != b.Get("X-Shopify-Event-Id") || a.Get("X-Shopify-Webhook-Id") == b.Get("X-Shopify-Webhook-Id") {
		t.Errorf("headers %v and %v", a, b)
	}
}

// A shop's orders are told to that shop's subscriptions only.
func TestAnotherShopsOrdersAreNotTold(t *testing.T) {
	s := start(t)
	if got := s.Play("POST", orders, two, "Host", "other.myshopify.com"); len(got) > 0 {
		t.Errorf("another shop's order was told: %v", got)
	}
}

func TestTheREADMEHasEveryRow(t *testing.T) {
	exampletest.Readme(t, "orders/create", "orders/updated", "orders/delete", "orders/paid", "orders/cancelled", "orders/fulfilled",
		"orders/partially_fulfilled", "X-Shopify-Topic", "X-Shopify-Shop-Domain", "X-Shopify-Hmac-SHA256", "X-Shopify-Webhook-Id",
		"X-Shopify-Event-Id", "X-Shopify-API-Version", "X-Shopify-Triggered-At")
}
